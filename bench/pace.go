package bench

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Pace is a load that does not wait for answers: messages begin at fixed
// instants. Latencies count from those instants, so that a message which could
// not begin in time, because all callers hung, is as late as it was.
type Pace struct {
	Callers int // that are busy at one time, at most
	Rate    int // messages a second
	Do      func(ctx context.Context, caller int) error
}

// maxBehind bounds the messages whose instant has come and that wait for a
// caller. Beyond it instants are not forgotten, only noticed later.
const maxBehind = 1 << 16

// Run keeps the pace until over is closed, and waits for what has begun.
func (p Pace) Run(ctx context.Context, over <-chan struct{}) (Sample, error) {
	group, ctx := errgroup.WithContext(ctx)
	latencies := make([]Histogram, p.Callers)
	instants := make(chan time.Time, maxBehind)
	start := time.Now()
	for caller := range p.Callers {
		group.Go(func() error { return p.call(ctx, caller, instants, &latencies[caller]) })
	}
	p.tick(ctx, start, instants, over)
	err := group.Wait()
	return newSample(time.Since(start), latencies), err
}

// tick gives each instant to whoever is free, when it comes. Instants that it
// has slept through it makes up for at once.
func (p Pace) tick(ctx context.Context, start time.Time, instants chan<- time.Time, over <-chan struct{}) {
	defer close(instants)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		next := start.Add(time.Duration(n) * time.Second / time.Duration(p.Rate))
		if wait := time.Until(next); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-over:
				return
			case <-ctx.Done():
				return
			}
		}
		select {
		case instants <- next:
		case <-ctx.Done():
			return
		}
	}
}

func (p Pace) call(ctx context.Context, caller int, instants <-chan time.Time, latency *Histogram) error {
	for at := range instants {
		if err := p.Do(ctx, caller); err != nil {
			return err
		}
		latency.Record(time.Since(at))
	}
	return nil
}
