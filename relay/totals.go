package relay

import "sync/atomic"

// totals count since the hub was made.
type totals struct {
	listens, requests, failed, connects, oneWay, stray atomic.Uint64
	bytes                                              atomic.Uint64
}

// Totals are what a hub has done, and what it does now.
type Totals struct {
	Listens  uint64 // control channels that were opened
	Requests uint64 // requests that senders came with
	Failed   uint64 // of them, those without a response
	Connects uint64 // senders' sockets that were joined
	OneWay   uint64 // requests that a listener took one way
	Stray    uint64 // responses that nobody waited for
	Bytes    uint64 // passed on between sockets that have ended

	Listeners int // now
	Meetings  int // requests and sockets that wait for their listener, now
	Sockets   int // senders' sockets, now
}

// Totals returns the figures of the moment.
func (h *Hub) Totals() Totals {
	t := Totals{
		Listens:  h.totals.listens.Load(),
		Requests: h.totals.requests.Load(),
		Failed:   h.totals.failed.Load(),
		Connects: h.totals.connects.Load(),
		OneWay:   h.totals.oneWay.Load(),
		Stray:    h.totals.stray.Load(),
		Bytes:    h.totals.bytes.Load(),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Listeners, t.Meetings, t.Sockets = h.listeners, len(h.meetings), len(h.joints)
	return t
}
