package client

import (
	"time"

	"github.com/jitney-mq/jitney/relay/control"
)

// minRenewal is the shortest time between two tokens.
const minRenewal = time.Second

// relayRenewal knows when another token is to be sent.
type relayRenewal struct {
	until time.Time   // the end of the last token; zero: it has none
	timer *time.Timer // nil: there is nothing to renew
}

// newRelayRenewal returns the renewal of a token. What is no token of the
// relay's is for the broker to judge.
func newRelayRenewal(token string) *relayRenewal {
	r := &relayRenewal{}
	r.next(token)
	return r
}

// next takes a token in the place of the last one and reports whether it lasts
// longer. When a third of its time is left, another one is due. After one that
// lasts no longer none is: the broker ends the connection in its time.
func (r *relayRenewal) next(token string) bool {
	r.stop()
	until, err := control.ExpiresAt(token)
	if err != nil || !until.After(r.until) {
		return false
	}
	r.until = until
	r.timer = time.NewTimer(max(time.Until(until)*2/3, minRenewal))
	return true
}

// due returns a channel that is ready when another token is due.
func (r *relayRenewal) due() <-chan time.Time {
	if r.timer == nil {
		return nil
	}
	return r.timer.C
}

func (r *relayRenewal) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
	r.timer = nil
}
