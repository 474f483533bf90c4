// Package policy holds what a name is told to be: typed policies with every
// default filled in and every value in its range, read from and written as
// Atom extension elements and their JSON twins.
package policy

import (
	"errors"
	"time"
)

// Policy is a Queue, Router, Subscription, ConnectionPoint or Metadata, by value. The compiler lets a pointer to one
// pass, but the functions of this package panic on it.
type Policy interface {
	Kind() Kind
	Shared() Common // the part that every kind has
	sealed()
}

// Errors that a caller can tell apart. Each comes together with a
// *problem.Field that names the element.
var (
	ErrNotAvailable = errors.New("not available yet")
	ErrFixed        = errors.New("fixed from the first assignment on")
)

// Kind says what a policy makes of its name.
type Kind uint8

// The kinds of policy.
const (
	QueueKind Kind = iota
	MetadataKind
	RouterKind
	SubscriptionKind
	ConnectionPointKind
)

// String returns the role that the kind gives to a name.
func (k Kind) String() string {
	switch k {
	case QueueKind:
		return "queue"
	case MetadataKind:
		return "metadata"
	case RouterKind:
		return "router"
	case SubscriptionKind:
		return "subscription"
	case ConnectionPointKind:
		return "connection point"
	}
	return "unknown"
}

// Common is the part of a policy that every kind has.
type Common struct {
	Authorization       Authorization
	Discoverability     Discoverability
	TransportProtection TransportProtection
	Status              Status
	ExpiresAt           time.Time // zero: never
	UserMetadata        string    // at most 1,024 characters, for the user's own purposes
}

// Shared returns c.
func (c Common) Shared() Common { return c }
