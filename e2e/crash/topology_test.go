package crash_test

import (
	"context"
	"fmt"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

//	/all ──┬── subscriptions/pulled
//	       ├── /kept
//	       ├── /inner ──┬── subscriptions/every
//	       │            └── subscriptions/half   (what has the property marked)
//	       └── /one ────┬── subscriptions/pulled
//	          one of    ├── subscriptions/steady ──► an endpoint that always answers
//	                    └── subscriptions/moody  ──► one that does not

// largest is the size of the largest body that routers take, in KiB.
const largest = 4096

// The names that messages are sent to, and those where they are received from.
var (
	allRouter   = &place{name: "/all", router: true}
	innerRouter = &place{name: "/inner", router: true}

	pulled = &place{name: "/all/subscriptions/pulled", max: 1000, lock: lockTime, maxSize: largest}
	kept   = &place{name: "/kept", max: 1000, lock: lockTime, maxSize: largest}
	every  = &place{name: "/inner/subscriptions/every", max: 1000, lock: lockTime, maxSize: largest}
	half   = &place{name: "/inner/subscriptions/half", max: 1000, lock: lockTime, maxSize: largest}

	// oneRouter gives a message to a receiver, or to an endpoint out of its buffer.
	oneRouter = &place{name: "/one", router: true, either: []*place{onePulled, oneBuffer}}
	onePulled = &place{name: "/one/subscriptions/pulled", max: 1000, lock: lockTime, maxSize: largest}
	oneBuffer = &place{name: "/one", max: pushRetries + 1, lock: pushTimeout + pushMargin, dead: oneDead, reorders: true, pushes: true}
	oneDead   = &place{name: "/one/" + client.DeadLetterQueue, ofDead: true, lock: lockTime, asks: true, redriven: true}
)

// branches are where the copies of a message go that is sent to p: each is a
// message of its own from then on.
func branches(p *place) []*place {
	switch p {
	case allRouter:
		return []*place{pulled, kept, every, half, oneRouter}
	case innerRouter:
		return []*place{every, half}
	}
	return []*place{p}
}

// branch is where the copy has gone that is received from p.
func branch(p *place) *place {
	switch p {
	case onePulled, oneBuffer, oneDead:
		return oneRouter
	}
	return p
}

// marked is the property by which half subscribes: about every second message
// has it.
const marked = "Property 2"

func isMarked(m *message.Message) bool {
	_, is := m.Properties.Get(marked)
	return is
}

// A link is a subscription and what it is about.
type link struct {
	router, id string
	policy     policy.Subscription
}

// topology returns the names, and the subscriptions in the order in which they
// are made.
func (c *routersCast) topology() (names map[string]policy.Policy, links []link) {
	to := func(name string) policy.Subscription {
		s := policy.NewSubscription()
		s.ForwardTo, s.MaxMessageKilobytes = name, largest
		return s
	}
	from := func(p *place) policy.Subscription {
		s := policy.NewSubscription()
		s.Queue = p.policy()
		return s
	}
	filtered := from(half)
	filtered.Rules = []policy.Rule{{Name: "marked", SQL: "EXISTS([" + marked + "])"}}
	links = []link{
		{"/inner", "every", from(every)},
		{"/inner", "half", filtered},
		{"/one", "pulled", from(onePulled)},
		{"/all", "pulled", from(pulled)},
		{"/all", "kept", to("/kept")},
		{"/all", "inner", to("/inner")},
		{"/all", "one", to("/one")},
	}
	for _, s := range c.sinks {
		p := policy.NewSubscription()
		p.PushTo, p.MaxInFlight = s.url(), s.slots
		links = append(links, link{"/one", s.name, p})
	}
	return map[string]policy.Policy{
		"/all": toAll(), "/inner": toAll(), "/one": toOne(), "/kept": kept.policy(),
	}, links
}

func toAll() policy.Router {
	r := policy.NewRouter()
	r.MaxMessageKilobytes = largest
	return r
}

func toOne() policy.Router {
	r := toAll()
	r.Distribution, r.PushRetries, r.PushTimeout = policy.ToOne, pushRetries, pushTimeout
	return r
}

func (c *routersCast) build(ctx context.Context) error {
	names, links := c.topology()
	for name, p := range names {
		if _, err := c.client.PutPolicy(ctx, name, p, ""); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
	}
	for _, l := range links {
		if _, err := c.client.Subscribe(ctx, l.router, l.id, l.policy); err != nil {
			return fmt.Errorf("subscribe %s to %s: %w", l.id, l.router, err)
		}
	}
	return nil
}

// names are all that count messages, those that should never have one too.
func (c *routersCast) names() []string {
	names, links := c.topology()
	var list []string
	for name := range names {
		list = append(list, name)
	}
	for _, l := range links {
		list = append(list, l.router+"/subscriptions/"+l.id)
	}
	return list
}

func (c *routersCast) places() []*place {
	return []*place{pulled, kept, every, half, onePulled, oneDead}
}
