package crash_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// A tenant makes a name a queue and takes the role away again, with messages
// in it. Nobody else uses the name, so it knows what has to be there.
type tenant struct {
	*worker
	name  string
	last  int
	holds []int // the policies that may be in force, by number; 0 is none
}

func (t *tenant) work() {
	t.holds = []int{0}
	for t.next() {
		t.look()
		switch t.random.IntN(4) {
		case 0, 1:
			t.moveIn()
		case 2:
			t.furnish()
		default:
			t.moveOut()
		}
	}
}

// learn takes in that what is there is one of some; what else may be if the
// call had no answer.
func (t *tenant) learn(c call, what string, is []int) {
	switch c.outcome {
	case done, refused:
		if len(is) == 0 {
			t.write(func(h *history) {
				h.surprises = append(h.surprises, fmt.Sprintf("%s, %s at %v: %v, but there may be only %v", t.name, what, c, c.outcome, t.holds))
			})
			is = t.holds
		}
		t.holds = is
	case unknown:
		for _, n := range is {
			if !slices.Contains(t.holds, n) {
				t.holds = append(t.holds, n)
			}
		}
	}
}

// ifThere returns the policies that may be in force, or that none may be.
func (t *tenant) ifThere(is bool) (list []int) {
	for _, n := range t.holds {
		if is == (n > 0) {
			list = append(list, n)
		}
	}
	return list
}

// moveIn assigns a policy, and looks whether the new queue is empty.
func (t *tenant) moveIn() {
	t.last++
	p := policy.NewQueue()
	p.UserMetadata = strconv.Itoa(t.last)
	c := t.call("assign", func(ctx context.Context) error {
		_, err := t.client.PutPolicy(ctx, t.name, p, "")
		return err
	}, client.ErrConflict)
	switch c.outcome {
	case done:
		if len(t.ifThere(false)) == 0 {
			t.learn(c, "assign", nil)
		}
		t.holds = []int{t.last}
		t.expectEmpty()
	case refused:
		t.learn(c, "assign", t.ifThere(true))
	case unknown:
		t.learn(c, "assign", []int{t.last})
	}
}

// expectEmpty finds messages of an earlier queue of this name.
func (t *tenant) expectEmpty() {
	var err error
	c := t.call("receive from a new queue", func(ctx context.Context) error {
		_, err = t.client.Receive(ctx, t.name, client.ReceiveOptions{})
		return err
	})
	if c.outcome == done && !errors.Is(err, client.ErrNoMessage) {
		t.learn(c, "a new queue with a message", nil)
	}
}

// moveOut takes the role away.
func (t *tenant) moveOut() {
	c := t.call("unassign", func(ctx context.Context) error {
		return t.client.DeletePolicy(ctx, t.name)
	}, client.ErrNotFound)
	is := []int{0}
	if len(t.ifThere(c.outcome != refused)) == 0 && c.outcome != unknown {
		is = nil
	}
	t.learn(c, "unassign", is)
}

// look reads the policy in force.
func (t *tenant) look() {
	var n int
	c := t.call("read a policy", func(ctx context.Context) error {
		a, err := t.client.Policy(ctx, t.name)
		if err == nil {
			n, err = strconv.Atoi(a.Policy.Shared().UserMetadata)
		}
		return err
	}, client.ErrNotFound)
	switch {
	case c.outcome == refused:
		t.learn(c, "read a policy", t.ifThere(false))
	case c.outcome == done && slices.Contains(t.holds, n):
		t.learn(c, "read a policy", []int{n})
	case c.outcome == done:
		t.learn(c, "read a policy", nil)
	}
}

// furnish sends messages that nobody will receive.
func (t *tenant) furnish() {
	messages := make([]*message.Message, 1+t.random.IntN(200))
	for i := range messages {
		messages[i] = newMessage(label{job: t.name, try: i, size: medium(t.worker)})
	}
	c := t.call("send to "+t.name, func(ctx context.Context) error {
		_, err := t.client.SendBatch(ctx, t.name, messages)
		return err
	}, client.ErrNotFound)
	switch c.outcome {
	case done:
		t.learn(c, "send", t.ifThere(true))
	case refused:
		t.learn(c, "send", t.ifThere(false))
	}
}
