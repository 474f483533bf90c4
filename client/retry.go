package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// RetryScope says which calls may be made again after they failed.
type RetryScope uint8

// The values of RetryScope, each with those before it.
const (
	RetryReads   RetryScope = iota // calls that change nothing
	RetryRefused                   // any call that the broker refused as ErrBusy: nothing was changed
	RetryUnknown                   // any call without an answer: a message may be sent twice, unless it has an ID and the queue detects duplicates
)

// Retry says how often and when a failed call is made again. A call that
// streams its body is never made again.
type Retry struct {
	Scope    RetryScope
	Tries    int           // of a call, the first included; 0: 3
	MaxDelay time.Duration // between two tries; a broker that asks for more gets no other try; 0: 5 s
}

func (r Retry) withDefaults() Retry {
	if r.Tries == 0 {
		r.Tries = 3
	}
	if r.MaxDelay == 0 {
		r.MaxDelay = 5 * time.Second
	}
	return r
}

// allows reports whether a call that failed with err may be made again.
func (r Retry) allows(err error, reads bool) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	refused, answered := errors.AsType[*Error](err)
	if answered && !errors.Is(err, ErrBusy) {
		return false
	}
	if answered && refused.RetryAfter > r.MaxDelay {
		return false
	}
	return reads || r.Scope == RetryUnknown || answered && r.Scope == RetryRefused
}

// firstDelay is the longest pause before the second try; it doubles with each.
const firstDelay = 100 * time.Millisecond

// delay returns how long to wait before the given try, counted from 1: what
// the broker asked for, else anything up to a bound that doubles, so that
// clients that failed together do not come back together.
func (r Retry) delay(try int, err error) time.Duration {
	if refused, ok := errors.AsType[*Error](err); ok && refused.RetryAfter > 0 {
		return refused.RetryAfter
	}
	bound := min(firstDelay<<min(try-1, 16), r.MaxDelay)
	return rand.N(bound + 1)
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
