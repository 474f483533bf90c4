package crash_test

import (
	"context"
	"fmt"
	"time"
)

// A routersCast sends to routers, receives from the subscriptions, and is
// pushed to.
type routersCast struct {
	*run
	sinks []*sink
}

func newRoutersCast(r *run) (cast, error) {
	c := &routersCast{run: r}
	for _, s := range []*sink{{name: "steady", slots: 1}, {name: "moody", slots: 4}} {
		s.recorder, s.backlog = r.recorder, &r.backlog
		if err := s.open(); err != nil {
			return nil, err
		}
		c.sinks = append(c.sinks, s)
	}
	return c, nil
}

func (c *routersCast) close() {
	for _, s := range c.sinks {
		s.close()
	}
}

func (c *routersCast) workers(ctx context.Context) []working {
	var all []working
	for i, t := range routersSend() {
		w := c.worker(ctx, fmt.Sprintf("sender %d", i))
		all = append(all, &sender{worker: w, traffic: t})
	}
	for i, h := range routersReceive() {
		w := c.worker(ctx, fmt.Sprintf("consumer %d", i))
		all = append(all, &consumer{worker: w, at: h.at, habit: h.habit})
	}
	for i := range 2 {
		all = append(all, &listener{worker: c.worker(ctx, fmt.Sprintf("listener %d", i)), at: oneBuffer})
	}
	all = append(all, &redriver{c.worker(ctx, "redriver"), oneBuffer})
	return append(all, &tempter{c.worker(ctx, "tempter"), c.sinks[1]})
}

// routersSend is what the senders send.
func routersSend() []traffic {
	return []traffic{
		{to: allRouter, shape: always(single), size: small},
		{to: allRouter, shape: mostlySingle, size: mixed},
		{to: allRouter, shape: always(batch), size: small},
		{to: allRouter, shape: always(stream), size: small},
		{to: innerRouter, shape: mostlySingle, size: small},
		{to: oneRouter, shape: mostlySingle, size: small},
		{to: oneRouter, shape: always(stream), size: small},
	}
}

// routersReceive is what the consumers do, and where.
func routersReceive() []reception {
	often := habit{abandon: 10, hide: 2, release: 5, keep: 1, renew: 5, count: 20}
	seldom := habit{abandon: 2, count: 100}
	return []reception{
		{pulled, often}, {pulled, seldom},
		{kept, often}, {kept, seldom},
		{every, often}, {every, seldom},
		{half, often},
		{onePulled, often}, {onePulled, seldom},
		{oneDead, habit{abandon: 10, count: 5, slow: 300 * time.Millisecond}},
	}
}

// killed lets the sinks know that what comes from now on is another broker's.
func (c *routersCast) killed() error {
	for _, s := range c.sinks {
		if err := s.turn(); err != nil {
			return err
		}
	}
	return nil
}

// aftermath is long enough for the broker to lose its patience with an endpoint.
func (c *routersCast) aftermath() time.Duration { return pushTimeout + time.Second }

// patience is less than the locks of what is being pushed would last: they are
// to end with the broker that had them [R9].
func (c *routersCast) patience() time.Duration { return pushMargin * 2 / 3 }

// calm does nothing: the tempter has left the sinks in a good mood.
func (c *routersCast) calm(context.Context) {}

// judge makes a history of copies of what has happened.
func (c *routersCast) judge(h *history) (*world, []finding) {
	f := &findings{}
	checkHooks(h.pushes, f)
	w := newWorld(copiesOf(h))
	w.checkSpread(h, f)
	w.illustrate(f.list)
	return w, f.list
}
