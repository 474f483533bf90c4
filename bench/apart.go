package bench

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/queue"
)

// apart is as many receivers that wait as there are senders. A message's
// latency is from the call that sends it to the end of the one that completes it.
type apart struct {
	*sendSubject
	callers int
	length  time.Duration // of the sending
	startAt time.Time

	latencies []Histogram // of each receiver
	sent      atomic.Bool // the senders have come to an end
	stop      context.CancelFunc
}

// measureApart runs senders beside receivers. The run ends with the last message.
func (s *stage) measureApart(ctx context.Context, callers int) (sample Sample, err error) {
	dir, err := s.folder()
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, s.clear(dir)) }()
	subject, err := openSend(ctx, dir, callers)
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, subject.Close()) }()
	runtime.GC()
	before := subject.Written()
	a := &apart{sendSubject: subject, callers: callers, length: s.run, latencies: make([]Histogram, callers)}
	if sample, err = a.run(ctx); err != nil {
		return sample, err
	}
	sample.Written = subject.Written().since(before)
	return sample, subject.Check(ctx)
}

func (a *apart) run(ctx context.Context) (Sample, error) {
	a.startAt = time.Now()
	group, ctx := errgroup.WithContext(ctx)
	receiving, stop := context.WithCancel(ctx)
	a.stop = stop
	defer stop()
	for caller := range a.callers {
		group.Go(func() error { return a.receive(receiving, &a.latencies[caller]) })
	}
	group.Go(func() error { return a.send(ctx) })
	err := group.Wait()
	return newSample(time.Since(a.startAt), a.latencies), err
}

func (a *apart) send(ctx context.Context) error {
	_, err := Load{Callers: a.callers, For: a.length, Do: func(ctx context.Context, caller int) error {
		putNumber(a.bodies[caller][instantAt:], uint64(time.Since(a.startAt)))
		return a.Do(ctx, caller)
	}}.Run(ctx)
	a.sent.Store(true)
	a.stopAtLast()
	return err
}

// stopAtLast ends the receivers once everything has been sent and received.
func (a *apart) stopAtLast() {
	if a.sent.Load() && a.ledger.received.Load() >= a.ledger.sent.Load() {
		a.stop()
	}
}

func (a *apart) receive(ctx context.Context, latency *Histogram) error {
	for ctx.Err() == nil {
		list, err := a.queue.Receive(ctx, queue.ReceiveOptions{Wait: lockWait})
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, d := range list {
			if err := a.complete(d); err != nil {
				return err
			}
			latency.Record(time.Since(a.startAt) - time.Duration(number(d.Body[instantAt:])))
		}
		a.stopAtLast()
	}
	return nil
}

// complete settles for good, also if the run ends in the meantime.
func (a *apart) complete(d *queue.Delivery) error {
	results, err := a.queue.Settle(context.Background(), queue.Settlement{Lock: d.LockToken})
	if err := errors.Join(err, errors.Join(results...)); err != nil {
		return err
	}
	a.ledger.See(d.Body)
	return nil
}
