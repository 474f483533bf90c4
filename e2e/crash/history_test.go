package crash_test

import (
	"time"

	"github.com/jitney-mq/jitney/client"
)

// Instants are spans since the history began, by the clock of the test or, as
// far as the broker told them, by the broker's: both run on one machine.

// An outcome is what a caller knows of a call when it has ended.
type outcome uint8

const (
	done      outcome = iota
	refused           // by the broker: nothing has changed
	unreached         // there was no connection to make it on: nothing has changed
	unknown           // the answer did not come: it may have been carried out or not
)

func (o outcome) String() string { return [...]string{"done", "refused", "unreached", "unknown"}[o] }

// A call is when a request was made and answered, and how.
type call struct {
	start, end time.Duration
	outcome    outcome
}

// maySucceed reports whether the call can have been carried out.
func (c call) maySucceed() bool { return c.outcome == done || c.outcome == unknown }

// A unit is the messages of one request.
type unit struct {
	number int
	shape  shape
}

type shape uint8

const (
	single shape = iota
	batch        // all or none
	stream       // from the first to some
)

// An attempt is a message in a send.
type attempt struct {
	call
	id      string
	job     string // what it is about: it is sent again when the outcome is unknown
	to      *place
	sender  string        // whose sends are one after the other
	turn    int           // which of them it is
	unit    unit          // what it was sent with
	number  int64         // the sequence number; 0: not told
	visible time.Duration // it is not to be delivered before; 0: at once
	life    time.Duration // its own time to live; 0: the queue's
	marked  bool          // it has the property that some subscriptions are for
}

// mode is how a receiver got a message.
type mode uint8

const (
	fromHead mode = iota
	byNumber      // it asked for the sequence number
	deleting      // it received and deleted
	pushed        // the broker sent it
	heard         // likewise, over a socket: its lock ends with the broker's process
)

// A delivery is a message in the answer to a receive.
type delivery struct {
	call
	id     string
	from   *place
	mode   mode
	count  int // of deliveries
	number int64
	token  string // of the lock

	// When the broker gave the lock and when it ends, as it told: between the
	// first and the second. They differ where it told no fractions of seconds.
	given, givenBy time.Duration
	until, untilBy time.Duration

	enqueued time.Duration // as told; 0: not exactly
	reason   string        // why it is a dead letter

	generation int    // of the broker, if it matters: the kills before it
	damage     string // in what it is not the message that was sent
}

// What is done to a lock besides the dispositions.
const (
	renewal = client.Disposition("renew")
	failure = client.Disposition("push that failed") // by the broker
)

// A settlement is the end of a lock, or its renewal. Refused means that the
// broker said that the lock is lost.
type settlement struct {
	call
	token          string
	what           client.Disposition
	delay          time.Duration // until the message is seen again
	length         time.Duration // of a renewal: what was asked for
	until, untilBy time.Duration // of a renewal: when the lock ends now
}

// A blind is a receive without an answer: what it may have locked or deleted
// nobody knows.
type blind struct {
	call
	at   *place
	most int // messages
}

// A redrive may send back anything that is at a place while it lasts.
type redrive struct {
	call
	at *place
}

// A closure is a time in which nobody listens at an endpoint to which the
// broker pushes from a place: tries of which nothing is sent.
type closure struct {
	call
	at *place
}

// A history is all that happened, in no order.
type history struct {
	attempts    []attempt
	deliveries  []delivery
	settlements []settlement
	blinds      []blind
	redrives    []redrive
	kills       []call // one after the other
	pushes      []push
	closures    []closure
	surprises   []string      // answers that nobody should get
	calls       int           // of all kinds, also those that brought nothing
	drained     time.Duration // when the broker was found empty; 0: it was not
}
