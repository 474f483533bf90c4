package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/queue"
)

func measureEndToEnd(ctx context.Context, s *stage) error {
	for _, load := range []struct {
		callers int
		target  float64
	}{{1, 0.33}, {64, 0.45}, {256, 0.35}} {
		ours, bare, err := s.compare(ctx, load.callers, OpenEndToEnd, OpenBare)
		if err != nil {
			return err
		}
		s.report.add(ours.withRate(load.target, callersName(load.callers), againstBare, bare)...)
	}
	for _, callers := range []int{1, 64, 256} {
		apart, err := s.alternate(ctx, func(ctx context.Context) (Sample, error) { return s.measureApart(ctx, callers) })
		if err != nil {
			return err
		}
		s.report.add(apart[0].rows(fmt.Sprintf("%d senders beside %d receivers", callers, callers), "", nil)...)
	}
	return nil
}

// endToEndSubject has each caller send, peek-lock and complete, one after the other.
type endToEndSubject struct{ *sendSubject }

// OpenEndToEnd opens a broker whose callers do everything, in this process.
func OpenEndToEnd(ctx context.Context, dir string, callers int) (Subject, error) {
	s, err := openSend(ctx, dir, callers)
	if err != nil {
		return nil, err
	}
	return endToEndSubject{s}, nil
}

// Do sends a message, and receives and completes one: of this caller or of another one.
func (s endToEndSubject) Do(ctx context.Context, caller int) error {
	if err := s.sendSubject.Do(ctx, caller); err != nil {
		return err
	}
	return receiveOne(ctx, s.queue, &s.ledger)
}

// measureApart has as many receivers wait as there are senders. A message's
// latency is from the call that sends it to the end of the one that completes
// it; the receivers' run ends with the last message.
func (s *stage) measureApart(ctx context.Context, callers int) (sample Sample, err error) {
	dir, err := s.folder()
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = joinErrors(err, s.clear(dir)) }()
	subject, err := openSend(ctx, dir, callers)
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = joinErrors(err, subject.Close()) }()
	runtime.GC()
	before := subject.Written()
	sample, err = apart{subject, time.Now(), callers, s.run}.run(ctx)
	sample.Written = subject.Written().since(before)
	return sample, joinErrors(err, subject.Check(ctx))
}

// apart is senders beside receivers.
type apart struct {
	*sendSubject
	start   time.Time
	callers int
	length  time.Duration
}

func (a apart) run(ctx context.Context) (Sample, error) {
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	group, receiving := errgroup.WithContext(receiving)
	latencies := make([]Histogram, a.callers)
	for i := range a.callers {
		group.Go(func() error { return a.receive(receiving, &latencies[i]) })
	}
	sent, err := Load{Callers: a.callers, For: a.length, Do: a.send}.Run(ctx)
	// … see below
	_ = sent
	return Sample{}, err
}

func (a apart) send(ctx context.Context, caller int) error {
	body := a.bodies[caller]
	putNumber(body[instantAt:], uint64(time.Since(a.start)))
	return a.Do(ctx, caller)
}

func (a apart) receive(ctx context.Context, latency *Histogram) error {
	list, err := a.queue.Receive(ctx, queue.ReceiveOptions{Wait: lockWait})
	_ = list
	return err
}
