package bench

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Load is callers who all do the same, again and again, each as soon as its
// last message is through.
type Load struct {
	Callers int
	For     time.Duration // how long callers begin anew
	Count   int           // of messages; if it is set, For does not count
	Do      func(ctx context.Context, caller int) error
}

// Run puts the load on. It returns when every caller has come to an end. The
// first error ends all.
func (l Load) Run(ctx context.Context) (Sample, error) {
	group, ctx := errgroup.WithContext(ctx)
	latencies := make([]Histogram, l.Callers)
	start := time.Now()
	more := l.quota(start)
	for caller := range l.Callers {
		group.Go(func() error { return l.call(ctx, caller, more, &latencies[caller]) })
	}
	err := group.Wait()
	return newSample(time.Since(start), latencies), err
}

// quota returns what tells a caller whether to begin with one more message,
// given the time.
func (l Load) quota(start time.Time) func(now time.Time) bool {
	if l.Count > 0 {
		var begun atomic.Int64
		return func(time.Time) bool { return begun.Add(1) <= int64(l.Count) }
	}
	end := start.Add(l.For)
	return end.After
}

func (l Load) call(ctx context.Context, caller int, more func(time.Time) bool, latency *Histogram) error {
	for now := time.Now(); ctx.Err() == nil && more(now); {
		if err := l.Do(ctx, caller); err != nil {
			return err
		}
		done := time.Now()
		latency.Record(done.Sub(now))
		now = done
	}
	return ctx.Err()
}
