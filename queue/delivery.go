package queue

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/store"
)

// A Delivery is a message that was given to a receiver or found by a browser.
// Its Body is nil while a large body is not loaded. Close ends it.
type Delivery struct {
	message.Received
	Attempts int // deliveries, and attempts of which nothing reached anybody

	set  *Set
	body bodyRef
	held []byte // key of the trash, of a body that is nowhere but here
}

// WriteTo writes the body to w. A large one is read bit by bit, and memory and
// store are free of it while w is slow.
func (d *Delivery) WriteTo(w io.Writer) (int64, error) {
	if d.Body != nil || d.body.chunks == 0 {
		n, err := w.Write(d.Body)
		return int64(n), err
	}
	return d.set.writeBody(d.body, w)
}

// Load makes Body the whole body.
func (d *Delivery) Load() error {
	if d.Body != nil || d.body.chunks == 0 {
		return nil
	}
	b := make(sink, 0, d.body.size)
	if _, err := d.set.writeBody(d.body, &b); err != nil {
		return err
	}
	d.Body = b
	return nil
}

type sink []byte

func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// Close gives up a body that was kept for this delivery alone.
func (d *Delivery) Close() {
	if d.held != nil {
		d.set.discard(d.held)
		d.held = nil
	}
}

// errDamaged says that a message's body cannot be read; it has been put aside.
var errDamaged = errors.New("the message's body is damaged")

// deliver makes a delivery of what the writer gave away.
func (q *Queue) deliver(t *taken) (*Delivery, error) {
	d := &Delivery{set: q.set, body: t.body, held: t.held}
	var err error
	if t.head != nil {
		d.Message, err = parseChanged(t.head, t.envelope)
	} else {
		err = q.set.store.View(func(r *store.Reader) error {
			d.Message, err = t.read(r)
			return err
		})
	}
	var corrupt *store.CorruptError
	if errors.As(err, &corrupt) {
		return nil, q.condemn(&t.entry, corrupt)
	}
	if err != nil {
		return nil, err
	}
	t.describe(&d.Received)
	d.Attempts = int(t.deliveries + t.unsent)
	if t.state == Locked {
		d.LockToken = q.set.tokens.seal(t.sub, t.position, t.lock.random).String()
		d.LockedUntil = t.lock.until
	}
	return d, nil
}

// describe fills in what the entry knows.
func (e *entry) describe(r *message.Received) {
	r.SequenceNumber = int64(e.seq)
	r.EnqueuedAt = e.sentAt
	r.DeliveryCount = int(e.deliveries)
	r.Size = e.body.size
	r.State, r.Status = e.words()
	r.DeadLetterReason = e.dead.reason
	r.DeadLetterDescription = e.dead.description
	r.DeadLetterSource = e.dead.source
	if e.state == Scheduled {
		r.ScheduledAt = e.dueAt
	}
}

// words returns the state in Azure's words and in ours.
func (e *entry) words() (azure, own string) {
	switch {
	case e.state == Scheduled:
		return "Scheduled", "Sleeping"
	case e.state == Deferred || e.flags&wasDeferred != 0:
		return "Deferred", "Deferred"
	case e.state == Locked:
		return "Active", "Leased"
	case e.sub != Main:
		return "Active", "Error"
	default:
		return "Active", "Pending"
	}
}

// condemn puts a message aside whose body is damaged.
func (q *Queue) condemn(e *entry, corrupt *store.CorruptError) error {
	err := q.update(context.Background(), func(tx *store.Tx) error {
		found, err := q.id.read(&tx.Reader, e.sub, e.state.line(), e.position)
		if err != nil || found == nil || found.seq != e.seq {
			return err
		}
		tx.Quarantine(corrupt)
		q.leave(tx, found)
		return nil
	})
	if err != nil {
		return err
	}
	return errDamaged
}

// undeliver gives messages back whose receiver has gone before it got them [R2].
func (q *Queue) undeliver(list []*Delivery) {
	settlements := make([]Settlement, len(list))
	for i, d := range list {
		settlements[i] = Settlement{Lock: d.LockToken, Disposition: Release}
	}
	_, _ = q.Settle(context.WithoutCancel(context.Background()), settlements...)
}

// message returns the message of an entry, with its body if that is small. It
// is valid while the transaction is.
func (e *entry) message(r *store.Reader) (*message.Message, error) {
	if e.head != nil {
		return parseChanged(e.head, e.envelope)
	}
	v, err := r.Get(bodiesTable, e.body.key(0))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, ErrNoMessage
	}
	return parseChanged(v, e.envelope)
}

// read is message for longer than the transaction.
func (e *entry) read(r *store.Reader) (*message.Message, error) {
	m, err := e.message(r)
	if err == nil && e.head == nil {
		m.Body = bytes.Clone(m.Body)
	}
	return m, err
}

// parseChanged is parseHead of a message whose envelope may have been replaced.
func parseChanged(head, envelope []byte) (*message.Message, error) {
	m, err := parseHead(head)
	if err != nil || envelope == nil {
		return m, err
	}
	changed, err := message.DecodeEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	changed.Body = m.Body
	return changed, nil
}
