package broker_test

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"strconv"
	"testing"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"go.uber.org/goleak"
)

// TestMain fails if a goroutine is left over.
func TestMain(m *testing.M) {
	flag.Parse()
	setDefault("rapid.checks", strconv.Itoa(checks))
	setDefault("rapid.steps", "60")
	goleak.VerifyTestMain(m)
}

// setDefault sets a flag unless the command line did.
func setDefault(name, value string) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if !given {
		flag.Set(name, value)
	}
}

// tb is what *testing.T and *rapid.T have in common.
type tb interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(fn func())
}

// memory is a folder whose syncs cost nothing.
const memory = "/dev/shm"

// house is a broker in a folder of its own, which is checked when the test is over.
type house struct {
	tb
	*broker.Broker
	dir string
}

func open(t tb) *house {
	t.Helper()
	dir, err := os.MkdirTemp(memory, "broker")
	if err != nil {
		dir, err = os.MkdirTemp("", "broker")
	}
	if err != nil {
		t.Fatal(err)
	}
	h := &house{tb: t, dir: dir}
	h.start()
	t.Cleanup(func() {
		h.close()
		os.RemoveAll(dir)
	})
	return h
}

func (h *house) start() {
	h.Helper()
	var err error
	h.Broker, err = broker.Open(context.Background(), broker.Options{
		Dir: h.dir, MaxSize: 1 << 30, MinFree: -1, GrowBy: 1 << 20, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		h.Fatal(err)
	}
}

// close ends the broker, and finds whatever does not fit together in its folder.
func (h *house) close() {
	h.Helper()
	if h.Broker == nil {
		return
	}
	if err := h.Broker.Close(); err != nil {
		h.Error(err)
	}
	h.Broker = nil
	if _, err := broker.Check(context.Background(), h.dir, func(problem string) { h.Error("check: " + problem) }); err != nil {
		h.Error(err)
	}
}

func (h *house) reopen() {
	h.Helper()
	h.close()
	h.start()
}

func (h *house) assign(name string, p policy.Policy, at ...string) {
	h.Helper()
	if _, created, err := h.tryAssign(name, p, at...); err != nil || !created {
		h.Fatalf("assign %s: %v, %v", name, created, err)
	}
}

func (h *house) tryAssign(name string, p policy.Policy, at ...string) (*namespace.Entry, bool, error) {
	routers := make([]namespace.Name, len(at))
	for i, r := range at {
		routers[i] = namespace.MustParse(r)
	}
	return h.Assign(context.Background(), namespace.MustParse(name), p, routers...)
}

// one is the policy of a router that sends each message to one subscription.
func one() policy.Router {
	p := policy.NewRouter()
	p.Distribution = policy.ToOne
	return p
}

func (h *house) subscribe(router, id string, edit func(*policy.Subscription)) *queue.Queue {
	h.Helper()
	p := policy.NewSubscription()
	if edit != nil {
		edit(&p)
	}
	if _, created, err := h.Subscribe(context.Background(), namespace.MustParse(router), id, p); err != nil || !created {
		h.Fatalf("subscribe %s at %s: %v, %v", id, router, created, err)
	}
	return h.queue(router + "/subscriptions/" + id)
}

func (h *house) queue(name string) *queue.Queue {
	h.Helper()
	q, err := h.QueueNamed(namespace.MustParse(name))
	if err != nil {
		h.Fatal(name, err)
	}
	return q
}

func (h *house) unassign(name string) {
	h.Helper()
	if err := h.Unassign(context.Background(), namespace.MustParse(name), broker.AnyVersion); err != nil {
		h.Fatal(name, err)
	}
}

func (h *house) counts(name string) queue.Counts {
	h.Helper()
	c, err := h.queue(name).Counts()
	if err != nil {
		h.Fatal(name, err)
	}
	return c
}

// browse returns everything in a sub-queue, with its bodies.
func (h *house) browse(q *queue.Queue, sub queue.SubQueue) (all []*queue.Delivery) {
	h.Helper()
	for from := uint64(0); ; {
		page, err := q.Browse(queue.BrowseOptions{Sub: sub, From: from})
		if err != nil {
			h.Fatal(err)
		}
		all = append(all, page.Messages...)
		if from = page.Next; from == 0 {
			return all
		}
	}
}
