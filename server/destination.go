package server

import (
	"context"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// A destination is what messages can be sent to.
type destination interface {
	// maxBytes is the largest body that it takes.
	maxBytes() int64
	// together is how many of count messages are best sent in one commit.
	together(count int) int
	// wait returns when there is room, so that no body is read in vain.
	wait(ctx context.Context) (queue.Outcome, error)
	send(ctx context.Context, messages ...queue.Outgoing) (sent, error)
}

// sent says what became of messages.
type sent struct {
	outcome    queue.Outcome
	numbers    []uint64 // of a queue: their sequence numbers
	deliveries int      // of a router: queues that have them, summed over all
	each       []int    // of a router: queues that have each of them
	unrouted   int      // of a router: messages that no subscription takes
}

type toQueue struct{ *queue.Queue }

func (t toQueue) maxBytes() int64 { return t.Policy().MaxMessageBytes() }

func (t toQueue) together(count int) int {
	switch p := t.Policy(); {
	case p.Overflow == policy.DiscardIncoming && (p.MaxLength > 0 || p.MaxMegabytes > 0):
		return 1
	case p.MaxLength > 0:
		return int(min(int64(count), p.MaxLength))
	}
	return count
}

func (t toQueue) wait(ctx context.Context) (queue.Outcome, error) { return t.Wait(ctx) }

func (t toQueue) send(ctx context.Context, messages ...queue.Outgoing) (sent, error) {
	numbers, outcome, err := t.Send(ctx, messages...)
	return sent{outcome: outcome, numbers: numbers}, err
}

type toRouter struct{ *router.Router }

func (t toRouter) maxBytes() int64 { return t.Policy().MaxMessageBytes() }

// together is less than a queue takes, for one message can be many entries.
func (t toRouter) together(count int) int {
	return min(count, max(1, maxGroupLines/max(1, t.Stats().Subscriptions)))
}

func (t toRouter) wait(context.Context) (queue.Outcome, error) { return queue.Stored, nil }

func (t toRouter) send(ctx context.Context, messages ...queue.Outgoing) (sent, error) {
	s, err := t.Send(ctx, messages...)
	return sent{outcome: s.Outcome, deliveries: s.Deliveries, each: s.Each, unrouted: s.Unrouted}, err
}
