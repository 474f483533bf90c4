package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/jitney-mq/jitney/store"
)

// maxScanned bounds the entries that one page looks at.
const maxScanned = 1000

// BrowseOptions says which messages are wanted.
type BrowseOptions struct {
	Sub    SubQueue
	From   uint64  // the first sequence number
	Count  int     // at most so many; default and maximum MaxCount
	States []State // empty: all
}

// A Page is part of a queue, in the order of sequence numbers.
type Page struct {
	Messages []*Delivery
	Next     uint64 // where the next page begins; 0: there is nothing more
}

// Browse returns messages without locking them, in whatever state they are, as
// of one instant. It shows no lock tokens. Bodies above MaxReply in all end
// the page early.
func (q *Queue) Browse(opts BrowseOptions) (Page, error) {
	if opts.Count <= 0 || opts.Count > MaxCount {
		opts.Count = MaxCount
	}
	var page Page
	err := q.set.store.View(func(r *store.Reader) error {
		entries, next, err := q.id.list(r, opts)
		if err != nil {
			return err
		}
		page, err = q.page(r, entries, next)
		return err
	})
	for i := 0; err == nil && i < len(page.Messages); i++ {
		if err = page.Messages[i].Load(); errors.Is(err, ErrNoMessage) {
			page.Messages = slices.Delete(page.Messages, i, i+1) // it has gone in the meantime
			i, err = i-1, nil
		}
	}
	return page, err
}

// page reads the messages of entries, without large bodies.
func (q *Queue) page(r *store.Reader, entries []*entry, next uint64) (Page, error) {
	page := Page{Next: next}
	var bytes int64
	for _, e := range entries {
		if bytes += e.body.size; bytes > MaxReply && len(page.Messages) > 0 {
			page.Next = e.seq
			return page, nil
		}
		d := &Delivery{set: q.set, body: e.body}
		var err error
		d.Message, err = e.read(r)
		var corrupt *store.CorruptError
		if errors.As(err, &corrupt) {
			continue // a receiver puts it aside
		}
		if err != nil {
			return page, err
		}
		e.describe(&d.Received)
		if e.state == Locked {
			d.LockedUntil = e.lock.until
		}
		page.Messages = append(page.Messages, d)
	}
	return page, nil
}

// list returns entries in the order of sequence numbers. Where position and
// sequence number are the same, as they mostly are, they stand in that order
// already; the others are found by the table of those that have moved.
func (q ID) list(r *store.Reader, opts BrowseOptions) (found []*entry, next uint64, err error) {
	wanted := opts.States
	if len(wanted) == 0 {
		wanted = []State{Active, Locked, Scheduled, Deferred}
	}
	for _, l := range lines {
		if found, err = q.appendUnmoved(found, r, opts, l, wanted); err != nil {
			return nil, 0, err
		}
	}
	if found, err = q.appendMoved(found, r, opts, wanted); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(found, func(a, b *entry) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	if len(found) > opts.Count {
		next = found[opts.Count].seq
		found = found[:opts.Count]
	}
	return found, next, nil
}

// appendUnmoved adds the first entries of a line that never changed their
// position: one more than a page has, to know whether there is a next one.
func (q ID) appendUnmoved(found []*entry, r *store.Reader, opts BrowseOptions, l line, wanted []State) ([]*entry, error) {
	from, end := q.between(opts.Sub, l, opts.From)
	n := 0
	for rec := range r.Scan(entriesTable, from, end) {
		if rec.Err != nil {
			continue // a receiver puts it aside
		}
		e, err := decodeEntry(rec.Key, rec.Value)
		if err != nil {
			return nil, err
		}
		if e.position != e.seq || !slices.Contains(wanted, e.state) {
			continue
		}
		found = append(found, e)
		if n++; n > opts.Count {
			break
		}
	}
	return found, nil
}

func (q ID) appendMoved(found []*entry, r *store.Reader, opts BrowseOptions, wanted []State) ([]*entry, error) {
	n := 0
	for rec := range r.Scan(movedTable, q.movedKey(opts.From), store.PrefixEnd(q.bytes())) {
		e, err := q.find(r, opts.Sub, binary.BigEndian.Uint64(rec.Key[8:]))
		var corrupt *store.CorruptError
		if errors.As(err, &corrupt) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if e == nil || !slices.Contains(wanted, e.state) {
			continue
		}
		found = append(found, e)
		if n++; n > opts.Count {
			break
		}
	}
	return found, nil
}

// Find returns the message with a sequence number: ErrNoMessage.
func (q *Queue) Find(sub SubQueue, seq uint64) (*Delivery, error) {
	var page Page
	err := q.set.store.View(func(r *store.Reader) error {
		e, err := q.id.find(r, sub, seq)
		if err != nil {
			return err
		}
		if e == nil {
			return ErrNoMessage
		}
		page, err = q.page(r, []*entry{e}, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page.Messages) == 0 {
		return nil, ErrNoMessage // it is damaged
	}
	return page.Messages[0], nil
}

// redriveStep bounds the messages that one commit of a redrive moves.
const redriveStep = 100

// Redrive sends dead letters back: to the tail of the queue, or of the queue
// to, as if they were new. It takes the first count active ones of a
// dead-letter sub-queue, 0 for all, in steps, and returns how many it has
// moved, also with an error: ErrFull, or as of Send.
func (q *Queue) Redrive(ctx context.Context, sub SubQueue, to *Queue, count int) (moved int, err error) {
	if to == nil {
		to = q
	}
	var last uint64 // what comes back meanwhile stands behind it, and is for another time
	for count == 0 || moved < count {
		step := redriveStep
		if count > 0 {
			step = min(step, count-moved)
		}
		n := 0
		err := q.update(ctx, func(tx *store.Tx) error {
			if moved == 0 {
				last = q.counts.next
			}
			var err error
			n, err = q.redrive(tx, sub, to, step, last)
			return err
		})
		moved += n
		if err != nil || n == 0 {
			return moved, err
		}
	}
	return moved, nil
}

func (q *Queue) redrive(tx *store.Tx, sub SubQueue, to *Queue, count int, last uint64) (n int, err error) {
	if err := to.join(tx); err != nil {
		return 0, err
	}
	for n < count && !tx.Full() {
		position, ready := q.lanes[sub].first(tx)
		if !ready || position > last {
			return n, nil
		}
		e := q.take(tx, sub, position)
		if e == nil {
			continue
		}
		if err := to.accepts(tx, e); err != nil {
			if n > 0 {
				return n, nil // the next step says so
			}
			return 0, err
		}
		q.revive(tx, e, to)
		n++
	}
	return n, nil
}

// revive moves a dead letter to the tail of a queue.
func (q *Queue) revive(tx *store.Tx, e *entry, to *Queue) {
	from := *e
	e.deliveries, e.lock, e.dead = 0, lock{}, dead{}
	e.flags &^= isDead | lockExpired
	e.expiresAt = to.expiry(tx.Now, e.timeToLive)
	e.hops = 0
	q.tally.redriven++
	if to != q {
		q.transfer(tx, &from, e, to)
		return
	}
	q.move(tx, &from, e, place{Main, Active, q.tail()})
}
