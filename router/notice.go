package router

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
)

// A Notice tells the EndTo of a subscription that it has ended.
type Notice struct {
	Subscription string    `json:"subscription"`
	Reason       Reason    `json:"reason"`
	EndedAt      time.Time `json:"endedAt"`
}

// Reason is why a subscription has ended.
type Reason string

// The reasons.
const (
	Deleted        Reason = "deleted"
	Expired        Reason = "expired"
	RouterGone     Reason = "router-gone"     // its router was deleted, or has expired
	SubscriberGone Reason = "subscriber-gone" // what it moved messages on to was deleted, or has expired
	EndpointGone   Reason = "endpoint-gone"   // the endpoint answered 410
)

const (
	noticeTries   = 5 // then it is given up: a notice is no message
	noticeTimeout = 30 * time.Second
	maxNotices    = 1000 // on their way at one time; further ones are given up at once
)

// Notify sends a notice to a URL, soon and a few times if need be. It does not block.
func (s *Set) Notify(p *policy.Subscription, n Notice) {
	if p.EndTo == "" || !s.notices.TryAcquire(1) {
		return
	}
	started := s.spawn(func() {
		defer s.notices.Release(1)
		s.notify(p, n)
	})
	if !started {
		s.notices.Release(1)
	}
}

func (s *Set) notify(p *policy.Subscription, n Notice) {
	body, err := json.Marshal(n)
	if err != nil {
		return // strings and an instant: it cannot happen
	}
	to := push.Endpoint{URL: p.EndTo, Timeout: noticeTimeout}
	if p.Secret != "" {
		to.Secret, _ = push.ParseSecret(p.Secret) // it was checked when the policy was
	}
	id := uuid.NewString()
	m := &message.Received{
		Message: &message.Message{ID: id, Label: "SubscriptionEnded", ContentType: "application/json", Body: body},
		Size:    int64(len(body)), EnqueuedAt: n.EndedAt,
	}
	for try := 1; try <= noticeTries; try++ {
		if !s.push.NeedsConsent(to.URL) || s.push.Consent(s.running, to) == nil {
			if r := s.push.Push(s.running, to, id, m, nil); r.Verdict != push.Retry {
				return
			}
		}
		if sleep(s.running, backoff(try)) != nil {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
