package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// Steps of the machine at queues, and those of time.

func (k *machine) receiveSome() {
	p := k.some("queue", func(p *place) bool { return holds(p) && p.policy.ForwardTo == "" })
	if p == nil {
		return
	}
	list := k.receive(p, queue.ReceiveOptions{Count: pick(k, "count", 1, 2), LockFor: 12 * time.Hour})
	for _, d := range list {
		h := p.first(queue.Main)
		if h == nil || h.id != d.ID {
			k.Fatalf("%s gives %s, want %v", p.name, d.ID, h)
		}
		h.state, h.token = "Locked", d.LockToken
		k.load(h, d)
	}
}

func (k *machine) load(h *held, d *queue.Delivery) {
	k.Helper()
	if err := d.Load(); err != nil || !bytes.Equal(d.Body, h.body()) {
		k.Fatalf("received %s: %v, %.40q of %d bytes", h.id, err, d.Body, len(d.Body))
	}
}

func (k *machine) receive(p *place, opts queue.ReceiveOptions) []*queue.Delivery {
	k.Helper()
	list, err := k.queue(p.name).Receive(context.Background(), opts)
	closed := p.policy.Status == policy.Disabled || p.policy.Status == policy.ReceiveDisabled
	if closed != errors.Is(err, queue.ErrDisabled) || err != nil && !closed {
		k.Fatalf("receive from %s: %v, want disabled %v", p.name, err, closed)
	}
	return list
}

// receiveAndDelete reads what it gets now, or only after others have given up theirs, or never.
func (k *machine) receiveAndDelete() {
	sub := pick(k, "sub", queue.Main, queue.Main, queue.DeadLetter)
	p := k.some("queue", func(p *place) bool { return holds(p) && (p.policy.ForwardTo == "" || sub != queue.Main) })
	if p == nil {
		return
	}
	for _, d := range k.receive(p, queue.ReceiveOptions{Sub: sub, Mode: queue.ReceiveAndDelete, Count: pick(k, "count", 1, 3)}) {
		h := p.first(sub)
		if h == nil || h.id != d.ID {
			k.Fatalf("%s gives %s, want %v", p.name, d.ID, h)
		}
		p.take(h)
		if pick(k, "read", true, true, false) {
			k.load(h, d)
		}
		if pick(k, "close", true, true, false) {
			d.Close()
		}
	}
}

func (k *machine) settleSome() {
	locked := func(p *place) bool { return slices.ContainsFunc(p.held, func(h *held) bool { return h.token != "" }) }
	p := k.some("queue", locked)
	if p == nil {
		return
	}
	h := p.held[slices.IndexFunc(p.held, func(h *held) bool { return h.token != "" })]
	s := queue.Settlement{Lock: h.token, Disposition: pick(k, "how", queue.Complete, queue.Abandon, queue.DeadLetterIt), Reason: "Test"}
	results, err := k.queue(p.name).Settle(context.Background(), s)
	if err != nil || results[0] != nil {
		k.Fatal(err, results)
	}
	seq := h.seq
	k.try(func(m *model) {
		p := m.names[p.name]
		h := p.held[slices.IndexFunc(p.held, func(h *held) bool { return h.seq == seq && h.token != "" })]
		switch s.Disposition {
		case queue.Complete:
			p.take(h)
		case queue.Abandon:
			m.abandon(p, h)
		case queue.DeadLetterIt:
			p.join(m)
			m.bury(p, h, "Test")
			m.flush()
		}
	})
}

func (k *machine) redriveSome() {
	p := k.some("queue", func(p *place) bool {
		return holds(p) && slices.ContainsFunc(p.held, func(h *held) bool { return h.sub != queue.Main })
	})
	if p == nil {
		return
	}
	sub := pick(k, "sub", queue.DeadLetter, queue.Transfer)
	moved, err := k.queue(p.name).Redrive(context.Background(), sub, nil, 0)
	k.try(func(m *model) {
		if n, full := m.redrive(m.names[p.name], sub); n != moved || full != (err != nil) {
			m.names["redriven"] = &place{name: fmt.Sprintf("%d redriven, %v; want %d, %v", moved, err, n, full)}
		}
	})
}

func (k *machine) passSome() {
	d := pick(k, "time", time.Second, time.Minute, 3*time.Minute)
	time.Sleep(d)
	k.try(func(m *model) { m.pass(m.now.Add(d)) })
}

// reopenIt closes and opens the broker: everything is as it was.
func (k *machine) reopenIt() {
	k.reopen()
	k.try(func(*model) {})
}
