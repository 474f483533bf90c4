package main

import (
	"context"
	"errors"

	"github.com/jitney-mq/jitney/client"
)

// A crew is the two workers, at work.
type crew struct {
	bus     *bus
	log     *logbook
	relayed *listening // nil: it is away
	end     context.CancelFunc
	ended   chan error // of the one that pulls
}

// hire makes the topology and has both workers begin.
func (b *bus) hire(ctx context.Context) (*crew, error) {
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	c := &crew{bus: b, log: newLogbook(), ended: make(chan error, 1)}
	pulls, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end = end
	go func() { c.ended <- (&worker{pulling, c.log}).pull(pulls, b.client) }()
	if err := c.comeBack(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// comeBack has the worker behind the relay listen.
func (c *crew) comeBack(ctx context.Context) (err error) {
	c.relayed, err = c.bus.listen(ctx, workerPoint, client.RelayHandler{HTTP: &worker{relayed, c.log}})
	return err
}

// goAway closes the control channel of the worker behind the relay. A job that it
// is at it does to the end, but can no longer say so.
func (c *crew) goAway() error {
	was := c.relayed
	if c.relayed = nil; was == nil {
		return nil
	}
	return was.stop()
}

// stop ends both.
func (c *crew) stop() error {
	c.end()
	return errors.Join(<-c.ended, c.goAway())
}
