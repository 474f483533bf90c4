package crash_test

import (
	"context"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// drainStep is the pause between two looks for what is hidden or locked.
const drainStep = 50 * time.Millisecond

// empty receives all that is left, and notes when nothing is. It gives up when it
// has made no progress for the cast's patience.
func (r *run) empty(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*r.cast.patience())
	defer cancel()
	w := r.worker(ctx, "drain")
	var last client.Counts
	for progress := time.Now(); ; w.pause(drainStep) {
		for _, p := range r.cast.places() {
			w.drain(p)
		}
		left, err := w.left(ctx)
		if err == nil && left == (client.Counts{}) {
			r.drained = r.now()
			return
		}
		if err == nil && left != last {
			last, progress = left, time.Now()
		}
		if ctx.Err() != nil || time.Since(progress) > r.cast.patience() {
			r.findings.add(stuck, "-", "after %v without progress there is still %+v, %v", time.Since(progress), left, err)
			return
		}
	}
}

// drain completes what can be received from a place.
func (w *worker) drain(p *place) {
	if p.deletes {
		for w.takeAway(p, client.ReceiveOptions{Count: 100}) > 0 {
		}
		return
	}
	for {
		list := w.take(p, client.ReceiveOptions{Count: 200})
		if len(list) == 0 {
			break
		}
		w.settleAll(list, client.Complete)
	}
	w.drainDeferred(p)
}

// drainDeferred completes what only its sequence number finds.
func (w *worker) drainDeferred(p *place) {
	var numbers []int64
	for m, err := range w.client.Browse(w.ctx, p.name, client.BrowseOptions{}) {
		if err != nil {
			return // the next look shows it again
		}
		if m.Status == "Deferred" {
			numbers = append(numbers, m.SequenceNumber)
		}
	}
	for _, n := range numbers {
		if d, _ := w.takeOnly(p, n); d != nil {
			w.settle(d, client.Complete, 0)
		}
	}
}

// left sums what the queues have.
func (w *worker) left(ctx context.Context) (sum client.Counts, err error) {
	for _, name := range w.cast.names() {
		c, err := w.client.Counts(ctx, name)
		if err != nil {
			return sum, err
		}
		sum.Active += c.Active
		sum.Locked += c.Locked
		sum.Scheduled += c.Scheduled
		sum.Deferred += c.Deferred
		sum.DeadLetter += c.DeadLetter
		sum.Transfer += c.Transfer
		sum.TransferDeadLetter += c.TransferDeadLetter
		sum.Bytes += c.Bytes
	}
	return sum, nil
}
