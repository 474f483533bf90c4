package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// worker runs a command for each message of a queue.
type worker struct {
	// Fixed after construction.
	*work
	client  *client.Client
	queue   string
	command []string
	screen  *screen // where the commands' output goes

	left      atomic.Int64 // messages that may still be taken; below 0: no limit
	contacted atomic.Bool  // whether the broker ever answered
	outage    atomic.Bool  // whether the broker is out of reach, as far as is known
	tally     tally

	reports sync.Mutex // held while a line is written to stderr
}

// tally counts messages by what became of them.
type tally struct {
	completed, postponed, failed, released, lost atomic.Int64
}

func newWorker(w *work, c *client.Client, queue string, command []string) *worker {
	worker := &worker{
		work:    w,
		client:  c,
		queue:   queue,
		command: command,
		screen:  &screen{stdout: w.stdout, stderr: w.stderr, layout: layoutOf(w)},
	}
	worker.left.Store(-1)
	if w.max > 0 {
		worker.left.Store(int64(w.max))
	}
	return worker
}

// run takes messages until it may take no more, the queue is empty (if that
// ends it), a first signal came or an error made going on useless, and then
// waits for the commands that run. A second signal kills them.
func (w *worker) run(ctx context.Context, signals <-chan os.Signal) error {
	running, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	taking, stop := context.WithCancel(running)
	defer stop()
	slots, taking := errgroup.WithContext(taking)
	for range w.parallel {
		slots.Go(func() error { return w.slot(taking, running) })
	}
	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { w.watch(signals, done, stop, kill) })
	err := slots.Wait()
	close(done)
	watcher.Wait()
	w.report("%s", w.tally.String())
	if err == nil && errors.Is(context.Cause(running), errInterrupted) {
		return errInterrupted
	}
	return err
}

// watch stops taking at the first signal and kills at the second.
func (w *worker) watch(signals <-chan os.Signal, done <-chan struct{}, stop func(), kill context.CancelCauseFunc) {
	act := []func(){
		func() {
			w.report("no more messages; waiting for what runs, a second signal kills it")
			stop()
		},
		func() { kill(errInterrupted) },
	}
	for _, f := range act {
		select {
		case <-signals:
			f()
		case <-done:
			return
		}
	}
}

// slot takes one message after the other.
func (w *worker) slot(taking, running context.Context) error {
	for taking.Err() == nil && w.mayTake() {
		d, err := w.receive(taking, running)
		switch {
		case errors.Is(err, client.ErrNoMessage):
			w.left.Add(1)
			if w.untilEmpty {
				return nil
			}
		case err != nil && taking.Err() != nil:
			return nil
		case err != nil:
			return err
		default:
			if err := w.handle(running, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayTake reports whether another message may be taken, and counts it.
func (w *worker) mayTake() bool {
	if w.max == 0 {
		return true
	}
	if w.left.Add(-1) >= 0 {
		return true
	}
	w.left.Add(1)
	return false
}

// delivery is a message with a lock, and its body.
type delivery struct {
	*message.Received
	body *spool
	held time.Time // the lock holds for lockDuration from about here on
}

// receive returns the next message, with its body on this side. While taking
// ends it, the message is given back. It waits for a broker that is out of
// reach, unless that never answered.
func (w *worker) receive(taking, running context.Context) (*delivery, error) {
	for try := 1; ; try++ {
		d, err := w.receiveOnce(taking, running)
		if err == nil || errors.Is(err, client.ErrNoMessage) {
			w.reached()
			return d, err
		}
		if !isOutage(err) || !w.contacted.Load() || taking.Err() != nil {
			return nil, err
		}
		if w.outage.CompareAndSwap(false, true) {
			w.report("trying again: %v", err)
		}
		if err := pause(taking, outageDelay(try)); err != nil {
			return nil, err
		}
	}
}

// reached notes that the broker answers.
func (w *worker) reached() {
	w.contacted.Store(true)
	if w.outage.CompareAndSwap(true, false) {
		w.report("the broker is back")
	}
}

func isOutage(err error) bool {
	return errors.Is(err, client.ErrBusy) || errors.Is(err, client.ErrNoAnswer)
}

// outageDelay is how long to wait before the given try to reach the broker.
func outageDelay(try int) time.Duration {
	return min(100*time.Millisecond<<min(try-1, 10), 5*time.Second)
}

func (w *worker) receiveOnce(taking, running context.Context) (*delivery, error) {
	// The end of taking ends the wait, but not the reading of a body.
	ctx, cancel := context.WithCancel(running)
	defer cancel()
	release := context.AfterFunc(taking, cancel)
	m, body, err := w.client.ReceiveBody(ctx, w.queue, client.ReceiveOptions{
		Wait:         time.Duration(w.timeout),
		LockDuration: time.Duration(w.lockDuration),
	})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	d := &delivery{Received: m, held: time.Now()}
	if release() {
		d.body, err = newSpool(body)
	} else {
		err = context.Canceled
	}
	if err != nil {
		w.giveBack(d)
		return nil, err
	}
	return d, nil
}

// giveBack releases a message whose command never began.
func (w *worker) giveBack(d *delivery) {
	if err := w.settle(d, func(ctx context.Context) error { return w.client.Release(ctx, d.Lock) }); err != nil {
		w.tally.lost.Add(1)
		w.report("%v", messageError(d.Received, err))
		return
	}
	w.tally.released.Add(1)
}

// report writes one line about the work to stderr.
func (w *worker) report(format string, args ...any) {
	w.reports.Lock()
	defer w.reports.Unlock()
	fmt.Fprintf(w.stderr, "jitney work: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

func (t *tally) String() string {
	return fmt.Sprintf("%d completed, %d postponed, %d failed, %d released, %d locks lost",
		t.completed.Load(), t.postponed.Load(), t.failed.Load(), t.released.Load(), t.lost.Load())
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
