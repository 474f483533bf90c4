package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/store"
)

// A Copy is what one queue gets of a message that goes to several.
type Copy struct {
	Queue   *Queue
	Changed *message.Message // has its properties in place of the message's own; nil: they stay
	Err     error            // why it goes to the queue's dead-letter sub-queue; nil: it does not
}

// A Route decides which queues get a message with a body of size bytes, which is
// there unless it is large. It does what takes long; the choice that it returns
// is made by the writer.
type Route func(m *message.Message, size int64) Choice

// A Choice says which queues get a message.
type Choice struct {
	AtMost int // copies, as far as it can be told before
	// Make reads nothing but the transaction and memory that the writer owns, and
	// may be called more than once. Its result is not changed by the caller.
	Make func(tx *store.Tx) ([]Copy, error)
}

// Limits of the copies that one commit makes.
const (
	maxCopies      = 4000   // of a message
	maxBatchCopies = 20_000 // of all messages of a batch
)

// ErrTooMany says that messages would be copied to too many queues at a time.
var ErrTooMany = fmt.Errorf("it would be more than %d copies of a message, or %d of a batch", maxCopies, maxBatchCopies)

// A Target is where messages are moved on to: a queue, or those that a route says.
type Target struct {
	Queue *Queue
	Route Route
}

// Distribute sends messages with bodies of up to limit bytes to the queues that
// route says, all of them in one commit or none, and returns how many got each.
// A queue that does not take its copy has it in its dead-letter sub-queue.
//
// Errors: ErrTooLarge, ErrTooMany, those of route, of the store and of ctx.
func (s *Set) Distribute(ctx context.Context, limit int64, route Route, messages ...Outgoing) ([]int, error) {
	p, err := pack(limit, messages)
	if err != nil {
		return nil, err
	}
	choices, err := p.choose(route)
	if err != nil {
		return nil, err
	}
	if err := s.stageBatch(ctx, &p); err != nil {
		return nil, err
	}
	counts := make([]int, len(messages))
	err = s.store.Update(ctx, func(tx *store.Tx) error { return p.distribute(s, tx, choices, counts) })
	if err != nil {
		s.discardBatch(&p)
		return nil, err
	}
	return counts, nil
}

// choose has route do what takes long: ErrTooMany.
func (p *parcel) choose(route Route) ([]Choice, error) {
	choices, all := make([]Choice, len(p.messages)), 0
	for i := range p.messages {
		c := route(p.messages[i].Message, p.messages[i].size())
		if all += c.AtMost; c.AtMost > maxCopies || all > maxBatchCopies {
			return nil, ErrTooMany
		}
		choices[i] = c
	}
	return choices, nil
}

// distribute makes one choice after the other: what a message takes the next one
// does not have.
func (p *parcel) distribute(s *Set, tx *store.Tx, choices []Choice, counts []int) error {
	if err := tx.Room(); err != nil {
		return err
	}
	for i, choice := range choices {
		copies, err := choice.Make(tx)
		if err != nil {
			return err
		}
		copies = joined(tx, copies)
		if counts[i] = len(copies); len(copies) == 0 {
			p.waste(s, tx, i)
		} else if err := p.deliver(tx, i, copies); err != nil {
			return err
		}
	}
	return nil
}

// waste gives up the body of a message that nobody wants.
func (p *parcel) waste(s *Set, tx *store.Tx, i int) {
	if p.written == nil {
		return // its sender discards what is staged
	}
	giveUp(tx, trashStaged.key(p.written[i].id))
	tx.OnCommit(func() { s.wake(time.Time{}) })
}

// joined leaves out the copies of queues that are gone.
func joined(tx *store.Tx, copies []Copy) []Copy {
	for i := range copies {
		if copies[i].Queue.join(tx) != nil {
			rest := slices.Clone(copies)
			return slices.DeleteFunc(rest, func(c Copy) bool { return c.Queue.join(tx) != nil })
		}
	}
	return copies
}

// deliver makes the entries of the i-th message.
func (p *parcel) deliver(tx *store.Tx, i int, copies []Copy) error {
	e := entry{body: p.body(tx, i), head: p.heads[i], sentAt: tx.Now}
	if err := e.share(tx, len(copies)); err != nil {
		return err
	}
	for _, c := range copies {
		m := p.messages[i].Message
		if c.Changed != nil {
			m = c.Changed
		}
		c.Queue.begin(tx, &e, m)
		c.Queue.tally.sent++
		c.add(tx, e)
	}
	return nil
}

// add makes an entry like e at the tail of the copy's queue, or in its
// dead-letter sub-queue if it takes none or is not to [S2].
func (c *Copy) add(tx *store.Tx, e entry) {
	q := c.Queue
	if c.Changed != nil {
		e.envelope = message.AppendEnvelope(nil, c.Changed)
	}
	e.seq = q.tail()
	e.place = place{Main, e.state, e.seq}
	why := c.Err
	if why == nil {
		why = q.accepts(tx, &e)
	}
	if why != nil {
		q.refuse(&e, why)
	}
	q.enter(tx, &e)
}

// refuse makes e one for the dead-letter sub-queue.
func (q *Queue) refuse(e *entry, why error) {
	e.place = place{DeadLetter, Active, e.position}
	e.dueAt = time.Time{}
	e.flags |= isDead
	e.dead = dead{reason: reasonOf(why), description: cut(why.Error()), source: q.name}
	q.tally.deadLettered++
}

// Reasons of dead letters that no receiver has seen.
const (
	reasonRefused = "SubscriptionRefused"         // it took no message
	reasonFilter  = "FilterEvaluationException"   // a rule failed
	reasonHops    = "MaxTransferHopCountExceeded" // it was moved on too often
)

func reasonOf(why error) string {
	switch {
	case errors.Is(why, errTarget), errors.Is(why, errNoRoom), errors.Is(why, errTooLarge):
		return reasonRefused
	case errors.Is(why, errHops):
		return reasonHops
	default:
		return reasonFilter
	}
}

// forwardTo moves e, which stands at from, to the queues that a route says. What
// nobody wants is dropped; a dead letter is not.
func (q *Queue) forwardTo(tx *store.Tx, from, e *entry, route Route) error {
	m, err := e.message(&tx.Reader)
	if err != nil {
		return err
	}
	copies, err := route(m, e.body.size).Make(tx)
	if err != nil {
		return err
	}
	copies = joined(tx, copies)
	if len(copies) == 0 {
		if e.flags&isDead != 0 {
			return errUnrouted
		}
		q.remove(tx, from)
		return nil
	}
	moved := e.moved(tx.Now)
	if err := moved.share(tx, len(copies)); err != nil {
		return err
	}
	q.leave(tx, from)
	for _, c := range copies {
		moved.expiresAt = c.Queue.expiryOf(tx, e)
		c.add(tx, moved)
	}
	return nil
}
