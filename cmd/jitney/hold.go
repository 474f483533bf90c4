package main

import (
	"context"
	"errors"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// hold keeps a lock while a command runs.
type hold struct {
	stop context.CancelFunc
	done chan struct{}
	held time.Time // owned by the goroutine until done
}

// hold renews the lock of a message at each third of its time, until end. When
// the lock is lost it calls kill.
func (w *worker) hold(d *delivery, kill context.CancelCauseFunc) *hold {
	ctx, stop := context.WithCancel(context.Background())
	h := &hold{stop: stop, done: make(chan struct{}), held: d.held}
	go func() {
		defer close(h.done)
		if w.renewUntilLost(ctx, d.Lock, h) {
			kill(errLockLost)
		}
	}()
	return h
}

// end stops renewing and returns from when on the lock holds.
func (h *hold) end() time.Time {
	h.stop()
	<-h.done
	return h.held
}

// renewUntilLost reports whether the lock is lost, not stopped or settled.
func (w *worker) renewUntilLost(ctx context.Context, lock string, h *hold) bool {
	length := time.Duration(w.lockDuration)
	for next := h.held.Add(length / 3); ; {
		if pause(ctx, time.Until(next)) != nil {
			return false
		}
		err := w.renew(ctx, lock, h)
		switch {
		case err == nil:
			next = h.held.Add(length / 3)
		case ctx.Err() != nil, isSettled(err):
			return false
		case isRefusal(err), !time.Now().Before(h.held.Add(length)):
			return true
		default: // the broker may be back before the lock's end
			next = time.Now().Add(min(length/10, time.Second))
		}
	}
}

// renew renews the lock, within what is left of its time.
func (w *worker) renew(ctx context.Context, lock string, h *hold) error {
	length := time.Duration(w.lockDuration)
	ctx, cancel := context.WithDeadline(ctx, h.held.Add(length))
	defer cancel()
	asked := time.Now() // the new time begins no earlier
	_, err := w.client.Renew(ctx, lock, length)
	if err == nil {
		h.held = asked
	}
	return err
}

// isRefusal reports whether err is an answer that asking again does not change.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && e.Status/100 == 4 && !errors.Is(err, client.ErrBusy)
}
