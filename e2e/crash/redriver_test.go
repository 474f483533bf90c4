package crash_test

import (
	"context"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A redriver sends dead letters back, now some, now all.
type redriver struct {
	*worker
	to *place
}

func (r *redriver) work() {
	for r.next() {
		r.pause(r.between(5*time.Millisecond, 200*time.Millisecond))
		var o client.RedriveOptions
		if r.chance(70) {
			o.Count = 1 + r.random.IntN(5)
		}
		c := r.call("redrive", func(ctx context.Context) error {
			_, err := r.client.Redrive(ctx, r.to.name, o)
			return err
		})
		if c.maySucceed() {
			r.write(func(h *history) { h.redrives = append(h.redrives, redrive{c, r.to.dead}) })
		}
	}
}
