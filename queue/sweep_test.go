package queue_test

import (
	"context"
	"time"

	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

func testOptions(signal func()) store.Options {
	return store.Options{
		Tables: queue.Tables, GrowBy: 1 << 20, MaxSize: 1 << 30, MinFree: -1,
		OnDue: signalAt(signal),
	}
}

func signalAt(signal func()) func(time.Time) { return func(time.Time) { signal() } }

// sweep does what the broker's sweeper does.
func (h *harness) sweep(ctx context.Context, wake <-chan struct{}) {
	defer close(h.done)
	for ctx.Err() == nil {
		more, err := h.set.Sweep(ctx)
		if more && err == nil {
			continue
		}
		var alarm <-chan time.Time
		at, ok := h.store.NextDue(queue.DueClasses...)
		if lock, locked := h.set.NextLock(); locked && (!ok || lock.Before(at)) {
			at, ok = lock, true
		}
		if ok {
			alarm = time.After(time.Until(at))
		}
		select {
		case <-alarm:
		case <-wake:
		case <-ctx.Done():
		}
	}
}

// check finds whatever does not fit together in the closed folder.
func (h *harness) check() {
	h.t.Helper()
	s, err := store.Open(h.dir, testOptions(func() {}))
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	report := func(problem string) { h.t.Error("check: " + problem) }
	if _, err := s.Check(report); err != nil {
		h.t.Error(err)
	}
	if _, _, err := queue.Check(s, report); err != nil {
		h.t.Error(err)
	}
}
