package router

import (
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// A Trial is what would become of a message that is sent to a router [Q6].
type Trial struct {
	Deliveries    int           `json:"deliveries"` // copies that subscriptions would get
	Subscriptions []TrialResult `json:"subscriptions"`
}

// A TrialResult is what one subscription has to say.
type TrialResult struct {
	Name    string  `json:"name"`
	To      string  `json:"to,omitempty"` // its subscriber, a name or a URL
	Matches bool    `json:"matches"`
	Rule    string  `json:"rule,omitempty"`   // the one that lets the message pass
	Error   string  `json:"error,omitempty"`  // of a rule or an action that failed: the dead-letter queue gets that copy
	Status  string  `json:"status"`           // one that takes no messages has them in its dead-letter queue
	Chance  float64 `json:"chance,omitempty"` // to get the message, where only one of several does
	Next    *Trial  `json:"next,omitempty"`   // what becomes of it at a subscriber that is a router
}

// maxTrialDepth bounds the routers that a trial goes through, as hops bound a message's way.
const maxTrialDepth = 32

// Try finds out what would become of a message, and changes nothing.
func (r *Router) Try(m *message.Message) *Trial { return r.try(m, maxTrialDepth) }

func (r *Router) try(m *message.Message, depth int) *Trial {
	t := &Trial{Subscriptions: []TrialResult{}}
	one := r.Policy().Distribution == policy.ToOne
	for _, s := range r.table.Load().subscriptions {
		result, copies := s.try(m, one)
		if !one {
			t.Deliveries += copies
		}
		if result.Matches {
			if one {
				t.Deliveries++
			}
			if next := r.set.find(s.Policy.ForwardTo); next != nil && depth > 1 {
				result.Next = next.try(m, depth-1)
			}
		}
		t.Subscriptions = append(t.Subscriptions, result)
	}
	if one {
		t.share(r.hears())
	}
	return t
}

// try returns what the subscription says, and how many copies it gets, those for
// its dead-letter queue among them.
func (s *Subscription) try(m *message.Message, one bool) (result TrialResult, copies int) {
	result = TrialResult{Name: s.Name, To: s.Policy.ForwardTo + s.Policy.PushTo, Status: s.Policy.Status.String()}
	v := s.judge(m)
	switch {
	case v.plain != nil:
		result.Rule = v.plain.name
	case len(v.changed) > 0:
		result.Rule = v.changed[0].name
	}
	all := s.appendCopies(nil, m)
	for _, c := range all {
		if c.Err != nil {
			result.Error = c.Err.Error()
		} else {
			result.Matches = true
		}
	}
	if one && (!s.takes() || s.pushed() && !s.endpoint.current()) {
		result.Matches = false
	}
	return result, len(all)
}

// share gives those that match the same chance, beside the listeners.
func (t *Trial) share(listeners int) {
	for i := range t.Subscriptions {
		if t.Subscriptions[i].Matches {
			t.Subscriptions[i].Chance = 1 / float64(t.Deliveries+listeners)
		}
	}
	t.Deliveries = min(1, t.Deliveries+listeners)
}
