package server

import (
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// How listeners are refused.
const (
	refusalPause   = time.Second     // before one is told
	turnAwayAfter  = 5 * time.Second // before one that comes too often is told
	honestRefusals = 3               // at one time and address; those beyond come too often
)

// refusals are the listeners that are being refused, by their address. There are
// some that come back at once, and twice for each handshake that fails; so those that
// are too many at one time get a handshake that does not.
type refusals struct {
	mu   sync.Mutex
	held map[string]int
}

// hold counts a refusal from an address, and returns how many others there are.
func (r *refusals) hold(address string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(map[string]int)
	}
	r.held[address]++
	return r.held[address] - 1
}

func (r *refusals) release(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[address]--; r.held[address] == 0 {
		delete(r.held, address)
	}
}

// refuseListener refuses a listener after a while, and by its socket if it comes too
// often [L1].
func (x *exchange) refuseListener(err error) error {
	refusals, address := &x.server.refusals, hostname(x.r.RemoteAddr)
	if refusals.hold(address) < honestRefusals {
		defer refusals.release(address)
		x.pause(refusalPause)
		return err
	}
	s, failed := x.upgradeChannel("")
	if failed != nil {
		refusals.release(address)
		return failed
	}
	x.server.broker.Relay().TurnAway(s, turnAwayAfter, websocket.CloseInternalServerErr, err.Error(), func() { refusals.release(address) })
	return nil
}

// pause waits, unless the client goes or the server ends.
func (x *exchange) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.server.draining.Done():
	case <-x.r.Context().Done():
	}
}
