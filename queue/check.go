package queue

import (
	"encoding/binary"
	"fmt"

	"github.com/jitney-mq/jitney/store"
)

// Check compares everything that a store says about its queues with
// everything else that it says, and calls report for whatever does not fit.
// The second result has the numbers of the queues, so that they can be
// compared with the names. Damaged records are the store's to report; they
// are passed over here.
func Check(s *store.Store, report func(problem string)) (messages uint64, queues map[ID]bool, err error) {
	c := &checker{
		report: report,
		counts: map[ID]counts{},
		found:  map[ID]*counts{},
		bodies: map[uint64]bodyRef{},
		shares: map[uint64]uint64{},
		due:    map[string]bool{},
		trash:  map[string]bool{},
		moved:  map[string]uint64{},
	}
	err = s.View(func(r *store.Reader) error {
		c.readSmall(r)
		c.readEntries(r)
		c.readShares(r)
		c.readBodies(r)
		return nil
	})
	c.compare()
	queues = make(map[ID]bool, len(c.counts))
	for id := range c.counts {
		queues[id] = true
	}
	return c.messages, queues, err
}

// checker has what was read; whatever is explained is removed again.
type checker struct {
	report   func(string)
	messages uint64
	counts   map[ID]counts      // as stored
	found    map[ID]*counts     // as the entries have it
	bodies   map[uint64]bodyRef // that entries have
	shares   map[uint64]uint64  // how many entries share a body
	due      map[string]bool    // class and key
	trash    map[string]bool
	moved    map[string]uint64
}

func (c *checker) complain(format string, args ...any) { c.report(fmt.Sprintf(format, args...)) }

func (c *checker) readSmall(r *store.Reader) {
	for rec := range r.Scan(countsTable, nil, nil) {
		stored, err := decodeCounts(rec.Value)
		if rec.Err != nil || err != nil {
			c.complain("the counts of queue %x cannot be read", rec.Key)
			continue
		}
		c.counts[ID(binary.BigEndian.Uint64(rec.Key))] = stored
	}
	for rec := range r.Scan(trashTable, nil, nil) {
		c.trash[string(rec.Key)] = true
	}
	for rec := range r.Scan(movedTable, nil, nil) {
		if rec.Err == nil && len(rec.Value) == 8 {
			c.moved[string(rec.Key)] = binary.BigEndian.Uint64(rec.Value)
		}
	}
	for _, class := range DueClasses {
		r.AllDue(class, func(d store.Due) { c.due[dueName(d)] = true })
	}
}

func dueName(d store.Due) string {
	return fmt.Sprintf("%d %d %x", d.Class, d.At.UnixMicro(), d.Ref)
}

func (c *checker) readEntries(r *store.Reader) {
	for rec := range r.Scan(entriesTable, nil, nil) {
		e, err := decodeEntry(rec.Key, rec.Value)
		if rec.Err != nil || err != nil {
			c.complain("entry %x cannot be read", rec.Key)
			continue
		}
		c.messages++
		c.entry(queueOf(rec.Key), e)
	}
}

// entry checks one entry, and takes what it explains off the lists.
func (c *checker) entry(id ID, e *entry) {
	q := &Queue{id: id}
	deleted := c.trash[string(trashQueue.key(uint64(id)))]
	if _, ok := c.counts[id]; !ok && !deleted {
		c.complain("message %d stands in queue %d, which is not there", e.seq, id)
	}
	if c.found[id] == nil {
		c.found[id] = &counts{}
	}
	c.found[id].messages[e.sub][e.state]++
	c.found[id].bytes[e.sub] += uint64(e.body.size)
	c.found[id].next = max(c.found[id].next, e.seq, e.position)
	if other, twice := c.bodies[e.body.id]; twice && e.flags&isShared == 0 {
		c.complain("body %d is in two entries: %v and queue %d message %d", e.body.id, other, id, e.seq)
	}
	c.bodies[e.body.id] = e.body
	if e.flags&isShared != 0 {
		c.shares[e.body.id]++
	}
	if e.ages() {
		c.expectDue(q.expiryDue(e))
	}
	if e.state == Scheduled {
		c.expectDue(q.scheduleDue(e))
	}
	key := string(id.movedKey(e.seq))
	if position, ok := c.moved[key]; ok != (e.position != e.seq) || ok && position != e.position {
		c.complain("queue %d message %d is at position %d, and the table of moved ones says %d, %v", id, e.seq, e.position, position, ok)
	}
	delete(c.moved, key)
}

func (c *checker) expectDue(d store.Due) {
	if name := dueName(d); c.due[name] {
		delete(c.due, name)
	} else {
		c.complain("due entry %s is missing", name)
	}
}

// readShares compares how many entries have a body with what is written down.
func (c *checker) readShares(r *store.Reader) {
	for key := range c.trash {
		if trash(key[0]) == trashHeld {
			c.shares[binary.BigEndian.Uint64([]byte(key[1:]))]++
		}
	}
	for rec := range r.Scan(sharesTable, nil, nil) {
		id := binary.BigEndian.Uint64(rec.Key)
		n, err := shares(r, id)
		if err == nil && n != c.shares[id] {
			c.complain("body %d is in %d entries, and its record says %d", id, c.shares[id], n)
		}
		delete(c.shares, id)
	}
	for id, n := range c.shares {
		c.complain("body %d is in %d entries, and has no record", id, n)
	}
}

func (c *checker) readBodies(r *store.Reader) {
	found := map[uint64]uint32{}
	size := map[uint64]int64{}
	for rec := range r.Scan(bodiesTable, nil, nil) {
		id, chunk := binary.BigEndian.Uint64(rec.Key), binary.BigEndian.Uint32(rec.Key[8:])
		found[id]++
		if chunk > 0 {
			size[id] += int64(len(rec.Value))
		} else if m, err := parseHead(rec.Value); err == nil {
			size[id] += int64(len(m.Body))
		}
	}
	for id, b := range c.bodies {
		if found[id] != b.chunks+1 || size[id] != b.size {
			c.complain("body %d has %d records and %d bytes, its entry says %d and %d", id, found[id], size[id], b.chunks+1, b.size)
		}
		delete(found, id)
	}
	for id := range found {
		if !c.trash[string(trashBody.key(id))] && !c.trash[string(trashStaged.key(id))] && !c.held(id) {
			c.complain("body %d is in no entry", id)
		}
	}
}

// compare checks the sums, and that nothing is left that no entry explains.
func (c *checker) compare() {
	for id, stored := range c.counts {
		sum := c.found[id]
		if sum == nil {
			sum = &counts{}
		}
		if stored.messages != sum.messages || stored.bytes != sum.bytes || stored.next < sum.next {
			c.complain("queue %d counts %+v, its entries are %+v", id, stored, *sum)
		}
	}
	for name := range c.due {
		c.complain("due entry %s has no message", name)
	}
	for key := range c.moved {
		if id := ID(binary.BigEndian.Uint64([]byte(key))); c.trash[string(trashQueue.key(uint64(id)))] {
			continue
		}
		c.complain("the table of moved messages has %x, which is not there", key)
	}
}

// held reports whether somebody is still reading a shared body that has left
// its last queue.
func (c *checker) held(id uint64) bool {
	for key := range c.trash {
		if trash(key[0]) == trashHeld && binary.BigEndian.Uint64([]byte(key[1:])) == id {
			return true
		}
	}
	return false
}
