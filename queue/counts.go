package queue

import (
	"encoding/binary"
	"time"
)

// counts is what a queue knows of itself without looking: one record, put once
// a commit.
type counts struct {
	next     uint64                    // the last number given to a sequence number or a position
	messages [subQueues][states]uint64 // by sub-queue and state
	bytes    [subQueues]uint64         // of bodies and their properties
	expired  uint64                    // dropped because of their age, since the queue was made
	discard  uint64                    // dropped by Overflow, since the queue was made
}

const countsVersion = 1

// encode returns the value of c: the version and every number as an unsigned varint.
func (c *counts) encode() []byte {
	b := make([]byte, 0, 64)
	b = append(b, countsVersion)
	b = binary.AppendUvarint(b, c.next)
	for sub := range c.messages {
		for _, n := range c.messages[sub][Active:] {
			b = binary.AppendUvarint(b, n)
		}
		b = binary.AppendUvarint(b, c.bytes[sub])
	}
	b = binary.AppendUvarint(b, c.expired)
	return binary.AppendUvarint(b, c.discard)
}

func decodeCounts(v []byte) (c counts, err error) {
	if len(v) == 0 || v[0] != countsVersion {
		return c, errRecord
	}
	r := record{v[1:], false}
	c.next = r.number()
	for sub := range c.messages {
		for state := Active; state < states; state++ {
			c.messages[sub][state] = r.number()
		}
		c.bytes[sub] = r.number()
	}
	c.expired, c.discard = r.number(), r.number()
	if r.bad || len(r.rest) > 0 {
		return counts{}, errRecord
	}
	return c, nil
}

func (q ID) bytes() []byte { return binary.BigEndian.AppendUint64(nil, uint64(q)) }

// total is how many messages a sub-queue has.
func (c *counts) total(sub SubQueue) uint64 {
	var n uint64
	for _, k := range c.messages[sub] {
		n += k
	}
	return n
}

// Counts is what a queue holds at one instant.
type Counts struct {
	Active, Locked, Scheduled, Deferred uint64    // in the main sub-queue
	DeadLetter                          uint64    // in the dead-letter sub-queue, in any state
	TransferDeadLetter                  uint64    // in the transfer dead-letter sub-queue
	Bytes                               uint64    // of all bodies and properties
	Expired                             uint64    // dropped because of their age, ever
	Discarded                           uint64    // dropped by Overflow, ever
	OldestAt                            time.Time // when the first active message was enqueued; zero if there is none
}

func (c *counts) public() Counts {
	main := &c.messages[Main]
	return Counts{
		Active: main[Active], Locked: main[Locked], Scheduled: main[Scheduled], Deferred: main[Deferred],
		DeadLetter:         c.total(DeadLetter),
		TransferDeadLetter: c.total(Transfer),
		Bytes:              c.bytes[Main] + c.bytes[DeadLetter] + c.bytes[Transfer],
		Expired:            c.expired,
		Discarded:          c.discard,
	}
}
