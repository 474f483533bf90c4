package server

import (
	"strconv"
	"sync"
)

// counted are the messages of a stream that are done with.
type counted struct {
	committed int64
	last      uint64 // the sequence number of the last one committed
	discarded int64  // by the queue's Overflow
	unrouted  int64  // that no subscription of the router takes
}

// append appends the line that tells a client about c.
func (c counted) append(b []byte) []byte {
	b = append(b, `{"committed":`...)
	b = strconv.AppendInt(b, c.committed, 10)
	if c.last > 0 {
		b = append(b, `,"last":`...)
		b = strconv.AppendUint(b, c.last, 10)
	}
	if c.discarded > 0 {
		b = append(b, `,"discarded":`...)
		b = strconv.AppendInt(b, c.discarded, 10)
	}
	if c.unrouted > 0 {
		b = append(b, `,"unrouted":`...)
		b = strconv.AppendInt(b, c.unrouted, 10)
	}
	return append(b, "}\n"...)
}

// progress is how far a stream has got.
type progress struct {
	mu    sync.Mutex // guards sum and ended
	sum   counted
	ended bool
	news  chan struct{} // holds one signal: now has changed
}

func newProgress() *progress { return &progress{news: make(chan struct{}, 1)} }

func (p *progress) add(c counted) {
	p.mu.Lock()
	p.sum.committed += c.committed
	p.sum.discarded += c.discarded
	p.sum.unrouted += c.unrouted
	p.sum.last = max(p.sum.last, c.last)
	p.mu.Unlock()
	p.tell()
}

// end says that there will be no more.
func (p *progress) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.tell()
}

func (p *progress) tell() {
	select {
	case p.news <- struct{}{}:
	default: // whoever takes the signal that is there sees this too
	}
}

func (p *progress) now() (sum counted, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sum, p.ended
}
