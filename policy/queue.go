package policy

import "time"

// Queue makes its name a queue. Start from NewQueue: the zero value is out of
// range.
type Queue struct {
	Common

	LockDuration        time.Duration // of a peek-lock that asks for none of its own
	MaxDeliveryCount    int           // deliveries until a message is dead-lettered
	TimeToLive          time.Duration // a message's age limit; 0: none
	DeadLetterExpired   bool          // expired messages are dead-lettered, not dropped
	MaxMessageKilobytes int           // of a body
	MaxLength           int64         // messages held; 0: no limit
	MaxMegabytes        int64         // bytes held; 0: no limit
	EnqueueTimeout      time.Duration // how long a full queue holds a sender
	Overflow            Overflow      // what happens then
	MaxLocked           int           // messages locked at one time; 0: no limit
	DeadLetterTo        string        // a name, as given; empty: the queue's own dead-letter queue
	ForwardTo           string        // a name, as given; empty: messages stay

	RequiresSession      bool
	DetectsDuplicates    bool
	DuplicateWindow      time.Duration // how long a message id is remembered
	DefaultStatus        string        // of a message that arrives
	KeepProcessedFor     time.Duration // 0: processed messages go at once; Forever
	Idempotent           bool
	KeepsPreviousVersion bool
	DeleteWhenIdleFor    time.Duration // 0: never
}

// NewQueue returns the policy of a queue about which nothing was said.
func NewQueue() Queue {
	return Queue{
		LockDuration:        time.Minute,
		MaxDeliveryCount:    10,
		MaxMessageKilobytes: 1024,
		EnqueueTimeout:      10 * time.Second,
		DuplicateWindow:     10 * time.Minute,
		DefaultStatus:       "Pending",
	}
}

// Kind returns QueueKind.
func (q Queue) Kind() Kind { return QueueKind }

// MaxMessageBytes is the largest body.
func (q Queue) MaxMessageBytes() int64 { return int64(q.MaxMessageKilobytes) << 10 }

// MaxBytes is what the queue may hold, in bytes; 0: no limit.
func (q Queue) MaxBytes() int64 { return q.MaxMegabytes << 20 }

// MarshalJSON returns the twin of the policy element: {"QueuePolicy":{…}}.
func (q Queue) MarshalJSON() ([]byte, error) { return marshal(q) }

func (q Queue) sealed() {}
