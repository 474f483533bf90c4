package router_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// A desk is routers on a store, with nobody who pushes or sweeps.
type desk struct {
	*testing.T
	store  *store.Store
	queues *queue.Set
	set    *router.Set
}

// open makes a desk that draws as seed says.
func open(t *testing.T, seed uint64) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "router")
	if err != nil {
		dir = t.TempDir()
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d := &desk{T: t}
	if d.store, err = store.Open(dir, store.Options{Tables: queue.Tables, MinFree: -1, GrowBy: 1 << 20, MaxSize: 1 << 30, Logger: log}); err != nil {
		t.Fatal(err)
	}
	d.queues, err = queue.Open(context.Background(), d.store, queue.Options{
		Resolve: func(string) (queue.Target, error) { return queue.Target{}, queue.ErrGone },
		Wake:    func(time.Time) {},
		Logger:  log,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.set = router.New(router.Options{Store: d.store, Queues: d.queues, Draw: rand.New(rand.NewPCG(seed, 1)).IntN})
	t.Cleanup(func() {
		d.queues.Close()
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return d
}

func (d *desk) update(fn func(tx *store.Tx) error) {
	d.Helper()
	if err := d.store.Update(context.Background(), fn); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) router(edit func(*policy.Router)) (r *router.Router) {
	d.Helper()
	p := policy.NewRouter()
	if edit != nil {
		edit(&p)
	}
	d.update(func(tx *store.Tx) error {
		r = d.set.Create(tx, "/router", &p)
		return nil
	})
	return r
}

func one(p *policy.Router) { p.Distribution = policy.ToOne }

// subscribe adds a subscription of a policy, and returns its queue.
func (d *desk) subscribe(r *router.Router, name string, edit func(*policy.Subscription)) (q *queue.Queue) {
	d.Helper()
	p := policy.NewSubscription()
	if edit != nil {
		edit(&p)
	}
	d.update(func(tx *store.Tx) error {
		kept := r.Policy().Keep(p)
		q = d.queues.Create(tx, name, &kept)
		s, err := router.NewSubscription(name, q, &p)
		if err == nil {
			r.Subscribe(tx, s)
		}
		return err
	})
	return q
}

func pushed(p *policy.Subscription) { p.PushTo = "http://127.0.0.1:9/" }

// routes asks a router where a message would go, often, and counts how often
// each queue was the only one.
func (d *desk) routes(r *router.Router, m *message.Message, times int) map[*queue.Queue]int {
	d.Helper()
	found := map[*queue.Queue]int{}
	d.update(func(tx *store.Tx) error {
		for range times {
			copies, err := r.Route(m, int64(len(m.Body))).Make(tx)
			if err != nil {
				return err
			}
			if len(copies) != 1 {
				return fmt.Errorf("%d copies of a message that is for one", len(copies))
			}
			found[copies[0].Queue]++
		}
		return nil
	})
	return found
}

// wantUniform demands that queues were drawn as often as they count: Pearson's
// test. With 20 degrees of freedom or fewer, a value above 50 comes up once in
// 4,000 seeds.
func (d *desk) wantUniform(found map[*queue.Queue]int, weights map[*queue.Queue]int) {
	d.Helper()
	all, sum := 0, 0
	for q, w := range weights {
		sum += w
		all += found[q]
	}
	square := 0.0
	for q, w := range weights {
		want := float64(all) * float64(w) / float64(sum)
		difference := float64(found[q]) - want
		square += difference * difference / want
	}
	if len(found) != len(weights) || square > 50 {
		d.Errorf("drawn %v for weights %v: chi-squared %.1f", found, weights, square)
	}
}

const draws = 100_000

// [S3]: everybody who is current is as likely as anybody else; those to whom
// the broker pushes count as often in the buffer as they are.
func TestDrawIsUniform(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ durable, pushed int }{{2, 0}, {7, 0}, {20, 0}, {1, 1}, {3, 1}, {3, 9}, {10, 10}, {1, 19}} {
		t.Run(fmt.Sprintf("%d durable, %d pushed", c.durable, c.pushed), func(t *testing.T) {
			t.Parallel()
			d := open(t, 2009)
			r := d.router(one)
			weights := map[*queue.Queue]int{}
			for i := range max(c.durable, c.pushed) {
				if i < c.pushed {
					d.subscribe(r, fmt.Sprint("/pushed", i), pushed)
				}
				if i < c.durable {
					weights[d.subscribe(r, fmt.Sprint("/durable", i), nil)] = 1
				}
			}
			if c.pushed > 0 {
				weights[r.Buffer()] = c.pushed
			}
			d.wantUniform(d.routes(r, &message.Message{}, draws), weights)
		})
	}
}

// [S3]: who does not want the message, or takes none, is not drawn, and the
// others are as likely as before.
func TestDrawAmongThoseWhoMatch(t *testing.T) {
	t.Parallel()
	d := open(t, 1999)
	r := d.router(one)
	rules := func(list ...policy.Rule) func(*policy.Subscription) {
		return func(p *policy.Subscription) { p.Rules = list }
	}
	red := policy.Rule{SQL: "color = 'red'"}
	weights := map[*queue.Queue]int{
		d.subscribe(r, "/red", rules(red)): 1,
		d.subscribe(r, "/any", nil):        1,
		d.subscribe(r, "/twice", rules(red, policy.Rule{Name: "a", SQL: "n IS NULL"})): 1,
		r.Buffer(): 2,
	}
	d.subscribe(r, "/blue", rules(policy.Rule{SQL: "color = 'blue'"}))
	d.subscribe(r, "/closed", func(p *policy.Subscription) { p.Status = policy.SendDisabled })
	d.subscribe(r, "/disabled", func(p *policy.Subscription) { p.Status = policy.Disabled })
	d.subscribe(r, "/pushed1", pushed)
	d.subscribe(r, "/pushed2", pushed)
	d.subscribe(r, "/pushed3", func(p *policy.Subscription) { pushed(p); p.Status = policy.Disabled })
	m := &message.Message{}
	m.Properties.Set("color", message.String("red"))
	d.wantUniform(d.routes(r, m, draws), weights)
}

// A full buffer leaves a message to the durable subscriptions; without one it
// is refused. [S3]
func TestFullBuffer(t *testing.T) {
	t.Parallel()
	d := open(t, 1)
	r := d.router(func(p *policy.Router) { one(p); p.MaxBufferLength = 3; p.BufferTimeout = 0 })
	d.subscribe(r, "/pushed", pushed)
	ctx := context.Background()
	for i := range 3 {
		if s, err := r.Send(ctx, outgoing(1)...); err != nil || s.Deliveries != 1 {
			t.Fatalf("send %d: %+v, %v", i, s, err)
		}
	}
	if _, err := r.Send(ctx, outgoing(1)...); !errors.Is(err, queue.ErrFull) {
		t.Errorf("got %v", err)
	}
	q := d.subscribe(r, "/durable", nil)
	if found := d.routes(r, &message.Message{}, 100); found[q] != 100 {
		t.Errorf("drawn %v", found)
	}
}

// A batch that the buffer has no room for is not dead-lettered there: there is
// a durable subscription for what does not fit. [S3]
func TestBatchAtFullBuffer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		d := open(t, seed)
		r := d.router(func(p *policy.Router) { one(p); p.MaxBufferLength = 3; p.BufferTimeout = 0 })
		d.subscribe(r, "/pushed", pushed)
		q := d.subscribe(r, "/durable", nil)
		s, err := r.Send(context.Background(), outgoing(40)...)
		if err != nil || s.Deliveries != 40 {
			t.Fatalf("%+v, %v", s, err)
		}
		buffer, durable := d.counts(r.Buffer()), d.counts(q)
		if buffer.DeadLetter > 0 || buffer.Active > 3 || buffer.Active+durable.Active != 40 {
			t.Errorf("the buffer counts %+v, the durable subscription %+v", buffer, durable)
		}
	}
}

func outgoing(n int) []queue.Outgoing {
	list := make([]queue.Outgoing, n)
	for i := range list {
		list[i].Message = &message.Message{ID: fmt.Sprint(i), Body: []byte("hello")}
	}
	return list
}

func (d *desk) counts(q *queue.Queue) queue.Counts {
	d.Helper()
	c, err := q.Counts()
	if err != nil {
		d.Fatal(err)
	}
	return c
}
