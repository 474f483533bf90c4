package router

import (
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// A Trial is what would become of a message that is sent to a router [Q6].
type Trial struct {
	Deliveries    int           `json:"deliveries"` // subscriptions that would get it, or could
	Subscriptions []TrialResult `json:"subscriptions"`
}

// A TrialResult is what one subscription has to say.
type TrialResult struct {
	Name    string  `json:"name"`
	To      string  `json:"to,omitempty"` // its subscriber, a name or a URL
	Matches bool    `json:"matches"`
	Rule    string  `json:"rule,omitempty"`   // the one that lets the message pass
	Error   string  `json:"error,omitempty"`  // of a rule that failed: the dead-letter queue gets the message
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
		result := s.try(m, one)
		if result.Matches {
			t.Deliveries++
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

func (s *Subscription) try(m *message.Message, one bool) TrialResult {
	result := TrialResult{Name: s.Name, To: s.Policy.ForwardTo + s.Policy.PushTo, Status: s.Policy.Status.String()}
	v := s.judge(m)
	switch {
	case v.plain != nil:
		result.Rule = v.plain.name
	case len(v.changed) > 0:
		result.Rule = v.changed[0].name
	case v.err != nil:
		result.Error = v.err.Error()
	}
	result.Matches = v.matches() && (!one || s.takes() && (!s.pushed() || s.endpoint.current()))
	return result
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
