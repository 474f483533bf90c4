package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// fanOut is how many queues get each message.
const fanOut = 10

// againstCopies is what a router is compared with.
const againstCopies = "bare bbolt, ten values"

// fanOutBody is the size of body of which few copies may be written, in bytes.
const fanOutBody = 16 << 10

func measureFanOut(ctx context.Context, s *stage) error {
	ours, bare, err := s.compare(ctx, 64, OpenFanOut, func(_ context.Context, dir string, callers int) (Subject, error) {
		return openBareCopies(dir, callers, fanOut)
	})
	if err != nil {
		return err
	}
	s.report.add(ours.withRate(0.8, "64 callers, ten queues", againstCopies, bare)...)
	return s.measureCopies(ctx)
}

// measureCopies measures how often a body of 16 KiB is written.
func (s *stage) measureCopies(ctx context.Context) error {
	all, err := s.alternate(ctx, func(ctx context.Context) (Sample, error) {
		return s.measure(ctx, func(ctx context.Context, dir string, callers int) (Subject, error) {
			f, err := openFanOut(ctx, dir, callers)
			if err != nil {
				return nil, err
			}
			for i := range f.bodies {
				f.bodies[i] = append(f.bodies[i], make([]byte, fanOutBody-len(f.bodies[i]))...)
			}
			return f, nil
		}, 64)
	})
	if err != nil {
		return err
	}
	written := all[0].median(Sample.BytesPerMessage)
	s.report.add(Row{Name: "bodies of 16 KiB written for a message", Value: written / fanOutBody, Unit: "bodies"}.atMost(2))
	return nil
}

// fanOutSubject has callers send to a router with ten subscriptions.
type fanOutSubject struct {
	*host
	router *router.Router
	queues []*queue.Queue
	bodies [][]byte
	ledger Ledger
}

// OpenFanOut opens a broker whose callers send to ten queues at a time, in this
// process.
func OpenFanOut(ctx context.Context, dir string, callers int) (Subject, error) {
	f, err := openFanOut(ctx, dir, callers)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func openFanOut(ctx context.Context, dir string, callers int) (*fanOutSubject, error) {
	h, err := openHost(ctx, dir)
	if err != nil {
		return nil, err
	}
	f := &fanOutSubject{host: h, bodies: newBodies(callers)}
	subscriptions := make([]policy.Subscription, fanOut)
	for i := range subscriptions {
		subscriptions[i] = policy.NewSubscription()
	}
	if f.router, f.queues, err = h.newRouter(ctx, "/fanout", policy.NewRouter(), subscriptions); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return f, nil
}

// newRouter makes a router with subscriptions, and returns their queues.
func (h *host) newRouter(ctx context.Context, name string, p policy.Router, list []policy.Subscription) (*router.Router, []*queue.Queue, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil, nil, err
	}
	e, _, err := h.broker.Assign(ctx, n, p)
	if err != nil {
		return nil, nil, err
	}
	var queues []*queue.Queue
	for i, s := range list {
		e, _, err := h.broker.Subscribe(ctx, n, fmt.Sprint(i), s)
		if err != nil {
			return nil, nil, err
		}
		q, err := h.broker.Queue(e)
		if err != nil {
			return nil, nil, err
		}
		queues = append(queues, q)
	}
	r, err := h.broker.Router(e)
	return r, queues, err
}

// errCopies says that a message did not get everywhere.
var errCopies = errors.New("a message did not get into every queue")

// Do sends a message.
func (f *fanOutSubject) Do(ctx context.Context, caller int) error {
	f.ledger.Stamp(f.bodies[caller])
	s, err := f.router.Send(ctx, outgoing(f.bodies[caller]))
	if err == nil && s.Deliveries != len(f.queues) {
		err = errCopies
	}
	return err
}

// Check receives everything from one of the queues, and counts the others.
func (f *fanOutSubject) Check(ctx context.Context) error {
	first, err := f.queues[0].Counts()
	if err != nil {
		return err
	}
	for _, q := range f.queues {
		counts, err := q.Counts()
		if err != nil {
			return err
		}
		if counts.Active != first.Active || counts.DeadLetter > 0 {
			return errCopies
		}
	}
	return errors.Join(drain(ctx, f.queues[0], &f.ledger), f.ledger.Check())
}
