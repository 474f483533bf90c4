package bench

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/queue"
)

// steadyCallers is how many messages of a steady sender are under way at most.
const steadyCallers = 64

// A steady is a broker with a sender that keeps its pace, beside which
// something big happens.
type steady struct {
	*host
	stage  *stage
	dir    string
	queue  *queue.Queue // the steady sender's
	bodies [][]byte
	ledger Ledger
}

// openSteady opens a broker on a new folder.
func (s *stage) openSteady(ctx context.Context) (*steady, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	h, err := openHost(ctx, dir)
	if err != nil {
		return nil, err
	}
	q, err := h.queue(ctx, "/steady", nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return &steady{host: h, stage: s, dir: dir, queue: q, bodies: newBodies(steadyCallers)}, nil
}

// pace runs the sender for as long as during takes.
func (s *steady) pace(ctx context.Context, during func(context.Context) error) (sample Sample, err error) {
	before := s.Written()
	over := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(over)
		return during(ctx)
	})
	group.Go(func() error {
		pace := Pace{Callers: steadyCallers, Rate: s.stage.rate, Do: func(ctx context.Context, caller int) error {
			return sendOne(ctx, s.queue, &s.ledger, s.bodies[caller])
		}}
		var err error
		sample, err = pace.Run(ctx, over)
		return err
	})
	err = group.Wait()
	sample.Written = s.Written().since(before)
	return sample, err
}

// An event is something big.
type event struct {
	at     time.Time                   // when it begins by itself; zero: when happen is called
	happen func(context.Context) error // returns when it is over
}

// disturb measures the sender before, during and after an event. What is
// before and after counts together.
func (s *steady) disturb(ctx context.Context, e event) (calm, troubled Sample, err error) {
	still := func(ctx context.Context) error { return sleep(ctx, s.stage.window) }
	if calm, err = s.pace(ctx, still); err != nil {
		return calm, troubled, err
	}
	if err = sleep(ctx, time.Until(e.at)); err != nil {
		return calm, troubled, err
	}
	if troubled, err = s.pace(ctx, e.happen); err != nil {
		return calm, troubled, err
	}
	after, err := s.pace(ctx, still)
	return calm.and(after), troubled, err
}

// and returns two samples as one.
func (s Sample) and(o Sample) Sample {
	sum := Sample{
		Messages: s.Messages + o.Messages,
		Elapsed:  s.Elapsed + o.Elapsed,
		Latency:  &Histogram{},
		Written:  Written{s.Written.Bytes + o.Written.Bytes, s.Written.Syncs + o.Written.Syncs},
	}
	sum.Latency.Add(s.Latency)
	sum.Latency.Add(o.Latency)
	return sum
}

// finish checks that nothing of the steady sender was lost and that the folder
// is sound, and closes it.
func (s *steady) finish(ctx context.Context) error {
	if err := errors.Join(drain(ctx, s.queue, &s.ledger), s.ledger.Check()); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := s.stage.check(ctx, s.dir); err != nil {
		return err
	}
	return s.stage.clear(s.dir)
}
