package policy

import "time"

// Router makes its name a router: what is sent to it goes to its
// subscriptions. Start from NewRouter: the zero value is out of range.
type Router struct {
	Common

	Distribution        Distribution
	MaxSubscribers      int
	MaxMessageKilobytes int           // of a body
	MaxBufferLength     int64         // messages that wait to be pushed
	BufferTimeout       time.Duration // how long a full buffer holds a sender
	Overflow            Overflow      // what happens then
	PushRetries         int           // tries after the first one
	PushTimeout         time.Duration // for an endpoint to answer
}

// NewRouter returns the policy of a router about which nothing was said.
func NewRouter() Router {
	return Router{
		MaxSubscribers:      2000,
		MaxMessageKilobytes: 1024,
		MaxBufferLength:     10_000,
		BufferTimeout:       10 * time.Second,
		PushRetries:         10,
		PushTimeout:         30 * time.Second,
	}
}

// Kind returns RouterKind.
func (r Router) Kind() Kind { return RouterKind }

// MaxMessageBytes is the largest body.
func (r Router) MaxMessageBytes() int64 { return int64(r.MaxMessageKilobytes) << 10 }

// Keep is the policy of the queue of a subscription at the router.
func (r Router) Keep(s Subscription) Queue {
	if s.PushTo == "" {
		return s.Queue
	}
	return r.Buffer(s.Queue)
}

// Own is the policy of the router's own queue, out of which it pushes to one of
// several.
func (r Router) Own() Queue {
	q := NewQueue()
	q.MaxMessageKilobytes = r.MaxMessageKilobytes
	return r.Buffer(q)
}

// Buffer is the policy of a queue like from, out of which the router pushes.
func (r Router) Buffer(from Queue) Queue {
	from.MaxDeliveryCount = r.PushRetries + 1
	from.LockDuration = r.PushTimeout + pushMargin
	from.EnqueueTimeout = r.BufferTimeout
	from.Overflow = r.Overflow
	if from.MaxLength == 0 {
		from.MaxLength = r.MaxBufferLength
	}
	return from
}

// pushMargin is by how much a message stays locked longer than its push may take.
const pushMargin = 30 * time.Second

// MarshalJSON returns the twin of the policy element: {"RouterPolicy":{…}}.
func (r Router) MarshalJSON() ([]byte, error) { return marshal(r) }

func (r Router) sealed() {}

// Distribution says who of the subscribers gets a message.
type Distribution uint8

// The values of Distribution.
const (
	ToAll Distribution = iota
	ToOne              // a random one
)
