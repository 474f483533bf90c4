package crash_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A cast is who uses the broker in a run, and what for.
type cast interface {
	build(ctx context.Context) error // makes the names
	workers(ctx context.Context) []working
	killed() error                               // follows each kill, before the broker is started again
	aftermath() time.Duration                    // how long everybody goes on after the last kill
	patience() time.Duration                     // how long emptying the broker may make no progress then
	calm(ctx context.Context)                    // has it become possible to empty the broker
	places() []*place                            // all that can have messages at rest
	names() []string                             // of all that counts messages
	judge(h *history) (w *world, list []finding) // what has happened, and what is wrong that only this cast knows of
	close()
}

type working interface{ work() }

// A queuesCast uses queues in all ways.
type queuesCast struct{ *run }

func newQueuesCast(r *run) (cast, error) { return &queuesCast{r}, nil }

func (c *queuesCast) build(ctx context.Context) error {
	for _, q := range queues() {
		if _, err := c.client.PutPolicy(ctx, q.name, q.policy(), ""); err != nil {
			return fmt.Errorf("make %s: %w", q, err)
		}
	}
	return nil
}

func (c *queuesCast) workers(ctx context.Context) []working {
	var all []working
	for i, t := range everybodySends() {
		w := c.worker(ctx, fmt.Sprintf("sender %d", i))
		all = append(all, &sender{worker: w, traffic: t})
	}
	for i, h := range everybodyReceives() {
		w := c.worker(ctx, fmt.Sprintf("consumer %d", i))
		all = append(all, &consumer{worker: w, at: h.at, habit: h.habit})
	}
	for i := range 2 {
		all = append(all, &deleter{c.worker(ctx, fmt.Sprintf("deleter %d", i)), fast})
	}
	for _, name := range rented() {
		all = append(all, &tenant{worker: c.worker(ctx, name), name: name})
	}
	return append(all, &redriver{c.worker(ctx, "redriver"), orders})
}

// rented are the names that tenants have.
func rented() []string { return []string{"/rooms/one", "/rooms/two"} }

// calm takes the role of names that may have been left with it.
func (c *queuesCast) calm(ctx context.Context) {
	w := c.worker(ctx, "caretaker")
	for _, name := range rented() {
		w.call("unassign", func(ctx context.Context) error {
			return c.client.DeletePolicy(ctx, name)
		}, client.ErrNotFound)
	}
}

func (c *queuesCast) killed() error            { return nil }
func (c *queuesCast) aftermath() time.Duration { return 500 * time.Millisecond }
func (c *queuesCast) patience() time.Duration  { return 90 * time.Second }
func (c *queuesCast) places() []*place         { return places() }
func (c *queuesCast) close()                   {}

func (c *queuesCast) names() (list []string) {
	for _, q := range queues() {
		list = append(list, q.name)
	}
	return list
}

func (c *queuesCast) judge(h *history) (*world, []finding) { return newWorld(h), nil }

// everybodySends is what the senders send.
func everybodySends() []traffic {
	return []traffic{
		{to: orders, shape: always(single), size: small},
		{to: orders, shape: mostlySingle, size: small},
		{to: orders, shape: mostlySingle, size: medium},
		{to: risky, shape: always(single), size: small},
		{to: fast, shape: always(single), size: mixed},
		{to: perishable, shape: mostlySingle, size: small, life: someLife},
		{to: inbox, shape: mostlySingle, size: medium},
		{to: later, shape: mostlySingle, size: small, delay: soon},
		{to: bulk, shape: always(stream), size: small},
		{to: bulk, shape: always(single), size: large},
	}
}

// A reception is what a consumer does, and where.
type reception struct {
	at *place
	habit
}

// everybodyReceives is what the consumers do, and where.
func everybodyReceives() []reception {
	everything := habit{abandon: 12, hide: 6, release: 6, putAside: 5, refuse: 5, reschedule: 0, keep: 4, renew: 10, count: 8}
	return []reception{
		{orders, everything},
		{orders, everything},
		{orders, habit{abandon: 20, renew: 10, count: 1}},
		{ordersDead, habit{abandon: 20, keep: 5, refuse: 5, count: 4, slow: 200 * time.Millisecond}},
		{risky, habit{abandon: 30, release: 10, keep: 3, refuse: 10, count: 3}},
		{poison, habit{abandon: 10, renew: 10, count: 5}},
		{perishable, habit{abandon: 10, hide: 10, keep: 2, count: 3, slow: 300 * time.Millisecond}},
		{perishableDead, habit{abandon: 5, count: 50}},
		{outbox, habit{abandon: 10, release: 5, count: 10}},
		{outbox, habit{abandon: 5, keep: 2, renew: 5, count: 3}},
		{later, habit{abandon: 5, hide: 10, reschedule: 15, keep: 2, count: 5}},
		{later, habit{reschedule: 5, putAside: 5, count: 5}},
		{bulk, habit{abandon: 3, count: 100}},
		{bulk, habit{abandon: 3, refuse: 1, keep: 1, count: 20}},
		{bulkDead, habit{count: 3}},
	}
}

func always(s shape) func(*worker) shape { return func(*worker) shape { return s } }

func mostlySingle(w *worker) shape {
	switch drawn := w.random.IntN(100); {
	case drawn < 10:
		return batch
	case drawn < 13:
		return stream
	}
	return single
}

// small is the size of a body in one record, medium of one that may be in
// several, and large of one that may be written in steps, in bytes.
func small(w *worker) int { return w.random.IntN(1500) }

func medium(w *worker) int {
	if w.chance(20) {
		return w.random.IntN(40 << 10)
	}
	return small(w)
}

// mixed is mostly small, and seldom large.
func mixed(w *worker) int {
	if w.chance(5) {
		return large(w)
	}
	return small(w)
}

func large(w *worker) int {
	if w.chance(50) {
		return 200<<10 + w.random.IntN(2<<20)
	}
	return medium(w)
}

func someLife(w *worker) time.Duration {
	if w.chance(50) {
		return 0
	}
	return w.between(50*time.Millisecond, 2*time.Second).Truncate(time.Millisecond)
}

func soon(w *worker) time.Duration {
	return w.between(0, 2*time.Second)
}
