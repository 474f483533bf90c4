package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// exitPostpone is the exit code by which a command says: not now (EX_TEMPFAIL
// of sysexits.h).
const exitPostpone = 75

// Causes that end a command from outside.
var (
	errLockLost = errors.New("the lock is lost")
	errTooLong  = errors.New("took longer than --max-run")
)

// errUntold says that the broker does not know what a message's command came to.
var errUntold = errors.New("the broker could not be told before the lock ended")

// maxPipeWait is how long the output of a command is waited for after its end,
// if a child of its own keeps it open.
const maxPipeWait = 10 * time.Second

// handle runs the command for a message, under a lock that is renewed until
// its output is shown, and settles the message. An error says that no command
// can be run at all.
func (w *worker) handle(running context.Context, d *delivery) error {
	defer d.body.close()
	ctx, kill := context.WithCancelCause(running)
	defer kill(nil)
	if w.maxRun > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(w.maxRun), errTooLong)
		defer cancel()
	}
	output, err := w.screen.open(d.SequenceNumber)
	if err != nil {
		w.giveBack(d)
		return err
	}
	hold := w.hold(d, kill)
	cmd := w.prepare(ctx, d)
	cmd.Stdout, cmd.Stderr = output.stdout, output.stderr
	err = cmd.Run()
	output.close()
	d.held = hold.end()
	if cmd.ProcessState == nil {
		return w.neverBegan(ctx, d, err)
	}
	w.finish(d, w.judge(d, cmd.ProcessState, context.Cause(ctx)))
	return nil
}

// neverBegan gives back a message whose command did not start: as it was to be
// killed, or as it cannot be run.
func (w *worker) neverBegan(ctx context.Context, d *delivery, err error) error {
	w.giveBack(d)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the command cannot be run: %w", err)
}

// prepare returns the command for a message. The end of ctx kills it and its
// children.
func (w *worker) prepare(ctx context.Context, d *delivery) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.command[0], w.command[1:]...)
	cmd.Stdin = d.body.stdin()
	cmd.Env = commandEnviron(w.client.URL(), w.queue, d.Received)
	cmd.WaitDelay = maxPipeWait
	ownGroup(cmd)
	return cmd
}

// verdict is what is to become of a message.
type verdict struct {
	settle func(context.Context) error // nil: nothing can be done
	done   string                      // what stderr is told once that is done; empty: nothing
	count  func()                      // counts it
}

// judge decides by how a command ended, and by the cause if it was killed.
func (w *worker) judge(d *delivery, end *os.ProcessState, cause error) verdict {
	abandon := func(delay time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return w.client.Abandon(ctx, d.Lock, delay) }
	}
	t, how := &w.tally, end.String()
	switch {
	case end.Success():
		complete := func(ctx context.Context) error { return w.client.Complete(ctx, d.Lock) }
		return verdict{complete, "", func() { t.completed.Add(1) }}
	case errors.Is(cause, errLockLost):
		return verdict{nil, "the lock is lost: the command was killed", func() { t.lost.Add(1) }}
	case errors.Is(cause, errInterrupted):
		release := func(ctx context.Context) error { return w.client.Release(ctx, d.Lock) }
		return verdict{release, "killed and released", func() { t.released.Add(1) }}
	case end.ExitCode() == exitPostpone:
		delay := w.backoffAfter(d.DeliveryCount)
		return verdict{abandon(delay), fmt.Sprintf("postponed for %s", delay), func() { t.postponed.Add(1) }}
	case errors.Is(cause, errTooLong):
		how = "killed: it " + errTooLong.Error()
	}
	return verdict{abandon(time.Duration(w.retryDelay)), how, func() { t.failed.Add(1) }}
}

// backoffAfter is how long a message is hidden after so many deliveries.
func (w *work) backoffAfter(deliveries int) time.Duration {
	delay, longest := time.Duration(w.backoff), time.Duration(w.maxBackoff)
	for range deliveries - 1 {
		if delay > longest/2 {
			return longest
		}
		delay *= 2
	}
	return min(delay, longest)
}

// finish carries a verdict out, counts and reports it.
func (w *worker) finish(d *delivery, v verdict) {
	if v.settle != nil {
		if err := w.settle(d, v.settle); err != nil {
			w.tally.lost.Add(1)
			w.report("%v", messageError(d.Received, err))
			return
		}
	}
	v.count()
	if v.done != "" {
		w.report("message %d, delivery %d: %s", d.SequenceNumber, d.DeliveryCount, v.done)
	}
}

// settle settles a message, as often as it takes to reach the broker until the
// lock ends. A lock that was settled already is no error: an earlier try got
// through, or the command did it.
func (w *worker) settle(d *delivery, settle func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(context.Background(), d.held.Add(time.Duration(w.lockDuration)))
	defer cancel()
	for try := 1; ; try++ {
		err := settle(ctx)
		if err == nil || isSettled(err) {
			return nil
		}
		if isOutage(err) && pause(ctx, outageDelay(try)) == nil {
			continue
		}
		if ctx.Err() != nil {
			return errUntold
		}
		return err
	}
}

// isSettled reports whether err says that a lock is lost because it was
// settled.
func isSettled(err error) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && errors.Is(err, client.ErrGone) && e.Document.Reason == "settled"
}
