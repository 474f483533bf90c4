package queue_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// harness is a set of queues on a real store in a folder of its own, with a
// sweeper as the broker has one.
type harness struct {
	t     testing.TB
	dir   string
	store *store.Store
	set   *queue.Set
	named map[string]*queue.Queue
	stop  context.CancelFunc
	done  chan struct{}
}

func open(t testing.TB) *harness {
	h := &harness{t: t, dir: t.TempDir(), named: map[string]*queue.Queue{}}
	h.start()
	t.Cleanup(func() { h.close(); h.check() })
	return h
}

func (h *harness) start() {
	h.t.Helper()
	wake := make(chan struct{}, 1)
	signal := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	var err error
	h.store, err = store.Open(h.dir, testOptions(signal))
	if err != nil {
		h.t.Fatal(err)
	}
	h.set, err = queue.Open(h.t.Context(), h.store, queue.Options{
		Resolve: func(name string) (*queue.Queue, error) {
			if q := h.named[name]; q != nil {
				return q, nil
			}
			return nil, queue.ErrGone
		},
		Wake:   signalAt(signal),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	h.done = make(chan struct{})
	go h.sweep(ctx, wake)
}

func (h *harness) close() {
	h.set.Close()
	h.stop()
	<-h.done
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
}

// queue makes a queue with the default policy as edit changes it.
func (h *harness) queue(name string, edit func(*policy.Queue)) *queue.Queue {
	h.t.Helper()
	p := policy.NewQueue()
	if edit != nil {
		edit(&p)
	}
	var q *queue.Queue
	err := h.store.Update(h.t.Context(), func(tx *store.Tx) error {
		q = h.set.Create(tx, name, &p)
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.named[name] = q
	return q
}

// reopen closes the store, opens it again and returns q as it is then.
func (h *harness) reopen(q *queue.Queue) *queue.Queue {
	h.t.Helper()
	h.close()
	h.check()
	h.start()
	var same *queue.Queue
	for name, old := range h.named {
		p := *old.Policy()
		h.named[name] = h.set.Load(old.ID(), name, &p)
		if old == q {
			same = h.named[name]
		}
	}
	return same
}

func (h *harness) send(q *queue.Queue, messages ...queue.Outgoing) {
	h.t.Helper()
	if _, _, err := q.Send(h.t.Context(), messages...); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) receive(q *queue.Queue, opts queue.ReceiveOptions) []*queue.Delivery {
	h.t.Helper()
	list, err := q.Receive(h.t.Context(), opts)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *harness) settle(q *queue.Queue, d *queue.Delivery, what queue.Disposition) {
	h.t.Helper()
	results, err := q.Settle(h.t.Context(), queue.Settlement{Lock: d.LockToken, Disposition: what})
	if err != nil || results[0] != nil {
		h.t.Fatalf("settle: %v, %v", results, err)
	}
}

func (h *harness) counts(q *queue.Queue) queue.Counts {
	h.t.Helper()
	c, err := q.Counts()
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}
