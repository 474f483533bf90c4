package policy

import (
	"slices"
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/problem"
)

// Subscription makes its name a subscription at a router: a queue that gets the
// router's messages. Without a subscriber receivers pull from it; with
// Queue.ForwardTo they go on to a name at once; with PushTo they are pushed.
// Start from NewSubscription.
type Subscription struct {
	Queue

	PushTo      string   // an absolute http or https URL; empty: nothing is pushed
	Headers     []Header // added to each push
	MaxInFlight int      // pushes at one time; 1 keeps the order of messages
	Secret      string   // that pushes are signed with, as Standard Webhooks writes it: whsec_…
	EndTo       string   // a URL that is told when the subscription ends
	Rules       []Rule   // none: every message as it is
}

// Header is a line of the header of a push.
type Header struct{ Name, Value string }

// A Rule lets messages pass, and may change them: all that its filter matches.
type Rule struct {
	Name   string
	SQL    string        // a filter; empty: Equal decides
	Equal  []Correlation // at most one; none, and no SQL: every message
	Action string        // what is changed; empty: nothing
}

// A Correlation matches a message that has all of these.
type Correlation struct {
	MessageID, SessionID, CorrelationID, Label, To, ReplyTo, ReplyToSessionID, ContentType string

	Properties []Property
}

// A Property is one of a message's own, as text of a type.
type Property struct {
	Name, Value string
	Type        PropertyType
}

// PropertyType says how the value of a Property is read.
type PropertyType uint8

// The values of PropertyType.
const (
	TextProperty PropertyType = iota
	LongProperty
	DoubleProperty
	BooleanProperty
)

// Limits of a subscription.
const (
	MaxRules      = 100 // of a subscription
	maxProperties = 64  // of a correlation
	maxHeaders    = 32
	maxFilter     = 4096 // characters of a filter or an action
	MaxInFlight   = 100
)

// NewSubscription returns the policy of a subscription about which nothing was said.
func NewSubscription() Subscription {
	s := Subscription{Queue: NewQueue(), MaxInFlight: 1}
	s.MaxMessageKilobytes = maxMessageKilobytes // what the router takes, its subscriptions do
	return s
}

// Kind returns SubscriptionKind.
func (s Subscription) Kind() Kind { return SubscriptionKind }

// MarshalJSON returns the twin of the policy element: {"SubscriptionPolicy":{…}}.
func (s Subscription) MarshalJSON() ([]byte, error) { return marshal(s) }

// SubscriptionFromEntry reads the policy of an entry that is to become a
// subscription. The policy may be missing; a link with rel="alternate" states
// the subscriber in its place, a name or a URL, unless it is self, the path of the
// subscription that the entry is of [S1]. Errors as of FromEntry.
func SubscriptionFromEntry(entry *atom.Entry, self string) (Subscription, error) {
	s := NewSubscription()
	if slices.ContainsFunc(entry.Extensions, isPolicy) {
		p, err := FromEntry(entry)
		if err != nil {
			return s, err
		}
		var is bool
		if s, is = p.(Subscription); !is {
			return s, problem.NewField(forms[p.Kind()].policyName(), "", "SubscriptionPolicy, or no policy")
		}
	}
	for _, l := range entry.Links {
		if l.Rel != "alternate" && l.Rel != "" || l.Href == self {
			continue
		}
		if s.PushTo != "" || s.ForwardTo != "" {
			return s, problem.NewField("link", l.Href, "one subscriber; there is already %s", s.PushTo+s.ForwardTo)
		}
		if err := s.subscribe(l.Href); err != nil {
			return s, err
		}
	}
	return s, nil
}

// subscribe makes the target of a link the subscriber.
func (s *Subscription) subscribe(href string) error {
	if isNoURL(href) {
		if !strings.HasPrefix(href, "/") || !atom.IsText(href) {
			return problem.NewField("link", href, "the path of a name, such as /orders, or a URL with http or https")
		}
		s.ForwardTo = href
		return nil
	}
	if !isPushURL(href) {
		return problem.NewField("link", href, wantPushURL)
	}
	s.PushTo = href
	return nil
}

const wantPushURL = "an absolute URL with http or https and a host"

func isPushURL(text string) bool { return isAddress(text) && !isNoURL(text) }
