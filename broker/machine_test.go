package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"pgregory.net/rapid"
)

// Whatever is done to some queues, routers and subscriptions, in whatever
// order, over however many restarts, they hold what the model says, and the
// closed folder fits together. [S1] [S2] [S3] [S4] [S5] [S6]
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, history)
}

// history is one random history in virtual time.
func history(t *rapid.T) { rapid.SyncTest(t, run) }

// A machine does the same to a broker and to the model.
type machine struct {
	*house
	t     *rapid.T
	model *model
	last  int // of the messages
}

func run(t *rapid.T) {
	k := &machine{house: open(t), t: t, model: &model{names: map[string]*place{}}}
	synctest.Wait()
	k.model.now = time.Now()
	for range 4 { // there is something to begin with
		k.assignSome()
		k.subscribeSome()
	}
	t.Repeat(map[string]func(*rapid.T){
		"assign":      k.step(k.assignSome),
		"assignMore":  k.step(k.assignSome),
		"subscribe":   k.step(k.subscribeSome),
		"subscribe2":  k.step(k.subscribeSome),
		"subscribe3":  k.step(k.subscribeSome),
		"change":      k.step(k.changeSome),
		"closeRouter": k.step(k.closeRouter),
		"unassign":    k.step(k.unassignSome),
		"publish":     k.step(k.publishSome),
		"publish2":    k.step(k.publishSome),
		"publish3":    k.step(k.publishSome),
		"send":        k.step(k.sendSome),
		"receive":     k.step(k.receiveSome),
		"settle":      k.step(k.settleSome),
		"destroy":     k.step(k.receiveAndDelete),
		"redrive":     k.step(k.redriveSome),
		"pass":        k.step(k.passSome),
		"reopen":      k.step(k.reopenIt),
		"":            func(*rapid.T) { k.compare() },
	})
	k.close()
}

func (k *machine) step(fn func()) func(*rapid.T) {
	return func(t *rapid.T) {
		k.t = t
		fn()
		synctest.Wait()
	}
}

func pick[T any](k *machine, what string, list ...T) T {
	return rapid.SampledFrom(list).Draw(k.t, what)
}

// some returns a random name that has a role and is one of those wanted, nil if there is none.
func (k *machine) some(what string, wanted func(*place) bool) *place {
	var list []string
	for name, p := range k.model.names {
		if wanted(p) {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	return k.model.names[pick(k, what, list...)]
}

func isQueue(p *place) bool  { return !p.isRouter && p.at == nil }
func isRouter(p *place) bool { return p.isRouter }
func holds(p *place) bool    { return !p.isRouter }

var queueNames, routerNames = []string{"/q0", "/q1", "/q2"}, []string{"/r0", "/r1", "/r2"}

// draw changes the part of a policy that queues and subscriptions share.
func (k *machine) draw(p policy.Queue, forwards, closes bool) policy.Queue {
	p.MaxDeliveryCount, p.EnqueueTimeout = 1000, 0
	p.Status = policy.Active
	if closes {
		p.Status = pick(k, "status", policy.Active, policy.Active, policy.Disabled, policy.SendDisabled, policy.ReceiveDisabled)
	}
	p.MaxLength = pick[int64](k, "length", 0, 0, 1, 2)
	p.MaxMessageKilobytes = pick(k, "kilobytes", 1024, 1024, 1)
	p.DeadLetterExpired = pick(k, "dead when expired", false, true)
	targets := append([]string{"", ""}, append(slices.Clone(queueNames), routerNames...)...)
	p.ForwardTo, p.DeadLetterTo = "", ""
	if forwards {
		p.ForwardTo = pick(k, "forward", targets...)
	}
	if pick(k, "drop", false, false, true) {
		p.DeadLetterTo = pick(k, "drop to", targets...)
	}
	return p
}

func (k *machine) assignSome() {
	if pick(k, "kind", "queue", "router") == "router" {
		k.assignRouter()
		return
	}
	name := pick(k, "name", queueNames...)
	if k.model.names[name] != nil {
		return
	}
	p := k.draw(policy.NewQueue(), pick(k, "forwards", false, false, true), true)
	var at []string
	if r := k.some("router", isRouter); r != nil && pick(k, "linked", false, true) {
		at = append(at, r.name)
	}
	refused := k.model.refuses(p, append([]string{name}, at...)...)
	e, _, err := k.tryAssign(name, p, at...)
	if k.wantRefused(refused, err) {
		return
	}
	k.model.names[name] = &place{name: name, id: queue.ID(e.Number), policy: p}
	k.linked(name, at)
}

// linked takes in the subscriptions that an entry has asked for with its role [S4].
func (k *machine) linked(name string, at []string) {
	for _, r := range at {
		children, _, err := k.Children(namespace.MustParse(r+"/subscriptions"), "", 1000)
		if err != nil {
			k.Fatal(err)
		}
		for _, c := range children {
			if id := c.Name.String(); k.model.names[id] == nil {
				p := c.Entry.Policy.(policy.Subscription)
				if p.ForwardTo != name {
					k.Fatalf("%s moves messages on to %s, want %s", id, p.ForwardTo, name)
				}
				k.subscribed(c.Entry, nil)
			}
		}
	}
}

func (k *machine) subscribed(e *namespace.Entry, rules []int) {
	p := e.Policy.(policy.Subscription)
	r := k.model.names[e.Name.Prefix(1).String()]
	s := &place{name: e.Name.String(), id: queue.ID(e.Number), policy: p.Queue, at: r, rules: rules}
	r.subs = append(r.subs, s)
	k.model.names[s.name] = s
}

func (k *machine) assignRouter() {
	name := pick(k, "name", routerNames...)
	if k.model.names[name] != nil {
		return
	}
	p := policy.NewRouter()
	p.Distribution = pick(k, "distribution", policy.ToAll, policy.ToAll, policy.ToOne)
	var at []string
	if r := k.some("router", isRouter); r != nil && pick(k, "linked", false, false, true) {
		at = append(at, r.name)
	}
	e, _, err := k.tryAssign(name, p, at...)
	if k.wantRefused(len(at) > 0 && k.model.reaches(name, at...), err) {
		return
	}
	buffer := p.Buffer(policy.NewQueue())
	k.model.names[name] = &place{name: name, id: queue.ID(e.Number), isRouter: true, one: p.Distribution == policy.ToOne, policy: buffer}
	k.linked(name, at)
}

// wantRefused demands that err is what the model expects of a policy.
func (k *machine) wantRefused(refused bool, err error) bool {
	k.Helper()
	if isRefusal := errors.Is(err, broker.ErrCycle) || errors.Is(err, broker.ErrNoTarget); isRefusal != refused || err != nil && !isRefusal {
		k.Fatalf("got %v, want refused %v", err, refused)
	}
	return refused
}

func (k *machine) subscribeSome() {
	r := k.some("router", isRouter)
	if r == nil {
		return
	}
	id := pick(k, "id", "s0", "s1", "s2")
	name := r.name + "/subscriptions/" + id
	if k.model.names[name] != nil {
		return
	}
	s := policy.NewSubscription()
	s.Queue = k.draw(s.Queue, true, !r.one)
	rules := k.drawRules(r.one)
	for _, i := range rules {
		s.Rules = append(s.Rules, ruleOf(i).Rule)
	}
	refused := k.model.refuses(s.Queue, r.name, name)
	e, _, err := k.Subscribe(context.Background(), namespace.MustParse(r.name), id, s)
	if !k.wantRefused(refused, err) {
		k.subscribed(e, rules)
	}
}

// drawRules returns up to three different rules. At a router that sends to one
// no filter fails: what becomes of the message then is another test's concern.
func (k *machine) drawRules(one bool) []int {
	return rapid.SliceOfNDistinct(rapid.IntRange(0, len(filters)*len(actions)-1).Filter(func(i int) bool {
		return !one || i%len(filters) != mayFail
	}), 0, 3, rapid.ID[int]).Draw(k.t, "rules")
}

func (k *machine) changeSome() {
	p := k.some("which", holds)
	if p == nil {
		return
	}
	old, err := k.Entry(namespace.MustParse(p.name))
	if err != nil {
		k.Fatal(err)
	}
	var to policy.Policy
	var homes []string
	changed, rules := k.draw(p.policy, p.at != nil || pick(k, "forwards", false, false, true), p.at == nil || !p.at.one), p.rules
	if p.at == nil {
		to, homes = changed, []string{p.name}
	} else {
		s := old.Policy.(policy.Subscription)
		if pick(k, "new rules", false, true) {
			rules, s.Rules = k.drawRules(p.at.one), nil
			for _, i := range rules {
				s.Rules = append(s.Rules, ruleOf(i).Rule)
			}
		}
		s.Queue = changed
		to, homes = s, []string{p.name, p.at.name}
	}
	if policy.Equal(old.Policy, to) {
		return
	}
	refused := k.model.refuses(changed, homes...)
	_, err = k.Change(context.Background(), namespace.MustParse(p.name), to, broker.AnyVersion)
	if k.wantRefused(refused, err) {
		return
	}
	k.changed(p, changed, rules)
}

func (k *machine) changed(p *place, to policy.Queue, rules []int) {
	k.try(func(m *model) {
		p := m.names[p.name]
		p.policy, p.rules = to, rules
		p.join(m)
		m.flush()
	})
}

func (k *machine) closeRouter() {
	r := k.some("router", isRouter)
	if r == nil {
		return
	}
	e, err := k.Entry(namespace.MustParse(r.name))
	if err != nil {
		k.Fatal(err)
	}
	p := e.Policy.(policy.Router)
	p.Status = pick(k, "status", policy.Active, policy.Active, policy.SendDisabled)
	if _, err := k.Change(context.Background(), e.Name, p, broker.AnyVersion); err != nil {
		k.Fatal(err)
	}
	r.closedFor = p.Status != policy.Active
}

func (k *machine) unassignSome() {
	if pick(k, "really", false, false, true) {
		return
	}
	if p := k.some("which", func(*place) bool { return true }); p != nil {
		k.unassign(p.name)
		k.model.remove(p)
	}
}

const large = 300 << 10

// message makes a random message, and what the model has of it.
func (k *machine) message() (queue.Outgoing, *held) {
	k.last++
	h := &held{
		id: fmt.Sprintf("m%d", k.last), properties: map[string]message.Value{}, state: "Active",
		label: pick(k, "label", "", "a", "b"),
		size:  pick(k, "size", 0, 10, 10, 10, 10, 10, 10, 1500, 1500, 5000, 5000, large),
	}
	if color := pick(k, "color", "", "red", "blue"); color != "" {
		h.properties["color"] = message.String(color)
	}
	if n := pick[int64](k, "n", -1, 0, 1, 2, 3, 9); n >= 0 {
		h.properties["n"] = message.Int64(n)
	}
	m := &message.Message{ID: h.id, Label: h.label}
	for name, v := range h.properties {
		m.Properties.Set(name, v)
	}
	if h.timeToLive = pick[time.Duration](k, "time to live", 0, 0, time.Minute, 5*time.Minute); h.timeToLive > 0 {
		m.TimeToLive = h.timeToLive
		h.expiresAt = k.model.now.Add(h.timeToLive)
	}
	if delay := pick[time.Duration](k, "delay", 0, 0, 0, 2*time.Minute); delay > 0 {
		m.ScheduledAt = k.model.now.Add(delay)
		h.state, h.dueAt = "Scheduled", m.ScheduledAt
		if h.timeToLive > 0 {
			h.expiresAt = m.ScheduledAt.Add(h.timeToLive)
		}
	}
	out := queue.Outgoing{Message: m}
	var err error
	if m.Body, out.Staged, err = k.ReadBody(context.Background(), bytes.NewReader(h.body()), 1<<20); err != nil {
		k.Fatal(err)
	}
	if (out.Staged != nil) != (h.size == large) {
		k.Fatalf("a body of %d bytes is staged: %v", h.size, out.Staged != nil)
	}
	return out, h
}

// body is as many bytes as the message has, told by its id.
func (h *held) body() []byte {
	return []byte(strings.Repeat(h.id+".", h.size/len(h.id)+1)[:h.size])
}

func (k *machine) publishSome() {
	r := k.some("router", isRouter)
	if r == nil {
		return
	}
	var batch []queue.Outgoing
	var messages []*held
	for range pick(k, "count", 1, 1, 1, 2, 3) {
		out, h := k.message()
		batch, messages = append(batch, out), append(messages, h)
	}
	to, err := k.Router(k.entry(r.name))
	if err != nil {
		k.Fatal(err)
	}
	sent, err := to.Send(context.Background(), batch...)
	if len(batch) == 1 && batch[0].Staged != nil && (err != nil || sent.Unrouted > 0) {
		batch[0].Staged.Discard()
	}
	if r.closedFor != errors.Is(err, queue.ErrDisabled) || err != nil && !r.closedFor {
		k.Fatalf("send: %v, want disabled %v", err, r.closedFor)
	}
	k.try(func(m *model) {
		if deliveries, ok := m.publish(m.names[r.name], messages); ok && deliveries != sent.Deliveries {
			m.names["deliveries"] = &place{name: fmt.Sprintf("%d deliveries, want %d", sent.Deliveries, deliveries)}
		}
	})
}

func (k *machine) entry(name string) *namespace.Entry {
	k.Helper()
	e, err := k.Entry(namespace.MustParse(name))
	if err != nil {
		k.Fatal(err)
	}
	return e
}

func (k *machine) sendSome() {
	p := k.some("queue", isQueue)
	if p == nil {
		return
	}
	out, h := k.message()
	_, _, err := k.queue(p.name).Send(context.Background(), out)
	if err != nil && out.Staged != nil {
		out.Staged.Discard()
	}
	k.try(func(m *model) {
		if ok := m.send(m.names[p.name], h); ok != (err == nil) {
			m.names["error"] = &place{name: fmt.Sprintf("error %v, want sent %v", err, ok)}
		}
	})
}

// try has the model do something in every way that chance allows, and keeps
// the one that has come.
func (k *machine) try(fn func(*model)) {
	k.Helper()
	synctest.Wait()
	seen := k.observe()
	var first *model
	for choices := []int{}; choices != nil; {
		m := k.model.clone()
		choices = explore(m, fn, choices)
		if m.String() == seen {
			k.model = m
			return
		}
		if first == nil {
			first = m
		}
	}
	k.Fatalf("in no way that chance allows; there is\n%s\none way is\n%s", onlyIn(seen, first.String()), onlyIn(first.String(), seen))
}

// explore runs fn with given choices, and the first one wherever they end. It
// returns the choices to try next, nil if that was all.
func explore(m *model, fn func(*model), choices []int) []int {
	var made, limits []int
	m.choose = func(n int) int {
		i := 0
		if len(made) < len(choices) {
			i = choices[len(made)]
		}
		made, limits = append(made, i), append(limits, n)
		return i
	}
	fn(m)
	m.choose = nil
	for i := len(made) - 1; i >= 0; i-- {
		if made[i]+1 < limits[i] {
			return append(made[:i:i], made[i]+1)
		}
	}
	return nil
}

// onlyIn returns the lines of a that b does not have.
func onlyIn(a, b string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(line string) bool {
		return !strings.HasPrefix(line, "/") && strings.Contains(b, line+"\n")
	}), "\n")
}

// observe returns what the broker holds, in the model's words.
func (k *machine) observe() string {
	k.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(k.model.names)) {
		p := place{name: name}
		q := k.queue(name)
		for sub := queue.Main; sub <= queue.Transfer; sub++ {
			for _, d := range k.browse(q, sub) {
				p.held = append(p.held, k.see(sub, d))
			}
		}
		b.WriteString(p.String())
	}
	return b.String()
}

func (k *machine) see(sub queue.SubQueue, d *queue.Delivery) *held {
	k.Helper()
	h := &held{
		id: d.ID, size: int(d.Size), label: d.Label, sub: sub, state: "Active", seq: uint64(d.SequenceNumber),
		properties: maps.Collect(d.Properties.All()), reason: d.DeadLetterReason, source: d.DeadLetterSource,
	}
	switch {
	case d.Status == "Leased":
		h.state = "Locked"
	case d.State == "Scheduled":
		h.state = "Scheduled"
	}
	if !bytes.Equal(d.Body, h.body()) {
		k.Fatalf("message %s has another body: %.40q, of %d bytes", h.id, d.Body, len(d.Body))
	}
	return h
}

// compare demands that the broker holds what the model does, and counts it so.
func (k *machine) compare() {
	k.Helper()
	if seen, want := k.observe(), k.model.String(); seen != want {
		k.Fatalf("there is\n%s\nwant\n%s", onlyIn(seen, want), onlyIn(want, seen))
	}
	for name, p := range k.model.names {
		var want queue.Counts
		for _, h := range p.held {
			want.Bytes += uint64(h.size)
			switch {
			case h.sub == queue.DeadLetter:
				want.DeadLetter++
			case h.sub == queue.Transfer:
				want.TransferDeadLetter++
			case h.state == "Scheduled":
				want.Scheduled++
			case h.state == "Locked":
				want.Locked++
			default:
				want.Active++
			}
		}
		got := k.counts(name)
		got.OldestAt, got.Expired, got.Discarded = want.OldestAt, 0, 0
		if got.Bytes != want.Bytes {
			got.Bytes, want.Bytes = 0, 0 // whether dead letters count is no concern of this test
		}
		if got != want {
			k.Fatalf("%s counts %+v, want %+v", name, got, want)
		}
	}
}
