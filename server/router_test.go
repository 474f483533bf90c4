package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
)

// routerDetails is what a router says of itself.
type routerDetails struct{ SubscriptionCount, DeliveryCount, UnroutedMessageCount int }

func (b *bus) details(path string) routerDetails {
	b.Helper()
	var entry struct{ RouterDetails routerDetails }
	b.call("GET", path, "", "Accept", "application/json").want(200).decode(&entry)
	return entry.RouterDetails
}

// [P2] [S1]
func TestRouterEntry(t *testing.T) {
	inBubble(t, func(b *bus) {
		made := b.call("POST", "/Jobs", `{"RouterPolicy":{"MessageDistribution":"One","MaxSubscribers":7}}`, "Content-Type", policyType).want(201)
		made.wantHeader("Location", "/Jobs/$policy")
		p := policyOf[policy.Router](b, "/jobs")
		if p.Distribution != policy.ToOne || p.MaxSubscribers != 7 || p.MaxMessageKilobytes != 1024 {
			b.Errorf("policy %+v", p)
		}
		var entry struct {
			Links []struct{ Rel, Href string }
		}
		shown := b.call("GET", "/jobs/$policy", "", "Accept", "application/json").want(200)
		shown.decode(&entry)
		rels := map[string]string{}
		for _, l := range entry.Links {
			rels[l.Rel] = l.Href
		}
		for rel, href := range map[string]string{"self": "/Jobs/$policy", "edit": "/Jobs/$policy", "alternate": "/Jobs", "subscriptions": "/Jobs/subscriptions", "head": ""} {
			if rels[rel] != href {
				b.Errorf("link %s leads to %q, want %q", rel, rels[rel], href)
			}
		}
		b.wantNoChange("PUT of what GET answers", func() {
			b.call("PUT", "/jobs/$policy", shown.body, "Content-Type", policyType, "If-Match", made.header.Get("ETag")).want(200)
			b.call("POST", "/jobs", `{"RouterPolicy":{"MessageDistribution":"OneSubscriber","MaxSubscribers":7}}`, "Content-Type", policyType).want(200)
			b.call("POST", "/jobs", `{"RouterPolicy":{"MessageDistribution":"One"}}`, "Content-Type", policyType).wantProblem(409, "has-role")
			b.call("PUT", "/jobs/$policy", `{"QueuePolicy":{}}`, "Content-Type", policyType, "If-Match", "*").wantProblem(409, "fixed")
			b.call("PUT", "/jobs/$policy", `{"RouterPolicy":{}}`, "Content-Type", policyType, "If-Match", `"0"`).wantProblem(412, "stale")
		})
		b.call("POST", "/jobs/messages/head", "").wantProblem(404, "no-resource")
		b.call("GET", "/jobs/messages", "").wantProblem(405, "no-method")
		b.call("DELETE", "/jobs", "").wantProblem(405, "no-method")
		b.call("POST", "/jobs/below", queueEntry(""), "Content-Type", entryType).want(201)
		b.call("POST", "/jobs/subscriptions/below", queueEntry(""), "Content-Type", entryType).wantProblem(409, "in-the-way")
		b.call("POST", "/jobs/$DeadLetterQueue/messages/head?timeout=0", "").want(204)
	})
}

// [P2]: each row is refused, and nothing changes.
func TestBadRouters(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		for _, c := range []struct{ elements, element, value, want string }{
			{`"MessageDistribution":"Some"`, "MessageDistribution", "Some", "AllSubscribers, OneSubscriber"},
			{`"MessageDistribution":"all"`, "MessageDistribution", "all", "AllSubscribers"},
			{`"MaxSubscribers":0`, "MaxSubscribers", "0", "from 1 to 2000"},
			{`"MaxSubscribers":2001`, "MaxSubscribers", "2001", "from 1 to 2000"},
			{`"MaxBufferLength":0`, "MaxBufferLength", "0", "from 1"},
			{`"MaxBufferLength":2147483648`, "MaxBufferLength", "2147483648", "to 2147483647"},
			{`"BufferTimeout":"PT61S"`, "BufferTimeout", "PT61S", "PT1M"},
			{`"Overflow":"Explode"`, "Overflow", "Explode", "RejectIncomingMessage"},
			{`"PushDeliveryRetries":-1`, "PushDeliveryRetries", "-1", "from 0 to 100"},
			{`"PushDeliveryRetries":101`, "PushDeliveryRetries", "101", "from 0 to 100"},
			{`"PushDeliveryTimeout":"PT0S"`, "PushDeliveryTimeout", "PT0S", "PT1S"},
			{`"PushDeliveryTimeout":"PT5M1S"`, "PushDeliveryTimeout", "PT5M1S", "PT5M"},
			{`"MaxMessageSizeInKilobytes":0`, "MaxMessageSizeInKilobytes", "0", "from 1 to 102400"},
			{`"ForwardTo":"/orders"`, "ForwardTo", "/orders", "an element of RouterPolicy"},
			{`"Rule":[{}]`, "Rule", "", "an element of RouterPolicy"},
		} {
			entry := `{"RouterPolicy":{` + c.elements + `}}`
			b.wantNoChange(c.elements, func() {
				d := b.call("POST", "/new", entry, "Content-Type", policyType).wantProblem(400, "bad-value")
				if d.Element != c.element || c.value != "" && d.Value != c.value || !strings.Contains(d.Want, c.want) {
					b.Errorf("%s: %+v", c.elements, d)
				}
				b.change("/jobs", entry).wantProblem(400, "bad-value")
			})
		}
	})
}

// [Q1] [S2]
func TestSendToRouter(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.call("POST", "/jobs", "nobody").want(202).wantHeader("Jitney-Outcome", "unrouted").wantHeader("Jitney-Deliveries", "").wantHeader("Location", "")
		b.call("POST", "/jobs?mandatory=true", "nobody").wantProblem(409, "unrouted")
		b.pull("/jobs", "all", "")
		b.pull("/jobs", "red", `"Rule":[{"SqlFilter":"color = 'red'"}]`)
		b.pull("/jobs", "twice", `"Rule":[{"Name":"a","SqlFilter":"color = 'red'","SqlAction":"SET by = 'a'"},{"Name":"b","SqlFilter":"n > 1","SqlAction":"SET by = 'b'; REMOVE n"},{"Name":"c","SqlFilter":"n > 2"}]`)
		b.call("POST", "/jobs", "plain").want(201).wantHeader("Jitney-Deliveries", "1").wantHeader("Jitney-Outcome", "").wantHeader("Location", "")
		b.call("POST", "/jobs?mandatory=true", "red", "color", `"red"`, "n", "3").want(201).wantHeader("Jitney-Deliveries", "5")
		list, _ := b.browse("/jobs/subscriptions/twice/messages")
		var got []string
		for _, m := range list {
			properties := map[string]string{}
			for name, v := range m.Properties.All() {
				properties[strings.ToLower(name)] = v.String()
			}
			text, _ := json.Marshal(properties)
			got = append(got, string(m.Body)+string(text))
		}
		if want := `red{"color":"red","n":"3"} red{"by":"a","color":"red","n":"3"} red{"by":"b","color":"red"}`; strings.Join(got, " ") != want {
			b.Errorf("copies %s, want %s", strings.Join(got, " "), want)
		}
		if list, _ = b.browse("/jobs/subscriptions/all/messages"); len(list) != 2 || list[1].Properties.Len() != 2 {
			b.Errorf("the sender's message has become %v", list)
		}
		if d := b.details("/jobs"); d != (routerDetails{3, 6, 2}) {
			b.Errorf("details %+v", d)
		}
	})
}

// [S2]: no subscription refuses a publish.
func TestSubscriptionsThatTakeNothing(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.pull("/jobs", "fine", "")
		b.pull("/jobs", "full", `"MaxQueueLength":1,"EnqueueTimeout":"PT1M"`)
		b.pull("/jobs", "disabled", `"Status":"Disabled"`)
		b.pull("/jobs", "closed", `"Status":"SendDisabled"`)
		b.pull("/jobs", "silent", `"Status":"ReceiveDisabled"`)
		b.pull("/jobs", "small", `"MaxMessageSizeInKilobytes":1`)
		b.pull("/jobs", "broken", `"Rule":[{"Name":"bad","SqlFilter":"1 / 0 = n"}]`)
		b.pull("/jobs", "act", `"Rule":[{"Name":"bad","SqlAction":"SET n = 1 / 0"}]`)
		b.send("/jobs", "first", "n", "1").wantHeader("Jitney-Deliveries", "8")
		b.send("/jobs", strings.Repeat("x", 1025), "n", "1").wantHeader("Jitney-Deliveries", "8")
		for id, want := range map[string]string{
			"fine": "Active 2", "full": "Active 1, DeadLetter 1", "disabled": "DeadLetter 2", "closed": "DeadLetter 2",
			"silent": "Active 2", "small": "Active 1, DeadLetter 1", "broken": "DeadLetter 2", "act": "DeadLetter 2",
		} {
			b.wantCounts("/jobs/subscriptions/"+id, want)
		}
		for id, want := range map[string]string{
			"full": "SubscriptionRefused: room", "disabled": "SubscriptionRefused: takes no messages", "closed": "SubscriptionRefused: takes no messages",
			"small": "SubscriptionRefused: size", "broken": "FilterEvaluationException: bad", "act": "FilterEvaluationException: bad",
		} {
			if id == "disabled" {
				continue // it gives nothing away, not even dead letters
			}
			path := "/jobs/subscriptions/" + id
			dead := b.call("POST", path+"/$DeadLetterQueue/messages/head?timeout=0", "").want(201).properties()
			reason, description, _ := strings.Cut(want, ": ")
			if dead.DeadLetterReason != reason || !strings.Contains(dead.DeadLetterErrorDescription, description) || dead.DeadLetterSource != path {
				b.Errorf("%s: dead because %+v", id, dead)
			}
		}
		b.change("/jobs", `{"RouterPolicy":{"Status":"SendDisabled"}}`).want(200)
		b.wantNoChange("a disabled router", func() { b.call("POST", "/jobs", "late").wantProblem(403, "disabled") })
		b.change("/jobs", `{"RouterPolicy":{"MaxMessageSizeInKilobytes":1}}`).want(200)
		b.wantNoChange("too large", func() {
			b.call("POST", "/jobs", strings.Repeat("x", 1025)).wantProblem(413, "too-large")
			b.call("POST", "/jobs", `[{"Body":"ok"},{"Body":"`+strings.Repeat("x", 1025)+`"}]`, "Content-Type", batchJSON).wantProblem(413, "too-large")
		})
	})
}

const batchJSON = "application/vnd.microsoft.servicebus.json"

// [Q4]: one commit, all or none.
func TestBatchToRouter(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.pull("/jobs", "all", "")
		b.pull("/jobs", "red", `"Rule":[{"CorrelationFilter":{"Label":"red"}}]`)
		var list []string
		for i := range 250 {
			label := "blue"
			if i%5 == 0 {
				label = "red"
			}
			list = append(list, fmt.Sprintf(`{"Body":"%03d%s","BrokerProperties":{"Label":%q}}`, i, strings.Repeat(".", 2000), label))
		}
		b.call("POST", "/jobs", "["+strings.Join(list, ",")+"]", "Content-Type", batchJSON).want(201).wantHeader("Jitney-Deliveries", "300")
		b.wantCounts("/jobs/subscriptions/all", "Active 250")
		b.wantCounts("/jobs/subscriptions/red", "Active 50")
		for i := range 50 {
			r := b.receive("/jobs/subscriptions/red")
			if !strings.HasPrefix(r.body, fmt.Sprintf("%03d.", 5*i)) || len(r.body) != 2003 {
				b.Errorf("%d: received %.20s of %d bytes", i, r.body, len(r.body))
			}
			b.call("DELETE", r.lock(), "").want(200)
		}
		b.call("DELETE", "/jobs/subscriptions/all", "").want(204)
		b.call("POST", "/jobs", `[{"Body":"a"},{"Body":"b"}]`, "Content-Type", batchJSON).want(202).wantHeader("Jitney-Outcome", "unrouted")
		b.call("POST", "/jobs?mandatory=true", `[{"Body":"a"},{"Body":"b"}]`, "Content-Type", batchJSON).wantProblem(409, "unrouted")
		b.call("POST", "/jobs?mandatory=true", `[{"Body":"a"},{"Body":"b","BrokerProperties":{"Label":"red"}}]`, "Content-Type", batchJSON).
			want(201).wantHeader("Jitney-Deliveries", "1")
		b.wantNoChange("a bad batch", func() {
			b.call("POST", "/jobs", `[{"Body":"a","BrokerProperties":{"Label":"red"}},{"Body":1}]`, "Content-Type", batchJSON).want(400)
			b.call("POST", "/jobs", `[]`, "Content-Type", batchJSON).want(400)
		})
	})
}

// [Q4]
func TestStreamToRouter(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.pull("/jobs", "red", `"Rule":[{"CorrelationFilter":{"Label":"red"}}]`)
		b.pull("/jobs", "also", `"Rule":[{"CorrelationFilter":{"Label":"red"}}]`)
		var body strings.Builder
		for i := range 2500 {
			label := "blue"
			if i%2 == 0 {
				label = "red"
			}
			fmt.Fprintf(&body, `{"body":"%d","label":%q}`+"\n", i, label)
		}
		r := b.call("POST", "/jobs", body.String(), "Content-Type", linesType).want(200)
		lines := strings.Split(strings.TrimSpace(r.body), "\n")
		if last := lines[len(lines)-1]; last != `{"committed":1250,"unrouted":1250}` {
			b.Errorf("the stream ends with %s", last)
		}
		for _, id := range []string{"red", "also"} {
			b.wantCounts("/jobs/subscriptions/"+id, "Active 1250")
			b.receive("/jobs/subscriptions/" + id).wantBody("0")
		}
		r = b.call("POST", "/jobs/messages", `{"body":"a","label":"red"}`+"\n"+`{"body":`+"\n", "Content-Type", linesType).want(200)
		if !strings.Contains(r.body, `{"committed":1}`) || !strings.Contains(r.body, `"line":2`) {
			b.Errorf("the stream ends with %s", r.body)
		}
		b.wantCounts("/jobs/subscriptions/also", "Active 1250, Locked 1")
	})
}

// Large bodies are one on disk, scheduled ones wait in each subscription, old
// ones go from each. [S2]
func TestBodiesOfRouter(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.queue("/orders", "")
		b.pull("/jobs", "a", "")
		b.pull("/jobs", "b", `"DeadLetteringOnMessageExpiration":true`)
		b.forward("/jobs", "c", "/orders")
		large := strings.Repeat("0123456789abcdef", 50_000)
		b.send("/jobs", large).wantHeader("Jitney-Deliveries", "3")
		b.call("DELETE", "/jobs/subscriptions/a/messages/head?timeout=0", "").want(200).wantBody(large)
		b.receive("/orders").wantBody(large)
		lock := b.receive("/jobs/subscriptions/b")
		lock.wantBody(large)
		b.call("DELETE", lock.lock(), "").want(200)
		time.Sleep(2 * time.Minute) // the lock ends
		b.receive("/orders").wantBody(large)
		b.call("DELETE", "/jobs/subscriptions/b", "").want(204)
		b.call("DELETE", "/orders/$policy", "").want(204)

		b.pull("/jobs", "b", `"DeadLetteringOnMessageExpiration":true`)
		b.call("POST", "/jobs?delay=60s&time-to-live=30s", "later").want(201).wantHeader("Jitney-Deliveries", "2")
		b.wantCounts("/jobs/subscriptions/a", "Scheduled 1")
		time.Sleep(time.Minute + time.Second)
		b.wantCounts("/jobs/subscriptions/a", "Active 1")
		b.wantCounts("/jobs/subscriptions/b", "Active 1")
		time.Sleep(30 * time.Second)
		b.wantCounts("/jobs/subscriptions/a", "")
		b.wantCounts("/jobs/subscriptions/b", "DeadLetter 1")
		b.call("POST", "/jobs/subscriptions/b/$DeadLetterQueue/messages/redrive", "").want(200).wantBody(`{"redriven":1}`)
		b.receive("/jobs/subscriptions/b").wantBody("later")
		// Nobody takes a large one: nothing of it is left.
		b.call("DELETE", "/jobs/subscriptions/a", "").want(204)
		b.call("DELETE", "/jobs/subscriptions/b", "").want(204)
		b.call("POST", "/jobs", large).want(202).wantHeader("Jitney-Outcome", "unrouted")
	})
}

// [S3]: exactly one, and each of them now and then.
func TestSendToOne(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/one", `"MessageDistribution":"One"`)
		b.queue("/orders", "")
		b.forward("/one", "a", "/orders")
		b.pull("/one", "b", "")
		b.pull("/one", "red", `"Rule":[{"SqlFilter":"color = 'red'"}]`)
		const sent = 120
		for range sent {
			b.send("/one", "hello").wantHeader("Jitney-Deliveries", "1")
		}
		count := func(path string) (n int) {
			_, _ = fmt.Sscanf(b.counts(path), "Active %d", &n)
			return n
		}
		a, c := count("/orders"), count("/one/subscriptions/b")
		if a+c != sent || a < sent/6 || c < sent/6 {
			b.Errorf("%d and %d messages, want %d in all", a, c, sent)
		}
		b.wantCounts("/one/subscriptions/red", "")
		for id, elements := range map[string]string{"a": `"Status":"SendDisabled","ForwardTo":"/orders"`, "b": `"Status":"SendDisabled"`} {
			b.change("/one/subscriptions/"+id, `{"SubscriptionPolicy":{`+elements+`}}`).want(200)
		}
		b.send("/one", "red", "color", `"red"`)
		b.wantCounts("/one/subscriptions/red", "Active 1")
	})
}

// If all that want a message are disabled, its sender keeps it. [S3]
func TestOneWaits(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/one", `"MessageDistribution":"One"`)
		b.pull("/one", "a", `"Status":"SendDisabled"`)
		b.call("POST", "/one", "hello").wantProblem(403, "disabled")
		b.wantCounts("/one/subscriptions/a", "")
		b.wantCounts("/one", "")
		b.change("/one/subscriptions/a", `{"SubscriptionPolicy":{}}`).want(200)
		b.send("/one", "hello").wantHeader("Jitney-Deliveries", "1")
		b.wantCounts("/one/subscriptions/a", "Active 1")
	})
}

// The broker can still be asked for its names when all is done.
func TestRouterNames(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.pull("/jobs", "a", "")
		if e, err := b.broker.Entry(namespace.MustParse("/jobs/subscriptions/A")); err != nil || e.Policy.Kind() != policy.SubscriptionKind {
			b.Errorf("%v, %v", e, err)
		}
		for path, want := range map[string]int{"/jobs": 200, "/jobs?below=true": 200, "/jobs/subscriptions": 200, "/jobs/subscriptions/a": 200, "/jobs/subscriptions/a/$policy": 200} {
			b.call("GET", path, "").want(want)
			b.call("HEAD", path, "").want(want).wantBody("")
			b.call("OPTIONS", path, "").want(204)
		}
	})
}
