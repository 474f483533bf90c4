package router

import (
	"fmt"
	"strconv"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// A Subscription is a queue that gets messages of a router. It does not change:
// another policy makes another one.
type Subscription struct {
	Name   string // of the queue
	Queue  *queue.Queue
	Policy *policy.Subscription
	rules  []rule

	endpoint *endpoint // nil: nothing is pushed
}

// A rule is a compiled policy.Rule.
type rule struct {
	name   string
	filter *filter.Filter
	action *filter.Action // nil: nothing is changed
}

// defaultRule is the name of the rule of a subscription that has none.
const defaultRule = "$Default"

// NewSubscription compiles the rules of a policy. Its errors are
// *problem.Field.
func NewSubscription(name string, q *queue.Queue, p *policy.Subscription) (*Subscription, error) {
	if p.PushTo != "" && p.ForwardTo != "" {
		return nil, problem.NewField("Address", p.PushTo, "one subscriber; ForwardTo says %s already", p.ForwardTo)
	}
	s := &Subscription{Name: name, Queue: q, Policy: p}
	named := map[string]bool{}
	for i := range p.Rules {
		r, err := compile(&p.Rules[i], i)
		if err != nil {
			return nil, err
		}
		if named[r.name] {
			return nil, problem.NewField("Rule", r.name, "a name that no other rule of the subscription has")
		}
		named[r.name] = true
		s.rules = append(s.rules, r)
	}
	if len(s.rules) == 0 {
		s.rules = []rule{{name: defaultRule, filter: filter.All()}}
	}
	var err error
	if s.endpoint, err = newEndpoint(name, p); err != nil {
		return nil, err
	}
	return s, nil
}

func compile(p *policy.Rule, i int) (rule, error) {
	r := rule{name: p.Name, filter: filter.All()}
	if r.name == "" {
		r.name = defaultRule
		if i > 0 {
			r.name += strconv.Itoa(i)
		}
	}
	var err error
	switch {
	case p.SQL != "" && len(p.Equal) > 0:
		return r, problem.NewField("CorrelationFilter", "", "one filter a rule; there is a SqlFilter already")
	case p.SQL != "":
		if r.filter, err = filter.Parse(p.SQL, nil); err != nil {
			return r, problem.NewField("SqlFilter", p.SQL, "%v", err)
		}
	case len(p.Equal) > 0:
		if r.filter, err = correlation(&p.Equal[0]); err != nil {
			return r, err
		}
	}
	if p.Action != "" {
		if r.action, err = filter.ParseAction(p.Action, nil); err != nil {
			return r, problem.NewField("SqlAction", p.Action, "%v", err)
		}
	}
	return r, nil
}

// pushed reports whether the broker itself moves the messages on.
func (s *Subscription) pushed() bool { return s.endpoint != nil }

// takes reports whether the subscription takes messages at all.
func (s *Subscription) takes() bool {
	return s.Policy.Status != policy.Disabled && s.Policy.Status != policy.SendDisabled
}

// verdict is what the rules say of a message.
type verdict struct {
	plain   *rule  // the first that lets it pass as it is
	changed []rule // those that let it pass with changes
	err     error  // of a rule that failed
}

// judge asks every rule [S1].
func (s *Subscription) judge(m *message.Message) (v verdict) {
	for i := range s.rules {
		r := &s.rules[i]
		ok, err := r.filter.Match(m)
		switch {
		case err != nil:
			v.err = fmt.Errorf("rule %s: %w", r.name, err)
		case !ok:
		case r.action != nil:
			v.changed = append(v.changed, *r)
		case v.plain == nil:
			v.plain = r
		}
	}
	return v
}

// matches reports whether any rule lets the message pass.
func (v *verdict) matches() bool { return v.plain != nil || len(v.changed) > 0 }

// appendCopies adds what the subscription gets of a message: one copy as it is,
// and one for each rule that changes it. If no rule lets it pass and one
// failed, the copy is for the dead-letter sub-queue [S6].
func (s *Subscription) appendCopies(copies []queue.Copy, m *message.Message) []queue.Copy {
	v := s.judge(m)
	if v.plain != nil {
		copies = append(copies, queue.Copy{Queue: s.Queue})
	}
	for _, r := range v.changed {
		changed := *m
		changed.Properties = m.Properties.Clone()
		if err := r.action.Apply(&changed); err != nil {
			copies = append(copies, queue.Copy{Queue: s.Queue, Err: fmt.Errorf("action of rule %s: %w", r.name, err)})
			continue
		}
		copies = append(copies, queue.Copy{Queue: s.Queue, Changed: &changed})
	}
	if !v.matches() && v.err != nil {
		copies = append(copies, queue.Copy{Queue: s.Queue, Err: v.err})
	}
	return copies
}
