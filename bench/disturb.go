package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/queue"
)

const (
	steadyCallers = 64 // of a steady sender
	maxSlowdown   = 3  // of its p99
	againstCalm   = "undisturbed"
)

// A disturbance is a steady sender beside something big that happens in the
// same broker.
type disturbance struct {
	*host
	stage  *stage
	dir    string
	queue  *queue.Queue // the steady sender's
	bodies [][]byte
	ledger ledger

	calm, troubled samples // of each round
	took           []float64
}

// openDisturbance opens a broker on a new folder.
func (s *stage) openDisturbance(ctx context.Context) (*disturbance, error) {
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
	return &disturbance{host: h, stage: s, dir: dir, queue: q, bodies: newBodies(steadyCallers)}, nil
}

// pace runs the steady sender for as long as during takes.
func (d *disturbance) pace(ctx context.Context, during func(context.Context) error) (sample Sample, err error) {
	before := d.Written()
	over := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(over)
		return during(ctx)
	})
	group.Go(func() error {
		steady := Pace{Callers: steadyCallers, Rate: d.stage.rate, Do: func(ctx context.Context, caller int) error {
			return sendOne(ctx, d.queue, &d.ledger, d.bodies[caller])
		}}
		var err error
		sample, err = steady.Run(ctx, over)
		return err
	})
	err = group.Wait()
	sample.Written = d.Written().since(before)
	return sample, err
}
'''
