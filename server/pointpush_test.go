package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
)

// A worker listens at a connection point and answers each request with the next
// of the statuses that it was told; what it got is in got.
type worker struct {
	*bus
	conn *websocket.Conn
	got  chan pushed
}

type pushed struct {
	request *control.RequestMessage
	body    string
}

func (b *bus) point(path string) {
	b.Helper()
	b.call("POST", path, `{"ConnectionPointPolicy":{}}`, "Content-Type", policyType).want(201)
}

func (b *bus) dialer() *websocket.Dialer {
	return &websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return b.listener.dial() }}
}

func (b *bus) worker(path string, statuses ...int) *worker {
	b.Helper()
	conn, _, err := b.dialer().Dial("ws://localhost/$hc"+path+"?sb-hc-action=listen", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	w := &worker{b, conn, make(chan pushed, 100)}
	if len(statuses) > 0 {
		go w.work(statuses)
	}
	return w
}

func (w *worker) work(statuses []int) {
	for _, status := range statuses {
		var m control.Message
		if w.conn.ReadJSON(&m) != nil {
			return
		}
		_, body, err := w.conn.ReadMessage()
		if err != nil {
			return
		}
		w.got <- pushed{m.Request, string(body)}
		_ = w.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":%d}}`, m.Request.ID, status))
	}
	_, _, _ = w.conn.ReadMessage() // pings are answered here
}

// next returns what the worker got next, within some time.
func (w *worker) next(within time.Duration) pushed {
	w.Helper()
	select {
	case p := <-w.got:
		return p
	case <-time.After(within):
		w.Fatalf("nothing came within %v", within)
		return pushed{}
	}
}

// [L4] A subscription pushes to a listener, whose 2xx settles the message.
func TestPushToPoint(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.point("/team/worker")
		w := b.worker("/team/worker", 204)
		b.forward("/jobs", "w", "/Team/Worker")
		b.send("/jobs", "resize", "BrokerProperties", `{"Label":"cat"}`, "Content-Type", "text/x-job").wantHeader("Jitney-Deliveries", "1")
		p := w.next(time.Second)
		h := p.request.Headers
		if p.body != "resize" || p.request.Method != "POST" || p.request.Target != "/team/worker" ||
			h["Content-Type"][0] != "text/x-job" || len(h["Webhook-Id"]) != 1 {
			t.Errorf("got %+v", p)
		}
		var properties brokerProperties
		if err := json.Unmarshal([]byte(h["Brokerproperties"][0]), &properties); err != nil || properties.Label != "cat" {
			t.Errorf("BrokerProperties %q: %v", h["Brokerproperties"], err)
		}
		synctest.Wait()
		b.wantCounts("/jobs/subscriptions/w", "")
	})
}

// [L4] While nobody listens a message waits and no try is spent, however few there
// may be; who comes gets it at once. Another answer than 2xx leaves it for another
// try. Nobody is asked for consent.
func TestPushToPointAgain(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", `"PushDeliveryRetries":1`)
		b.point("/worker")
		b.forward("/jobs", "w", "/worker")
		b.send("/jobs", "resize")
		time.Sleep(24 * time.Hour)
		b.wantCounts("/jobs/subscriptions/w", "Active 1")
		w := b.worker("/worker", 500, 200)
		w.next(time.Second)
		w.next(10 * time.Minute)
		synctest.Wait()
		b.wantCounts("/jobs/subscriptions/w", "")
	})
}

// [L4] A message that was pushed in vain as often as it may be is a dead letter.
func TestPushToPointDeadLetter(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", `"PushDeliveryRetries":1`)
		b.point("/worker")
		b.forward("/jobs", "w", "/worker")
		w := b.worker("/worker", 500, 500)
		b.send("/jobs", "resize")
		w.next(time.Hour)
		w.next(time.Hour)
		time.Sleep(time.Second)
		b.wantCounts("/jobs/subscriptions/w", "DeadLetter 1")
	})
}

// [L4] Listeners behind a relay share the messages of a router that sends to one.
func TestPushToOneOfPoints(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", `"MessageDistribution":"OneSubscriber"`)
		var workers []*worker
		for _, name := range []string{"a", "b"} {
			b.point("/" + name)
			statuses := make([]int, 40)
			for i := range statuses {
				statuses[i] = 200
			}
			workers = append(workers, b.worker("/"+name, statuses...))
			b.forward("/jobs", name, "/"+name)
		}
		for i := range 40 {
			b.send("/jobs", fmt.Sprint(i))
		}
		time.Sleep(time.Minute)
		if a, b := len(workers[0].got), len(workers[1].got); a+b != 40 || a == 0 || b == 0 {
			t.Errorf("one got %d, the other %d of 40", a, b)
		}
	})
}

// [L4] [P5] The subscriptions of a connection point end with it, and it can be
// subscribed in the commit that makes it [S4].
func TestPointSubscriptionEnds(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.call("POST", "/worker", `{"ConnectionPointPolicy":{},`+links("subscription", "/jobs")+`}`, "Content-Type", policyType).want(201)
		w := b.worker("/worker", 200)
		b.send("/jobs", "one").wantHeader("Jitney-Deliveries", "1")
		w.next(time.Minute)
		b.call("DELETE", "/worker/$policy", "").want(204)
		if ids := b.ids("/jobs"); ids != "" {
			t.Errorf("/jobs still has %s", ids)
		}
	})
}

// [L4] Only a subscription moves messages on to a connection point.
func TestPointTakesNoMessages(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/worker")
		b.newRouter("/jobs", "")
		b.newRouter("/one", `"MessageDistribution":"OneSubscriber"`)
		for _, element := range []string{"ForwardTo", "PoisonMessageDrop"} {
			b.call("POST", "/q", `{"QueuePolicy":{"`+element+`":"/worker"}}`, "Content-Type", policyType).wantProblem(409, "no-target")
		}
		b.subscribe("/jobs", `{"SubscriptionPolicy":{"PoisonMessageDrop":"/worker"}}`).wantProblem(409, "no-target")
		b.subscribe("/one", `{"SubscriptionPolicy":{"Rule":[{"SqlFilter":"a=1"}]},`+links("alternate", "/worker")+`}`).
			wantProblem(409, "no-rules")
	})
}
