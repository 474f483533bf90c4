package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// fiveTerms is a filter that has to look at all of its terms.
const fiveTerms = "sys.Label = 'order' AND region IN ('eu', 'us') AND amount > 100 AND urgent = TRUE AND customer LIKE 'A%'"

func measureFilters(ctx context.Context, s *stage) error {
	if err := s.measureEvaluation(); err != nil {
		return err
	}
	ours, few, err := s.compare(ctx, 64, openSubscribed(s.subscriptions), openSubscribed(1))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("send where one of %d subscriptions matches", s.subscriptions)
	s.report.add(ours.withRate(0.7, name, "one subscription", few)...)
	return nil
}

// errNoMatch says that a filter did not do its work.
var errNoMatch = errors.New("the filter did not match")

// measureEvaluation measures the filter alone, on one core.
func (s *stage) measureEvaluation() error {
	f, err := filter.Parse(fiveTerms, nil)
	if err != nil {
		return err
	}
	m := &message.Message{Label: "order"}
	for name, v := range map[string]message.Value{
		"region": message.String("us"), "amount": message.Int64(250), "urgent": message.Bool(true), "customer": message.String("Ann"),
	} {
		m.Properties.Set(name, v)
	}
	var rates []float64
	for range s.rounds {
		began := time.Now()
		for range s.evaluations {
			if ok, err := f.Match(m); err != nil || !ok {
				return errors.Join(errNoMatch, err)
			}
		}
		rates = append(rates, float64(s.evaluations)/time.Since(began).Seconds())
	}
	s.report.add(Row{Name: "evaluations of five terms", Value: median(rates), Unit: "1/s"}.atLeast(2_000_000))
	return nil
}

// subscribedSubject has callers send to a router whose subscriptions each want
// another message, and of which one wants these.
type subscribedSubject struct {
	*host
	router *router.Router
	queue  *queue.Queue
	bodies [][]byte
	ledger Ledger
}

// openSubscribed opens a broker with so many subscriptions.
func openSubscribed(count int) Opener {
	return func(ctx context.Context, dir string, callers int) (Subject, error) {
		h, err := openHost(ctx, dir)
		if err != nil {
			return nil, err
		}
		list := make([]policy.Subscription, count)
		for i := range list {
			list[i] = policy.NewSubscription()
			list[i].Rules = []policy.Rule{{Equal: []policy.Correlation{{Label: fmt.Sprint(i)}}}}
		}
		r, queues, err := h.newRouter(ctx, "/subscribed", policy.NewRouter(), list)
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		return &subscribedSubject{host: h, router: r, queue: queues[0], bodies: newBodies(callers)}, nil
	}
}

// Do sends a message.
func (s *subscribedSubject) Do(ctx context.Context, caller int) error {
	s.ledger.Stamp(s.bodies[caller])
	m := queue.Outgoing{Message: &message.Message{Label: "0", Body: s.bodies[caller]}}
	sent, err := s.router.Send(ctx, m)
	if err == nil && sent.Deliveries != 1 {
		err = errCopies
	}
	return err
}

// Check receives everything.
func (s *subscribedSubject) Check(ctx context.Context) error {
	return errors.Join(drain(ctx, s.queue, &s.ledger), s.ledger.Check())
}
