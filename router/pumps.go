package router

import (
	"maps"
	"slices"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// pump has the pumps of the router follow its table and its listeners. It does
// not block.
func (r *Router) pump() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pumpLocked()
}

func (r *Router) pumpLocked() {
	if !r.set.isStarted() {
		return
	}
	wanted := r.wanted()
	for id, p := range r.pumps {
		if wanted[id] == nil {
			p.cancel()
			delete(r.pumps, id)
		}
	}
	for id, w := range wanted {
		p := r.pumps[id]
		if p == nil {
			p = r.newPump(w.queue)
			r.pumps[id] = p
		}
		p.use(w.sinks)
	}
}

// signal tells the pump of the buffer that a sink may be ready.
func (r *Router) signal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pumps[r.buffer.ID()]; p != nil {
		p.signal()
	}
}

// reached tells the pumps that push to a connection point that somebody listens.
func (r *Router) reached(point string) {
	r.mu.Lock()
	pumps := slices.Collect(maps.Values(r.pumps))
	r.mu.Unlock()
	for _, p := range pumps {
		p.reached(point)
	}
}

// pumping is what a pump is to do.
type pumping struct {
	queue *queue.Queue
	sinks []sink
}

// wanted returns the pumps that there should be, by their queues.
func (r *Router) wanted() map[queue.ID]*pumping {
	all := map[queue.ID]*pumping{}
	if sinks := r.sinks(); len(sinks) > 0 {
		all[r.buffer.ID()] = &pumping{r.buffer, sinks}
	}
	one := r.Policy().Distribution == policy.ToOne
	for _, s := range r.table.Load().subscriptions {
		if s.endpoint == nil || one && s.Policy.Status != policy.Active {
			continue // the queue of a subscription at all knows by itself whether it gives
		}
		q := s.Queue
		if one {
			q = r.buffer
		}
		if all[q.ID()] == nil {
			all[q.ID()] = &pumping{queue: q}
		}
		all[q.ID()].sinks = append(all[q.ID()].sinks, s.endpoint)
	}
	return all
}
