package broker_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// A model says what queues, routers and subscriptions hold, without any regard
// to how. It knows which commit does what, because that decides the order, and
// at the end of each one it moves on what is to be moved on. Whatever a router
// leaves to chance it asks choose, so that every way in which it could have
// come can be tried.
type model struct {
	now    time.Time
	names  map[string]*place
	parts  []*place
	choose func(n int) int
}

// A place is a name with a role, with what its queue holds.
type place struct {
	name      string
	id        queue.ID
	isRouter  bool
	one       bool // of a router: each message goes to one subscription
	policy    policy.Queue
	at        *place   // of a subscription: its router
	rules     []int    // of a subscription: indexes of rules
	subs      []*place // of a router, in the order in which they count
	next      uint64
	held      []*held
	joined    bool
	closedFor bool // of a router: it takes no messages
}

// held is a message in a queue.
type held struct {
	id         string // of the message, and what its body is made of
	size       int
	label      string
	properties map[string]message.Value
	sub        queue.SubQueue
	state      string // Active, Scheduled or Locked
	seq, pos   uint64
	timeToLive time.Duration
	expiresAt  time.Time
	dueAt      time.Time
	dead       bool
	reason     string
	source     string
	token      string // of its lock
}

func (h *held) copy() *held {
	c := *h
	return &c
}

// clone returns a model in which anything can happen without regard to m.
func (m *model) clone() *model {
	c := &model{now: m.now, names: map[string]*place{}}
	twins := map[*place]*place{}
	for _, p := range m.names {
		twin := *p
		twin.held = make([]*held, len(p.held))
		for i, h := range p.held {
			twin.held[i] = h.copy()
		}
		twins[p] = &twin
		c.names[p.name] = &twin
	}
	for _, twin := range twins {
		twin.at = twins[twin.at]
		twin.subs = slices.Clone(twin.subs)
		for i := range twin.subs {
			twin.subs[i] = twins[twin.subs[i]]
		}
	}
	return c
}

func (p *place) join(m *model) {
	if !p.joined {
		p.joined = true
		m.parts = append(m.parts, p)
	}
}

func (p *place) takes() bool {
	return p.policy.Status != policy.Disabled && p.policy.Status != policy.SendDisabled
}

func (p *place) inMain() (n int) {
	for _, h := range p.held {
		if h.sub == queue.Main {
			n++
		}
	}
	return n
}

func (p *place) hasRoom() bool {
	return p.policy.MaxLength == 0 || int64(p.inMain()) < p.policy.MaxLength
}

// accepts reports whether a queue takes one more message of a size.
func (p *place) accepts(m *model, size int) bool {
	p.join(m)
	return p.takes() && size <= p.policy.MaxMessageKilobytes<<10 && p.hasRoom()
}

// put makes h the last one of a queue.
func (p *place) put(h *held) {
	p.next++
	h.seq, h.pos = p.next, p.next
	p.held = append(p.held, h)
}

func (p *place) take(h *held) {
	p.held = slices.DeleteFunc(p.held, func(o *held) bool { return o == h })
}

// A copyTo is what a queue is to get of a message.
type copyTo struct {
	to   *place
	as   *held // nil: as it is
	fail bool
}

// copies says what a subscription gets [S1].
func (p *place) copies(h *held) (list []copyTo) {
	plain, failed := false, false
	var changed []rule
	if len(p.rules) == 0 {
		plain = true
	}
	for _, i := range p.rules {
		r := ruleOf(i)
		ok, fails := r.match(h)
		failed = failed || fails
		switch {
		case ok && r.apply != nil:
			changed = append(changed, r)
		case ok:
			plain = true
		}
	}
	if plain {
		list = append(list, copyTo{to: p})
	}
	for _, r := range changed {
		as := h.copy()
		as.properties = maps.Clone(h.properties)
		list = append(list, copyTo{p, as, r.apply(as)})
	}
	if len(list) == 0 && failed {
		list = append(list, copyTo{p, nil, true})
	}
	return list
}

func matched(list []copyTo) bool {
	return len(list) > 0 && (len(list) > 1 || !list[0].fail || list[0].as != nil)
}

// route says who gets a message; not ok: the router takes none.
func (m *model) route(r *place, h *held) (list []copyTo, ok bool) {
	if r.closedFor {
		return nil, false
	}
	r.join(m)
	var drawn [][]copyTo
	for _, s := range r.subs {
		c := s.copies(h)
		switch {
		case !r.one:
			list = append(list, c...) // [S2]
		case matched(c):
			drawn = append(drawn, c)
		}
	}
	if len(drawn) > 0 {
		list = drawn[m.choose(len(drawn))] // [S3]
	}
	for _, c := range list {
		c.to.join(m)
	}
	return list, true
}

// add gives a queue its copy, or says in its dead-letter sub-queue why not [S2].
func (m *model) add(c copyTo, h *held) {
	h = h.copy()
	if c.as != nil && !c.fail {
		h.label, h.properties = c.as.label, c.as.properties
	}
	if c.fail || !c.to.accepts(m, h.size) {
		h.sub, h.state, h.dead, h.dueAt = queue.DeadLetter, "Active", true, time.Time{}
		h.source, h.reason = c.to.name, "SubscriptionRefused"
		if c.fail {
			h.reason = "FilterEvaluationException"
		}
	}
	c.to.put(h)
}

// publish sends messages to a router in one commit, and returns how many got them.
func (m *model) publish(r *place, messages []*held) (deliveries int, ok bool) {
	all := make([][]copyTo, len(messages))
	for i, h := range messages {
		if all[i], ok = m.route(r, h); !ok {
			return 0, false
		}
		deliveries += len(all[i])
	}
	for i, h := range messages {
		for _, c := range all[i] {
			m.add(c, h)
		}
	}
	m.flush()
	return deliveries, true
}

// send sends one message to a queue in a commit of its own.
func (m *model) send(p *place, h *held) (ok bool) {
	if !p.accepts(m, h.size) {
		m.flush()
		return false
	}
	p.put(h.copy())
	m.flush()
	return true
}

// flush ends a commit: what is to be moved on goes on.
func (m *model) flush() {
	for i := 0; i < len(m.parts); i++ {
		p := m.parts[i]
		p.joined = false
		if m.names[p.name] != p || p.policy.ForwardTo == "" {
			continue
		}
		for h := p.first(queue.Main); h != nil; h = p.first(queue.Main) {
			if h.expired(m.now) {
				m.expire(p, h)
				continue
			}
			if !m.forward(p, h, p.policy.ForwardTo) {
				h.sub, h.dead, h.reason, h.source = queue.Transfer, true, "TransferFailed", p.name // [S5]
			}
		}
	}
	m.parts = nil
}

// first returns the active message at the head of a sub-queue.
func (p *place) first(sub queue.SubQueue) (first *held) {
	for _, h := range p.held {
		if h.sub == sub && h.state == "Active" && (first == nil || h.pos < first.pos) {
			first = h
		}
	}
	return first
}

func (h *held) expired(now time.Time) bool {
	return h.sub == queue.Main && !h.expiresAt.IsZero() && !h.expiresAt.After(now)
}

// forward moves h, which is in p, on to a name; false: it stays [S5].
func (m *model) forward(p *place, h *held, to string) bool {
	t := m.names[to]
	if t == nil {
		return false
	}
	moved := h.copy()
	moved.sub, moved.state, moved.dueAt, moved.token = queue.Main, "Active", time.Time{}, ""
	if moved.dead {
		moved.expiresAt = time.Time{}
	}
	if !t.isRouter {
		if !t.accepts(m, h.size) {
			return false
		}
		p.take(h)
		t.put(moved)
		return true
	}
	list, ok := m.route(t, h)
	if !ok || len(list) == 0 && h.dead {
		return false
	}
	p.take(h)
	for _, c := range list {
		m.add(c, moved)
	}
	return true
}

func (m *model) expire(p *place, h *held) {
	if p.policy.DeadLetterExpired {
		m.bury(p, h, "TTLExpiredException")
		return
	}
	p.take(h)
}

// bury dead-letters a message.
func (m *model) bury(p *place, h *held, reason string) {
	h.dead, h.reason, h.source, h.token = true, reason, p.name, ""
	if to := p.policy.DeadLetterTo; to != "" && m.forward(p, h, to) {
		return
	}
	h.sub, h.state = queue.DeadLetter, "Active"
}

// pass lets time pass until an instant.
func (m *model) pass(until time.Time) {
	for {
		at := until
		for _, p := range m.names {
			for _, h := range p.held {
				for _, due := range []time.Time{h.due(), h.ages()} {
					if !due.IsZero() && due.Before(at) {
						at = due
					}
				}
			}
		}
		m.now = at
		if m.happen(); at.Equal(until) {
			return
		}
	}
}

func (h *held) due() time.Time {
	if h.state == "Scheduled" {
		return h.dueAt
	}
	return time.Time{}
}

// ages is when h expires by itself.
func (h *held) ages() time.Time {
	if h.sub != queue.Main || h.state == "Locked" {
		return time.Time{}
	}
	return h.expiresAt
}

// happen does what is due now in one commit.
func (m *model) happen() {
	for _, class := range []func(*held) time.Time{(*held).due, (*held).ages} {
		for _, p := range slices.SortedFunc(maps.Values(m.names), func(a, b *place) int { return cmp.Compare(a.id, b.id) }) {
			due := slices.DeleteFunc(slices.Clone(p.held), func(h *held) bool { return class(h).IsZero() || class(h).After(m.now) })
			slices.SortFunc(due, func(a, b *held) int {
				return cmp.Or(class(a).Compare(class(b)), cmp.Compare(a.seq, b.seq))
			})
			for _, h := range due {
				p.join(m)
				if h.state == "Scheduled" && h.expired(m.now) {
					m.expire(p, h)
					continue
				}
				if h.expired(m.now) {
					m.expire(p, h)
					continue
				}
				p.next++
				h.pos, h.state, h.dueAt = p.next, "Active", time.Time{}
			}
		}
	}
	m.flush()
}

// redrive sends dead letters back; full says whether it ended early.
func (m *model) redrive(p *place, sub queue.SubQueue) (moved int, full bool) {
	last := p.next
	for {
		n := 0
		p.join(m)
		for h := p.first(sub); h != nil && h.pos <= last; h = p.first(sub) {
			if !p.accepts(m, h.size) {
				full = true
				break
			}
			h.dead, h.reason, h.source, h.token = false, "", "", ""
			h.expiresAt = time.Time{}
			if h.timeToLive > 0 {
				h.expiresAt = m.now.Add(h.timeToLive)
			}
			p.next++
			h.sub, h.pos = queue.Main, p.next
			n++
		}
		m.flush()
		moved += n
		if n == 0 {
			return moved, full
		}
		full = false
	}
}

// abandon gives a message back that was locked.
func (m *model) abandon(p *place, h *held) {
	p.join(m)
	h.token, h.state = "", "Active"
	if h.expired(m.now) {
		m.expire(p, h)
	}
	m.flush()
}

// remove takes a role away, and ends the subscriptions at it and of it [P5].
func (m *model) remove(p *place) {
	delete(m.names, p.name)
	for _, s := range slices.Clone(p.subs) {
		m.remove(s)
	}
	if p.at != nil {
		p.at.subs = slices.DeleteFunc(p.at.subs, func(s *place) bool { return s == p })
	}
	for _, s := range slices.Collect(maps.Values(m.names)) {
		if s.at != nil && s.policy.ForwardTo == p.name && m.names[s.name] == s {
			m.remove(s)
		}
	}
}

// reaches reports whether messages at from can come to one of homes [S5].
func (m *model) reaches(from string, homes ...string) bool {
	if slices.Contains(homes, from) {
		return true
	}
	p := m.names[from]
	if p == nil {
		return false
	}
	for _, s := range p.subs {
		if m.reaches(s.name, homes...) {
			return true
		}
	}
	for _, to := range []string{p.policy.ForwardTo, p.policy.DeadLetterTo} {
		if to != "" && m.reaches(to, homes...) {
			return true
		}
	}
	return false
}

// refuses reports whether a policy that moves messages on is refused.
func (m *model) refuses(p policy.Queue, homes ...string) bool {
	for _, to := range []string{p.ForwardTo, p.DeadLetterTo} {
		if to != "" && (m.names[to] == nil || m.reaches(to, homes...)) {
			return true
		}
	}
	return false
}

// String is everything that can be seen of a model.
func (m *model) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		b.WriteString(m.names[name].String())
	}
	return b.String()
}

// String has the messages in the order of their sequence numbers, but not the
// numbers: those of one that has passed through unseen nobody knows.
func (p *place) String() string {
	var b strings.Builder
	b.WriteString(p.name + "\n")
	for _, h := range slices.SortedFunc(slices.Values(p.held), func(a, b *held) int {
		return cmp.Or(cmp.Compare(a.sub, b.sub), cmp.Compare(a.seq, b.seq))
	}) {
		b.WriteString(h.String())
	}
	return b.String()
}

func (h *held) String() string {
	var properties []string
	for _, name := range slices.Sorted(maps.Keys(h.properties)) {
		v := h.properties[name]
		properties = append(properties, fmt.Sprintf("%s=%d:%s", name, v.Kind(), v))
	}
	return fmt.Sprintf("  %d %s %s %dB label %q %v dead %q in %q\n", h.sub, h.id, h.state, h.size, h.label, properties, h.reason, h.source)
}
