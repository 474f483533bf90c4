package crash_test

import (
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// A place is where messages are received from: a queue or a dead-letter queue.
type place struct {
	name     string
	ofDead   bool          // it is the dead-letter sub-queue of another one
	max      int           // deliveries until a message is dead-lettered; 0: never
	lock     time.Duration // unless a receiver asks for another one
	asks     bool          // every receiver asks: the broker's own lock is longer
	life     time.Duration // of a message that is not received, which is then dead-lettered; 0: for ever
	dead     *place        // where its dead letters go; nil: they stay
	forward  *place        // where what is sent to it goes; nil: it stays
	either   []*place      // where what is sent to it goes, to one of them; nil: it stays
	router   bool          // it has no messages itself
	pushes   bool          // its receivers are endpoints
	redriven bool          // a redriver sends what is here back to the queue
	deletes  bool          // all of its receivers receive and delete
	reorders bool          // messages get new positions
	maxSize  int           // of a body, in KiB; 0: the broker's default
}

// lockTime is the lock of all queues.
const lockTime = 2 * time.Second

// The queues of a run, each for a part of what a broker promises.
var (
	// orders has every disposition, dead letters and a redriver.
	orders = &place{name: "/orders", max: 5, lock: lockTime, dead: ordersDead}
	// ordersDead is completed and redriven.
	ordersDead = &place{name: "/orders/" + client.DeadLetterQueue, ofDead: true, lock: lockTime, redriven: true}
	// risky drops its poison messages into another queue.
	risky  = &place{name: "/risky", max: 2, lock: lockTime, dead: poison}
	poison = &place{name: "/poison", max: 1000, lock: lockTime, dead: poisonDead}

	poisonDead = &place{name: "/poison/" + client.DeadLetterQueue, ofDead: true, lock: lockTime}
	// fast is received from at most once.
	fast = &place{name: "/fast", max: 10, lock: lockTime, deletes: true, maxSize: 4096}
	// perishable is read too slowly.
	perishable     = &place{name: "/perishable", max: 10, lock: lockTime, life: time.Second, dead: perishableDead}
	perishableDead = &place{name: "/perishable/" + client.DeadLetterQueue, ofDead: true, lock: lockTime}
	// inbox keeps nothing.
	inbox      = &place{name: "/inbox", max: 10, lock: lockTime, forward: outbox}
	outbox     = &place{name: "/outbox", max: 1000, lock: lockTime, dead: outboxDead}
	outboxDead = &place{name: "/outbox/" + client.DeadLetterQueue, ofDead: true, lock: lockTime}
	// later has messages that are not to be seen yet.
	later     = &place{name: "/later", max: 1000, lock: lockTime, dead: laterDead, reorders: true}
	laterDead = &place{name: "/later/" + client.DeadLetterQueue, ofDead: true, lock: lockTime}
	// bulk has large bodies and streams.
	bulk     = &place{name: "/bulk", max: 1000, lock: lockTime, dead: bulkDead, maxSize: 4096}
	bulkDead = &place{name: "/bulk/" + client.DeadLetterQueue, ofDead: true, lock: lockTime}
)

// queues are the names that get a role, those that others lead to first.
func queues() []*place {
	return []*place{orders, poison, risky, fast, perishable, outbox, inbox, later, bulk}
}

// places are all that can have messages at rest.
func places() []*place {
	return []*place{
		orders, ordersDead, risky, poison, poisonDead, fast, perishable, perishableDead,
		outbox, outboxDead, later, laterDead, bulk, bulkDead,
	}
}

func (p *place) String() string { return p.name }

// route is where a message that is sent to p is received from; if that is one
// of several places, the first of them.
func (p *place) route() *place { return p.routes()[0] }

// routes are where a message that is sent to p may be received from.
func (p *place) routes() []*place {
	switch {
	case p.forward != nil:
		return []*place{p.forward}
	case p.either != nil:
		return p.either
	}
	return []*place{p}
}

// origins are the lives that a message can begin that is sent to p.
func (p *place) origins() (list []life) {
	for _, at := range p.routes() {
		list = append(list, life{at: at})
	}
	return list
}

// policy is the policy of a queue.
func (p *place) policy() policy.Queue {
	q := policy.NewQueue()
	q.LockDuration, q.MaxDeliveryCount, q.TimeToLive = p.lock, p.max, p.life
	q.DeadLetterExpired = p.life > 0
	if p.maxSize > 0 {
		q.MaxMessageKilobytes = p.maxSize
	}
	if p.dead != nil && !p.dead.ofDead {
		q.DeadLetterTo = p.dead.name
	}
	if p.forward != nil {
		q.ForwardTo = p.forward.name
	}
	return q
}
