package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// bubble runs fn with a broker in virtual time.
func bubble(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { fn(t, open(t)) })
}

func text(body string) queue.Outgoing {
	return queue.Outgoing{Message: &message.Message{Body: []byte(body)}}
}

func (h *house) router(name string) *router.Router {
	h.Helper()
	e, err := h.Entry(namespace.MustParse(name))
	if err != nil {
		h.Fatal(err)
	}
	r, err := h.Router(e)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

func (h *house) publish(name string, messages ...queue.Outgoing) router.Sent {
	h.Helper()
	sent, err := h.router(name).Send(context.Background(), messages...)
	if err != nil {
		h.Fatal(err)
	}
	return sent
}

func forwardTo(name string) func(*policy.Subscription) {
	return func(p *policy.Subscription) { p.ForwardTo = name }
}

// [S2] [S1]: one commit puts messages everywhere, however far they go on.
func TestPublishIsOneCommit(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.assign("/jobs", policy.NewRouter())
		h.assign("/hub", one())
		h.assign("/orders", policy.NewQueue())
		full := policy.NewQueue()
		full.MaxLength = 1
		h.assign("/full", full)
		for i := range 5 {
			h.subscribe("/jobs", fmt.Sprint("pulled", i), nil)
		}
		h.subscribe("/jobs", "orders", forwardTo("/orders"))
		h.subscribe("/jobs", "hub", forwardTo("/hub"))
		h.subscribe("/jobs", "full", forwardTo("/full"))
		h.subscribe("/hub", "orders", forwardTo("/orders"))
		for i, messages := range [][]queue.Outgoing{{text("one")}, {text("two"), text("three")}} {
			synctest.Wait()
			before := h.Info().Store.Commits
			h.publish("/jobs", messages...)
			synctest.Wait()
			if n := h.Info().Store.Commits - before; n != 1 {
				t.Errorf("publish %d took %d commits", i, n)
			}
		}
		if c := h.counts("/orders"); c.Active != 6 {
			t.Errorf("/orders counts %+v", c)
		}
		if c := h.counts("/jobs/subscriptions/full"); c.TransferDeadLetter != 2 {
			t.Errorf("/jobs/subscriptions/full counts %+v", c)
		}
	})
}

// [S2]: if the commit fails, nobody has anything.
func TestPublishFailsAsAWhole(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := policy.NewRouter()
		p.MaxMessageKilobytes = 1
		h.assign("/jobs", p)
		h.subscribe("/jobs", "a", nil)
		h.subscribe("/jobs", "b", nil)
		if _, err := h.router("/jobs").Send(context.Background(), text("fits"), text(strings.Repeat("x", 1025))); !errors.Is(err, queue.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.router("/jobs").Send(ctx, text("late")); err == nil && h.counts("/jobs/subscriptions/a").Active != 1 {
			t.Error("sent, and not there")
		} else if err != nil && h.counts("/jobs/subscriptions/a").Active != 0 {
			t.Errorf("%v, and there", err)
		}
		if a, b := h.counts("/jobs/subscriptions/a").Active, h.counts("/jobs/subscriptions/b").Active; a != b {
			t.Errorf("%d and %d messages", a, b)
		}
		gone := h.router("/jobs")
		h.unassign("/jobs")
		if _, err := gone.Send(context.Background(), text("late")); !errors.Is(err, queue.ErrGone) {
			t.Errorf("got %v", err)
		}
	})
}

// [S5]: a publish that would be too many entries is refused before anything is written.
func TestPublishIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.assign("/jobs", policy.NewRouter())
		for i := range 41 {
			h.subscribe("/jobs", fmt.Sprint("s", i), func(p *policy.Subscription) {
				for j := range policy.MaxRules {
					p.Rules = append(p.Rules, policy.Rule{Name: fmt.Sprint("r", j), Action: fmt.Sprintf("SET j = %d", j)})
				}
			})
		}
		sent, err := h.router("/jobs").Send(context.Background(), text("4,100 of it"))
		if err == nil {
			t.Errorf("one message became %d entries", sent.Deliveries)
		}
		h.unassign("/jobs/subscriptions/s40")
		if sent, err := h.router("/jobs").Send(context.Background(), text("4,000 of it")); err != nil || sent.Deliveries != 4000 {
			t.Errorf("%d entries, %v", sent.Deliveries, err)
		}
		if c := h.counts("/jobs/subscriptions/s0"); c.Active != 100 {
			t.Errorf("/jobs/subscriptions/s0 counts %+v", c)
		}
	})
}

// together runs fns at one time, so that many of their ops share a commit.
func together(fns ...func()) {
	var all sync.WaitGroup
	for _, fn := range fns {
		all.Go(fn)
	}
	all.Wait()
}

// [S3]: whoever ends a subscription while messages are sent, no message that
// another one could have had is lost.
func TestOneLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.assign("/one", one())
		h.subscribe("/one", "stays", nil)
		r := h.router("/one")
		var sent, lost int
		for i := range 300 {
			id := fmt.Sprint("goes", i)
			h.subscribe("/one", id, nil)
			var mu sync.Mutex
			fns := []func(){func() { h.unassign("/one/subscriptions/" + id) }}
			for range 4 {
				fns = append(fns, func() {
					got, err := r.Send(context.Background(), text("hello"))
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					sent++
					lost += got.Unrouted
				})
			}
			together(fns...)
		}
		if lost > 0 {
			t.Errorf("%d of %d messages are nowhere, and there was always somebody who takes them", lost, sent)
		}
	})
}

// [S1]: 2,000 subscriptions, and no more.
func TestMostSubscriptions(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.assign("/jobs", policy.NewRouter())
		h.assign("/orders", policy.NewQueue())
		h.subscribe("/jobs", "forwarded", forwardTo("/orders"))
		for i := 1; i < 2000; i++ {
			h.subscribe("/jobs", fmt.Sprint("s", i), nil)
		}
		_, _, err := h.Subscribe(context.Background(), namespace.MustParse("/jobs"), "s2000", policy.NewSubscription())
		if !errors.Is(err, broker.ErrCrowded) {
			t.Errorf("got %v", err)
		}
		if _, _, err := h.tryAssign("/late", policy.NewQueue(), "/jobs"); !errors.Is(err, broker.ErrCrowded) {
			t.Errorf("got %v", err)
		}
		if sent := h.publish("/jobs", text("hello")); sent.Deliveries != 2000 {
			t.Errorf("%d deliveries", sent.Deliveries)
		}
		h.reopen()
		if sent := h.publish("/jobs", text("hello")); sent.Deliveries != 2000 {
			t.Errorf("%d deliveries after a restart", sent.Deliveries)
		}
		if c := h.counts("/orders"); c.Active != 2 {
			t.Errorf("/orders counts %+v", c)
		}
		h.unassign("/jobs")
		synctest.Wait()
		if n := h.Info().Names; n != 1 {
			t.Errorf("%d names are left", n)
		}
	})
}

// What was accepted can be read when the broker starts again. [S1]
func TestSubscriptionsSurvive(t *testing.T) {
	for name, edit := range map[string]func(*policy.Subscription){
		"pulled":     func(*policy.Subscription) {},
		"forwarded":  forwardTo("/orders"),
		"no filter":  func(p *policy.Subscription) { p.Rules = []policy.Rule{{}} },
		"correlated": func(p *policy.Subscription) { p.Rules = []policy.Rule{{Equal: []policy.Correlation{{Label: "a"}}}} },
		"nothing to correlate": func(p *policy.Subscription) {
			p.Rules = []policy.Rule{{Equal: []policy.Correlation{{}}}}
		},
		"empty property": func(p *policy.Subscription) {
			p.Rules = []policy.Rule{{Equal: []policy.Correlation{{Properties: []policy.Property{{Name: "a"}}}}}}
		},
		"empty header": func(p *policy.Subscription) {
			p.PushTo, p.Headers = "http://127.0.0.1:9/", []policy.Header{{Name: "X-Empty"}}
		},
		"white space": func(p *policy.Subscription) {
			p.Rules = []policy.Rule{{Name: " ", SQL: " a = ' ' ", Action: " SET a = ' ' "}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				h.assign("/jobs", policy.NewRouter())
				h.assign("/orders", policy.NewQueue())
				h.subscribe("/jobs", "s", edit)
				before, err := h.Entry(namespace.MustParse("/jobs/subscriptions/s"))
				if err != nil {
					t.Fatal(err)
				}
				h.reopen()
				after, err := h.Entry(namespace.MustParse("/jobs/subscriptions/s"))
				if err != nil || !policy.Equal(before.Policy, after.Policy) || before.ETag() != after.ETag() {
					t.Errorf("%+v became %+v, %v", before, after, err)
				}
			})
		})
	}
}

// [P5]: subscriptions expire with what they are at and of, also while the
// broker is closed.
func TestSubscriptionsExpire(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		brief := policy.NewRouter()
		brief.ExpiresAt = time.Now().Add(time.Minute)
		h.assign("/brief", brief)
		h.assign("/jobs", policy.NewRouter())
		h.assign("/orders", policy.NewQueue())
		h.subscribe("/brief", "orders", forwardTo("/orders"))
		h.subscribe("/brief", "pulled", nil)
		h.subscribe("/jobs", "brief", forwardTo("/brief"))
		h.subscribe("/jobs", "own", func(p *policy.Subscription) { p.ExpiresAt = time.Now().Add(time.Minute) })
		h.subscribe("/jobs", "stays", nil)
		if sent := h.publish("/jobs", text("hello")); sent.Deliveries != 3 {
			t.Errorf("%d deliveries", sent.Deliveries)
		}
		h.close()
		time.Sleep(2 * time.Minute)
		h.start()
		synctest.Wait()
		if sent := h.publish("/jobs", text("hello")); sent.Deliveries != 1 {
			t.Errorf("%d deliveries", sent.Deliveries)
		}
		if c := h.counts("/orders"); c.Active != 1 {
			t.Errorf("/orders counts %+v", c)
		}
		if n := h.Info().Names; n != 3 {
			t.Errorf("%d names are left", n)
		}
	})
}

// A subscription ends while large bodies are being read out of it and others
// have them too. [S1]
func TestSharedBodiesOfManyRouters(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		for _, r := range []string{"/a", "/b"} {
			h.assign(r, policy.NewRouter())
			for i := range 3 {
				h.subscribe(r, fmt.Sprint("s", i), nil)
			}
		}
		h.subscribe("/a", "b", forwardTo("/b"))
		body := strings.Repeat("0123456789", 50_000)
		small, staged, err := h.ReadBody(context.Background(), strings.NewReader(body), 1<<20)
		if err != nil || small != nil {
			t.Fatal(len(small), err)
		}
		h.publish("/a", queue.Outgoing{Message: &message.Message{ID: "large"}, Staged: staged})
		list, err := h.queue("/b/subscriptions/s0").Receive(context.Background(), queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		h.unassign("/a")
		h.unassign("/b")
		synctest.Wait()
		if err := list[0].Load(); err != nil || string(list[0].Body) != body {
			t.Errorf("%v, %d bytes", err, len(list[0].Body))
		}
		list[0].Close()
		synctest.Wait()
	})
}
