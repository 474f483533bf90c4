package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
)

// newRouter makes a router of the given elements, as JSON members.
func (b *bus) newRouter(path, elements string) {
	b.Helper()
	b.call("POST", path, `{"RouterPolicy":{`+elements+`}}`, "Content-Type", policyType).want(201)
}

// subscribe asks for a subscription at a router, with an entry in JSON.
func (b *bus) subscribe(router, entry string, headers ...string) reply {
	b.Helper()
	return b.call("POST", router+"/subscriptions", entry, append(headers, "Content-Type", policyType)...)
}

// pull makes a subscription under an id, of the given elements.
func (b *bus) pull(router, id, elements string) {
	b.Helper()
	b.subscribe(router, `{"SubscriptionPolicy":{`+elements+`}}`, "Slug", id).want(201)
}

// forward makes a subscription under an id that moves messages on.
func (b *bus) forward(router, id, to string) {
	b.Helper()
	b.subscribe(router, linked("alternate", to), "Slug", id).want(201)
}

// linked is an entry without a policy that has links of one rel.
func linked(rel string, hrefs ...string) string { return `{` + links(rel, hrefs...) + `}` }

// linkedQueue is an entry that makes a name a queue and subscribes it.
func linkedQueue(elements string, routers ...string) string {
	return `{"QueuePolicy":{` + elements + `},` + links("subscription", routers...) + `}`
}

func links(rel string, hrefs ...string) string {
	var list []string
	for _, href := range hrefs {
		text, _ := json.Marshal(href)
		list = append(list, fmt.Sprintf(`{"rel":%q,"href":%s}`, rel, text))
	}
	return `"links":[` + strings.Join(list, ",") + `]`
}

// change puts an entry, in JSON, in the place of whatever is in force.
func (b *bus) change(path, entry string) reply {
	b.Helper()
	return b.call("PUT", path+"/$policy", entry, "Content-Type", policyType, "If-Match", "*")
}

// ids returns the subscriptions of a router, as its feed has them.
func (b *bus) ids(router string) string {
	b.Helper()
	var ids []string
	for next := router + "/subscriptions"; next != ""; {
		f, err := atom.ParseFeed([]byte(b.call("GET", next, "", "Accept", "application/atom+xml").want(200).body))
		if err != nil {
			b.Fatal(err)
		}
		next = ""
		for _, l := range f.Links {
			if l.Rel == "next" {
				next = l.Href
			}
		}
		for _, e := range f.Entries {
			ids = append(ids, e.Title[strings.LastIndexByte(e.Title, '/')+1:])
		}
	}
	return strings.Join(ids, ",")
}

// wholeState is everything that a refused request could have changed: all
// names with their policies, and what the queues hold.
func (b *bus) wholeState() string {
	b.Helper()
	var all strings.Builder
	var below func(n namespace.Name)
	below = func(n namespace.Name) {
		children, _, err := b.broker.Children(n, "", 1000)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range children {
			if e := c.Entry; e != nil {
				document, err := json.Marshal(e.Policy)
				if err != nil {
					b.Fatal(err)
				}
				fmt.Fprintln(&all, e.Name, e.ETag(), string(document))
				if q, err := b.broker.Queue(e); err == nil {
					counts, err := q.Counts()
					fmt.Fprintf(&all, "%+v %v\n", counts, err)
				}
			}
			below(c.Name)
		}
	}
	below(namespace.Name{})
	return all.String()
}

// wantNoChange runs fn and demands that nothing is another way afterwards.
func (b *bus) wantNoChange(what string, fn func()) {
	b.Helper()
	before := b.wholeState()
	fn()
	if after := b.wholeState(); after != before {
		b.Errorf("%.300s changed\n%s\nto\n%s", what, onlyIn(before, after), onlyIn(after, before))
	}
}

// onlyIn returns the lines of a that b does not have.
func onlyIn(a, b string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(line string) bool { return strings.Contains(b, line+"\n") }), "\n")
}

// policyOf returns the policy in force as the broker has it.
func policyOf[P policy.Policy](b *bus, name string) P {
	b.Helper()
	e, err := b.broker.Entry(namespace.MustParse(name))
	if err != nil {
		b.Fatal(name, err)
	}
	return e.Policy.(P)
}

// [S1]
func TestSubscriptionIsAQueue(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/Jobs", "")
		r := b.subscribe("/jobs", `{"SubscriptionPolicy":{"MaxDeliveryCount":1}}`).want(201)
		path := r.header.Get("Location")
		if id, ok := strings.CutPrefix(path, "/Jobs/subscriptions/"); !ok || len(id) != 36 {
			b.Fatalf("Location %q, want an id below /Jobs/subscriptions", path)
		}
		b.call("GET", path, "", "Accept", "application/json").want(200)
		b.send("/jobs", "one")
		b.send("/jobs", "two")
		b.wantCounts(path, "Active 2")
		if list, _ := b.browse(path + "/messages"); len(list) != 2 || string(list[0].Body) != "one" {
			b.Errorf("browsed %v", list)
		}
		first := b.receive(path)
		first.wantBody("one")
		b.call("PUT", first.lock(), "").want(200) // abandoned, after its last delivery
		b.wantCounts(path, "Active 1, DeadLetter 1")
		b.call("DELETE", path+"/$DeadLetterQueue/messages/head?timeout=0", "").want(200).wantBody("one")
		second := b.receive(path)
		b.call("DELETE", second.lock(), "").want(200)
		b.wantCounts(path, "")
		b.call("POST", path, "direct").wantProblem(409, "wrong-role")
		b.call("POST", path+"/messages", "direct").wantProblem(405, "no-method")
		b.call("POST", path, `{"QueuePolicy":{}}`, "Content-Type", policyType).wantProblem(409, "wrong-role")
		b.call("PUT", path, `{"SubscriptionPolicy":{}}`, "Content-Type", policyType).wantProblem(428, "if-match-required")
		b.change(path, `{"QueuePolicy":{}}`).wantProblem(409, "fixed")
		b.call("DELETE", path, "").want(204)
		b.call("POST", path+"/messages/head?timeout=0", "").want(404)
		b.call("POST", "/jobs/messages", "nobody").want(202)
	})
}

// [S1] [N3]
func TestSubscriptionFeed(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		if got := b.ids("/jobs"); got != "" {
			b.Errorf("the feed of no subscription has %s", got)
		}
		var want []string
		for i := range 103 {
			id := fmt.Sprintf("s%03d", i)
			want = append(want, id)
			b.pull("/jobs", id, "")
		}
		if got := b.ids("/JOBS"); got != strings.Join(want, ",") {
			b.Errorf("the feed has %s", got)
		}
		b.call("DELETE", "/jobs/subscriptions/S050", "").want(204)
		if got := b.ids("/jobs"); strings.Contains(got, "s050") || strings.Count(got, ",") != 101 {
			b.Errorf("the feed has %s", got)
		}
		b.call("GET", "/jobs/subscriptions/s050", "").want(404)
		b.call("PUT", "/jobs/subscriptions", "").wantProblem(405, "no-method")
		b.call("GET", "/none/subscriptions", "").want(200) // a name like any other
		b.queue("/orders", "")
		b.call("GET", "/orders/subscriptions", "").wantProblem(404, "no-resource")
		b.wantNoChange("no router", func() {
			b.subscribe("/orders", `{"SubscriptionPolicy":{}}`).wantProblem(400, "bad-value")
			b.subscribe("/none", `{"SubscriptionPolicy":{}}`).wantProblem(400, "bad-value")
		})
	})
}

// [S1]: RFC 5023, 9.7.
func TestSlug(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		long := strings.Repeat("é", 50)
		for _, c := range []struct{ slug, location string }{
			{"a", "/jobs/subscriptions/a"},
			{"A b", "/jobs/subscriptions/A%20b"},
			{"caf%C3%A9", "/jobs/subscriptions/caf%C3%A9"},
			{"%61%62", "/jobs/subscriptions/ab"},
			{"messages", "/jobs/subscriptions/messages"},
			{"subscriptions", "/jobs/subscriptions/subscriptions"},
			{"head", "/jobs/subscriptions/head"},
			{"a.b~c-d_e@f:g=h;i,j(k)", ""},
			{"😀", ""},
			{long, ""},
		} {
			path := b.subscribe("/jobs", `{"SubscriptionPolicy":{}}`, "Slug", c.slug).want(201).header.Get("Location")
			if c.location != "" && path != c.location {
				b.Errorf("Slug %q: Location %s, want %s", c.slug, path, c.location)
			}
			b.send("/jobs", "hello")
			b.receive(path).wantBody("hello")
			b.call("GET", path, "", "Accept", "application/json").want(200)
		}
		for _, slug := range []string{"", " ", "$policy", "-x", "a/b", "a%2Fb", "..", ".", "a%00", "a%0Ab", "a*", "a?b", "a%3Fb",
			"a#b", "%", "%zz", "%ff", `"a"`, "<a>", long + "x", strings.Repeat("x", 51), strings.Repeat("x", 5000)} {
			b.wantNoChange("Slug "+slug, func() {
				d := b.subscribe("/jobs", `{"SubscriptionPolicy":{}}`, "Slug", slug).wantProblem(400, "bad-value")
				if d.Element == "" || d.Want == "" {
					b.Errorf("Slug %q: %+v does not say what is wanted", slug, d)
				}
			})
		}
		b.wantNoChange("two of them", func() {
			b.subscribe("/jobs", `{"SubscriptionPolicy":{}}`, "Slug", "x", "Slug", "y").wantField(400, "bad-value", "Slug", "y", "once")
		})
		// The same again is no other one; another one under the same id is none.
		b.wantNoChange("the same", func() {
			b.subscribe("/jobs", `{"SubscriptionPolicy":{}}`, "Slug", "A").want(200).wantHeader("Location", "/jobs/subscriptions/a")
			b.subscribe("/jobs", `{"SubscriptionPolicy":{"MaxInFlight":2}}`, "Slug", "a").
				wantHeader("Location", "/jobs/subscriptions/a").wantProblem(409, "has-role")
		})
	})
}

// [S1]: who moves the messages on.
func TestSubscriber(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.newRouter("/other", "")
		b.queue("/orders", "")
		b.queue("/a/b", "")
		b.queue("/a b", "")
		b.pull("/other", "s", "")
		b.call("POST", "/site", `{"MetadataPolicy":{"Address":"https://example.com/"}}`, "Content-Type", policyType).want(201)
		b.forward("/jobs", "queue", "/Orders")
		b.forward("/jobs", "router", "/other")
		b.forward("/jobs", "space", "/a%20b")
		b.send("/jobs", "hello").wantHeader("Jitney-Deliveries", "3")
		for _, path := range []string{"/orders", "/other/subscriptions/s", "/a%20b"} {
			b.receive(path).wantBody("hello")
		}
		for _, id := range []string{"queue", "router", "space"} {
			b.wantCounts("/jobs/subscriptions/"+id, "")
		}
		for _, c := range []struct {
			href   string
			status int
			slug   string
		}{
			{"/none", 409, "no-target"},
			{"/site", 409, "no-target"},
			{"/", 409, "no-target"},
			{"/a%252Fb", 400, "bad-value"},
			{"orders", 400, "bad-value"},
			{"", 400, "bad-value"},
			{"//orders", 400, "bad-value"},
			{"/orders?x=y", 400, "bad-value"},
			{"/$policy", 400, "bad-value"},
			{"/orders/$DeadLetterQueue", 400, "bad-value"},
			{"/orders/messages", 409, "no-target"},
			{"/../orders", 400, "bad-value"},
			{"http://", 400, "bad-value"},
			{"https:///path", 400, "bad-value"},
			{"http:example", 400, "bad-value"},
			{"ftp://example.com/", 400, "bad-value"},
			{"javascript:alert(1)", 400, "bad-value"},
		} {
			b.wantNoChange(c.href, func() {
				d := b.subscribe("/jobs", linked("alternate", c.href)).wantProblem(c.status, c.slug)
				if c.status == 400 && (d.Element == "" || d.Want == "") {
					b.Errorf("%s: %+v does not say what is wanted", c.href, d)
				}
			})
		}
		b.wantNoChange("two subscribers", func() {
			b.subscribe("/jobs", linked("alternate", "/orders", "/other")).wantField(400, "bad-value", "link", "/other", "one subscriber")
			b.subscribe("/jobs", `{"SubscriptionPolicy":{"ForwardTo":"/orders"},`+links("alternate", "/other")+`}`).
				wantField(400, "bad-value", "link", "/other", "one subscriber")
		})
	})
}

// An empty value is one: what was accepted can be read again. [S1]
func TestEmptyValues(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		for id, elements := range map[string]string{
			"header":   `"HttpHeader":[{"Name":"X-Empty","Value":""}]`,
			"property": `"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a","Value":""}]}}]`,
			"rule":     `"Rule":[{}]`,
			"filter":   `"Rule":[{"CorrelationFilter":{}}]`,
			"blank":    `"Rule":[{"Name":" ","SqlAction":" SET a = 1 "}]`,
		} {
			path := "/jobs/subscriptions/" + id
			b.pull("/jobs", id, elements)
			shown := b.call("GET", path+"/$policy", "", "Accept", "application/json").want(200)
			b.wantNoChange(id, func() {
				if r := b.call("PUT", path, shown.body, "Content-Type", policyType, "If-Match", "*"); r.status != 200 {
					b.Errorf("%s: what GET answers is refused: %d %s", id, r.status, r.body)
				}
			})
			if r := b.call("DELETE", path, ""); r.status != 204 {
				b.Errorf("%s: DELETE: %d %s", id, r.status, r.body)
			}
		}
	})
}

// Both of a queue and an endpoint cannot move the messages of one subscription on. [S1]
func TestTwoSubscribersInPolicy(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.queue("/orders", "")
		b.wantNoChange("two subscribers", func() {
			b.subscribe("/jobs", `{"SubscriptionPolicy":{"ForwardTo":"/orders","Address":"http://127.0.0.1:9/hook"}}`).wantProblem(400, "bad-value")
		})
	})
}

// An encoded slash in a link is no separator. [N1] [S1]
func TestEncodedSlashInLink(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.queue("/a/b", "")
		b.wantNoChange("an encoded slash", func() {
			b.subscribe("/jobs", linked("alternate", "/a%2Fb")).wantProblem(400, "bad-value")
		})
	})
}

// [S1] [P3]: what was POSTed can be PUT, and what GET answers too.
func TestSubscriptionRoundTrip(t *testing.T) {
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	const rules = `<Rule><Name>big</Name><SqlFilter>amount &gt; 10 AND sys.Label = 'a''b'</SqlFilter><SqlAction>SET vip = TRUE; REMOVE amount</SqlAction></Rule>` +
		`<Rule><CorrelationFilter><Label>x</Label><Property><Name>kind</Name><Value>7</Value><Type>long</Type></Property>` +
		`<Property><Name>who</Name><Value> é </Value></Property></CorrelationFilter></Rule>` +
		`<Rule><Name>all</Name></Rule>`
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.queue("/orders", "")
		policyXML := func(elements, links string) string {
			return `<entry xmlns="http://www.w3.org/2005/Atom">` + links + `<SubscriptionPolicy xmlns="` + connectNS + `">` + elements + `</SubscriptionPolicy></entry>`
		}
		for id, document := range map[string]string{
			"pushed":    policyXML(`<Address>http://127.0.0.1:9/hook?a=b&amp;c</Address><HttpHeader><Name>X-Key</Name><Value>1</Value></HttpHeader><HttpHeader><Name>X-Other</Name><Value>2</Value></HttpHeader><MaxInFlight>7</MaxInFlight><Secret>`+secret+`</Secret><EndTo>http://127.0.0.1:9/end</EndTo>`+rules, ""),
			"forwarded": policyXML(`<Secret>`+secret+`</Secret><ForwardTo>/orders</ForwardTo><ExpirationInstant>2100-01-01T00:00:00Z</ExpirationInstant><MaxQueueLength>5</MaxQueueLength>`+rules, ""),
			"pulled":    policyXML(`<Secret>`+secret+`</Secret><Status>SendDisabled</Status>`, ""),
		} {
			path := "/jobs/subscriptions/" + id
			made := b.call("POST", "/jobs/subscriptions", document, "Content-Type", entryType, "Slug", id).want(201)
			if strings.Contains(made.body, "whsec_") {
				b.Errorf("%s: the answer shows the secret", id)
			}
			first := policyOf[policy.Subscription](b, path)
			if first.Secret != secret {
				b.Fatalf("%s: the secret is %q", id, first.Secret)
			}
			for _, form := range []struct{ accept, contentType string }{
				{"application/atom+xml", entryType}, {"application/json", policyType},
			} {
				for _, at := range []string{path, path + "/$policy"} {
					shown := b.call("GET", at, "", "Accept", form.accept).want(200)
					if strings.Contains(shown.body, "whsec_") || strings.Contains(shown.body, "Secret") {
						b.Errorf("%s shows the secret: %s", at, shown.body)
					}
				}
				shown := b.call("GET", path+"/$policy", "", "Accept", form.accept).want(200)
				tag := shown.header.Get("ETag")
				b.wantNoChange(id+" "+form.accept, func() {
					again := b.call("PUT", path+"/$policy", shown.body, "Content-Type", form.contentType, "If-Match", tag).want(200)
					again.wantHeader("ETag", tag)
				})
				if now := policyOf[policy.Subscription](b, path); !policy.Equal(now, first) || now.Secret != secret {
					b.Errorf("%s: %+v became %+v", id, first, now)
				}
			}
			if feed := b.call("GET", "/jobs/subscriptions", "").body; strings.Contains(feed, "whsec_") {
				b.Error("the feed shows the secret")
			}
			b.wantNoChange(id+": the entry that made it", func() {
				b.call("PUT", path, document, "Content-Type", entryType, "If-Match", "*").want(200)
			})
			// Another secret is another policy, and a stale tag is refused.
			tag := b.call("GET", path+"/$policy", "").header.Get("ETag")
			changed := strings.Replace(document, secret, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI=", 1)
			after := b.call("PUT", path, changed, "Content-Type", entryType, "If-Match", tag).want(200)
			if after.header.Get("ETag") == tag || policyOf[policy.Subscription](b, path).Secret == secret {
				b.Errorf("%s: the secret did not change", id)
			}
			b.call("PUT", path, changed, "Content-Type", entryType, "If-Match", tag).wantProblem(412, "stale")
		}
	})
}

// [S1]: a PUT can say by a link who moves the messages on, as the POST can.
func TestChangeSubscriber(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.queue("/orders", "")
		b.queue("/other", "")
		b.forward("/jobs", "s", "/orders")
		b.change("/jobs/subscriptions/s", `{"SubscriptionPolicy":{},`+links("alternate", "/other")+`}`).want(200)
		b.send("/jobs", "hello")
		b.wantCounts("/other", "Active 1")
		b.wantCounts("/orders", "")
		b.change("/jobs/subscriptions/s", `{"SubscriptionPolicy":{"ForwardTo":"/orders"}}`).want(200)
		b.send("/jobs", "hello")
		b.wantCounts("/orders", "Active 1")
		b.change("/jobs/subscriptions/s", `{"SubscriptionPolicy":{}}`).want(200)
		b.send("/jobs", "hello")
		b.wantCounts("/jobs/subscriptions/s", "Active 1")
		// What has waited goes on when there is somebody.
		b.change("/jobs/subscriptions/s", `{"SubscriptionPolicy":{"ForwardTo":"/orders"}}`).want(200)
		b.call("DELETE", "/orders/messages/head?timeout=1", "").want(200)
		b.call("DELETE", "/orders/messages/head?timeout=1", "").want(200)
		b.wantCounts("/jobs/subscriptions/s", "")
	})
}

// [S5]: 409, and the detail shows the circle.
func TestCycles(t *testing.T) {
	inBubble(t, func(b *bus) {
		for _, path := range []string{"/r1", "/r2", "/r3", "/r4", "/r5"} {
			b.newRouter(path, "")
		}
		for _, path := range []string{"/q1", "/q2", "/q3", "/q4", "/q5", "/p"} {
			b.queue(path, "")
		}
		want := func(what string, r reply, names ...string) {
			b.Helper()
			d := r.wantProblem(409, "cycle")
			at := 0
			for _, name := range names {
				i := strings.Index(d.Detail[at:], name)
				if i < 0 {
					b.Errorf("%s: the detail %q does not show %v", what, d.Detail, names)
					return
				}
				at += i
			}
		}
		cycle := func(what string, try func() reply, names ...string) {
			b.Helper()
			b.wantNoChange(what, func() { want(what, try(), names...) })
		}
		alternate := func(router, to string) func() reply {
			return func() reply { return b.subscribe(router, linked("alternate", to), "Slug", "x") }
		}
		put := func(path, entry string) func() reply { return func() reply { return b.change(path, entry) } }

		cycle("a router at itself", alternate("/r1", "/R1"), "/r1")
		cycle("a subscription at itself", alternate("/r1", "/r1/subscriptions/x"), "/subscriptions/x")
		b.forward("/r1", "s", "/q1")
		cycle("a queue to its router", put("/q1", `{"QueuePolicy":{"ForwardTo":"/r1"}}`), "/q1", "/r1", "/q1")
		cycle("dead letters to the router", put("/q1", `{"QueuePolicy":{"PoisonMessageDrop":"/r1"}}`), "/q1", "/r1", "/q1")
		cycle("a subscription's dead letters", put("/r1/subscriptions/s", `{"SubscriptionPolicy":{"PoisonMessageDrop":"/r1"}}`), "/r1")
		cycle("a queue to itself", put("/q2", `{"QueuePolicy":{"ForwardTo":"/q2"}}`), "/q2", "/q2")
		cycle("dead letters to itself", put("/q2", `{"QueuePolicy":{"PoisonMessageDrop":"/q2"}}`), "/q2", "/q2")

		// A chain of five: r1 → q1 → r2 → q2 → r3.
		b.change("/q1", `{"QueuePolicy":{"ForwardTo":"/r2"}}`).want(200)
		b.forward("/r2", "s", "/q2")
		b.change("/q2", `{"QueuePolicy":{"PoisonMessageDrop":"/r3"}}`).want(200)
		chain := []string{"/q1", "/r2", "/q2", "/r3"}
		cycle("the end of the chain", alternate("/r3", "/r1"), append([]string{"/r1"}, chain...)...)
		cycle("the end of the chain, by a policy", func() reply {
			return b.subscribe("/r3", `{"SubscriptionPolicy":{"ForwardTo":"/r1"}}`)
		}, append([]string{"/r1"}, chain...)...)
		cycle("the end of the chain, by dead letters", func() reply {
			return b.subscribe("/r3", `{"SubscriptionPolicy":{"PoisonMessageDrop":"/q1"}}`)
		}, chain...)
		b.forward("/r3", "s", "/q3")
		cycle("the end of the chain, by PUT", put("/r3/subscriptions/s", `{"SubscriptionPolicy":{"ForwardTo":"/r1"}}`), chain...)
		cycle("the end of the chain, at a queue", put("/q3", `{"QueuePolicy":{"ForwardTo":"/r1"}}`), "/q3", "/r1")
		cycle("into the middle", put("/q3", `{"QueuePolicy":{"ForwardTo":"/q2"}}`), "/q3", "/q2", "/r3")
		cycle("a new queue between", func() reply {
			return b.call("POST", "/q9", linkedQueue(`"ForwardTo":"/r1"`, "/r3"), "Content-Type", policyType)
		}, "/r1", "/r3")
		cycle("a new queue's dead letters", func() reply {
			return b.call("POST", "/q9", linkedQueue(`"PoisonMessageDrop":"/r3"`, "/r3"), "Content-Type", policyType)
		}, "/r3")
		// A name that leads nowhere any more closes a circle when it comes back.
		b.change("/q4", `{"QueuePolicy":{"ForwardTo":"/p"}}`).want(200)
		b.call("DELETE", "/p", "").want(405)
		b.call("DELETE", "/p/$policy", "").want(204)
		cycle("a name that comes back", func() reply {
			return b.call("POST", "/p", `{"QueuePolicy":{"ForwardTo":"/q4"}}`, "Content-Type", policyType)
		}, "/p", "/q4", "/p")
		// What only looks like one is none.
		b.forward("/r4", "a", "/q5")
		b.forward("/r4", "b", "/q5")
		b.forward("/r5", "a", "/r4")
		b.forward("/r5", "b", "/r4")
		b.send("/r5", "hello").wantHeader("Jitney-Deliveries", "2")
		b.wantCounts("/q5", "Active 4")
	})
}

// [S5]: 32 names, and no more.
func TestHops(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		const last = 35
		for i := range last + 1 {
			b.queue(fmt.Sprintf("/q%d", i), "")
		}
		b.forward("/jobs", "s", "/q0") // of a longer chain it could not be made
		for i := range last {
			b.change(fmt.Sprintf("/q%d", i), fmt.Sprintf(`{"QueuePolicy":{"ForwardTo":"/q%d"}}`, i+1)).want(200)
		}
		b.send("/q0", "from a queue")
		b.wantCounts("/q32", "TransferDeadLetter 1")
		b.send("/jobs", "from a router").wantHeader("Jitney-Deliveries", "1")
		b.wantCounts("/q31", "TransferDeadLetter 1")
		for i := range last + 1 {
			if i != 31 && i != 32 {
				b.wantCounts(fmt.Sprintf("/q%d", i), "")
			}
		}
		dead := b.call("POST", "/q31/$Transfer/$DeadLetterQueue/messages/head?timeout=0", "").want(201)
		dead.wantBody("from a router")
		if p := dead.properties(); p.DeadLetterReason == "" || !strings.Contains(p.DeadLetterErrorDescription, "32") || p.DeadLetterSource != "/q31" {
			b.Errorf("dead because %+v", p)
		}
	})
}

// [S1]: MaxSubscribers, also of what an entry asks for with its role.
func TestCrowded(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", `"MaxSubscribers":2`)
		b.pull("/jobs", "a", "")
		b.wantNoChange("one router twice", func() {
			b.call("POST", "/q", linkedQueue("", "/jobs", "/jobs"), "Content-Type", policyType).want(400)
		})
		b.pull("/jobs", "b", "")
		b.wantNoChange("a third", func() {
			d := b.subscribe("/jobs", `{"SubscriptionPolicy":{}}`).wantProblem(409, "too-many-subscriptions")
			if !strings.Contains(d.Detail, "/jobs") || !strings.Contains(d.Detail, "2") {
				b.Errorf("detail %q", d.Detail)
			}
			b.call("POST", "/q", linkedQueue("", "/jobs"), "Content-Type", policyType).wantProblem(409, "too-many-subscriptions")
			b.subscribe("/jobs", `{"SubscriptionPolicy":{}}`, "Slug", "a").want(200)
		})
		b.call("DELETE", "/jobs/subscriptions/a", "").want(204)
		b.pull("/jobs", "c", "")
		b.change("/jobs", `{"RouterPolicy":{"MaxSubscribers":3}}`).want(200)
		b.pull("/jobs", "d", "")
	})
}

// [P5] [S1]: subscriptions end with their router and with who gets their messages.
func TestSubscriptionsEnd(t *testing.T) {
	inBubble(t, func(b *bus) {
		soon := time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano)
		expires := fmt.Sprintf(`"ExpirationInstant":%q`, soon)
		b.newRouter("/jobs", "")
		b.newRouter("/other", "")
		b.newRouter("/short", expires)
		b.queue("/orders", "")
		b.queue("/brief", expires)
		b.forward("/jobs", "orders", "/orders")
		b.forward("/jobs", "brief", "/brief")
		b.forward("/jobs", "other", "/other")
		b.forward("/jobs", "short", "/short")
		b.forward("/other", "orders", "/orders")
		b.forward("/short", "orders", "/orders")
		b.pull("/short", "own", "")
		b.pull("/jobs", "own", "")
		b.pull("/jobs", "own2", expires)
		b.send("/jobs", "hello").wantHeader("Jitney-Deliveries", "6")
		b.wantCounts("/orders", "Active 3")

		b.call("DELETE", "/orders/$policy", "").want(204)
		for router, ids := range map[string]string{"/jobs": "brief,other,own,own2,short", "/other": "", "/short": "own"} {
			if got := b.ids(router); got != ids {
				b.Errorf("%s has %q, want %q", router, got, ids)
			}
		}
		b.send("/jobs", "hello").wantHeader("Jitney-Deliveries", "5")
		time.Sleep(2 * time.Minute)
		if got := b.ids("/jobs"); got != "other,own" {
			b.Errorf("/jobs has %q", got)
		}
		for _, path := range []string{"/short", "/brief", "/short/subscriptions/own", "/jobs/subscriptions/own2"} {
			b.call("POST", path+"/messages/head?timeout=0", "").want(404)
		}
		b.send("/jobs", "hello").wantHeader("Jitney-Deliveries", "2")
		b.call("DELETE", "/jobs/$policy", "").want(204)
		b.call("POST", "/jobs/subscriptions/own/messages/head?timeout=0", "").want(404)
		b.newRouter("/jobs", "")
		if got := b.ids("/jobs"); got != "" {
			b.Errorf("a new router has %s", got)
		}
		b.call("POST", "/jobs/messages", "nobody").want(202).wantHeader("Jitney-Outcome", "unrouted")
		// A router that was the subscriber of one that has gone stays.
		b.call("GET", "/other", "", "Accept", "application/json").want(200)
	})
}

// [S4]: role and subscriptions in one commit, or nothing.
func TestLinkedSubscriptions(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.newRouter("/news", "")
		b.queue("/plain", "")
		b.call("POST", "/orders", linkedQueue(`"MaxDeliveryCount":3`, "/Jobs", "/news"), "Content-Type", policyType).want(201).
			wantHeader("Location", "/orders/$policy")
		b.call("POST", "/hub", `{"RouterPolicy":{},`+links("subscription", "/jobs")+`}`, "Content-Type", policyType).want(201)
		xml := `<entry xmlns="http://www.w3.org/2005/Atom"><link rel="subscription" href="/hub"/><QueuePolicy xmlns="` + connectNS + `"/></entry>`
		b.call("POST", "/leaf", xml, "Content-Type", entryType).want(201)
		b.send("/jobs", "job")
		b.send("/news", "news")
		b.wantCounts("/orders", "Active 2")
		b.wantCounts("/leaf", "Active 1")
		for _, c := range []struct {
			routers []string
			status  int
			slug    string
		}{
			{[]string{"/jobs", "/none"}, 404, "no-role"},
			{[]string{"/jobs", "/plain"}, 409, "wrong-role"},
			{[]string{"/jobs", "/new"}, 404, "no-role"},
			{[]string{"/jobs", "/"}, 400, "bad-value"},
			{[]string{"/jobs", "/a%2Fb"}, 400, "bad-value"},
			{[]string{"/jobs", "http://localhost/jobs"}, 400, "bad-value"},
			{[]string{"/jobs", ""}, 400, "bad-value"},
			{[]string{"/jobs", "/jobs/subscriptions/x"}, 404, "no-role"},
		} {
			b.wantNoChange(strings.Join(c.routers, " "), func() {
				d := b.call("POST", "/new", linkedQueue("", c.routers...), "Content-Type", policyType).wantProblem(c.status, c.slug)
				if last := c.routers[len(c.routers)-1]; c.status != 400 && !strings.Contains(d.Detail, last) {
					b.Errorf("the detail %q does not say that it is about %s", d.Detail, last)
				}
			})
		}
		b.wantNoChange("too many", func() {
			many := make([]string, 33)
			for i := range many {
				many[i] = "/jobs"
			}
			b.call("POST", "/new", linkedQueue("", many...), "Content-Type", policyType).wantField(400, "bad-value", "link", "/jobs", "at most 32")
		})
		b.wantNoChange("what takes no messages", func() {
			if r := b.call("POST", "/site", `{"MetadataPolicy":{"Address":"https://example.com/"},`+links("subscription", "/jobs")+`}`,
				"Content-Type", policyType); r.status < 400 {
				b.Errorf("a reference was subscribed: %d", r.status)
			}
		})
	})
}

// The same entry again, with another router, does not answer that it is subscribed there. [P4] [S4]
func TestLinkedSubscriptionLater(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.newRouter("/news", "")
		b.call("POST", "/orders", linkedQueue("", "/jobs"), "Content-Type", policyType).want(201)
		b.wantNoChange("the same again", func() {
			b.call("POST", "/orders", linkedQueue("", "/jobs"), "Content-Type", policyType).want(200)
		})
		r := b.call("POST", "/orders", linkedQueue("", "/news"), "Content-Type", policyType)
		b.call("POST", "/news/messages", "hello")
		if r.status < 300 && b.counts("/orders") == "" {
			b.Errorf("answered %d, and /orders is not subscribed at /news", r.status)
		}
	})
}

// [S1] [S3] [S6]: each row is refused, says why, and changes nothing.
func TestBadSubscriptions(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		b.queue("/orders", "")
		b.pull("/jobs", "there", `"MaxInFlight":3`)
		rules := func(n int) string { return strings.TrimSuffix(strings.Repeat("{},", n), ",") }
		property := func(n int) string {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf(`{"Name":"p%d","Value":""}`, i))
			}
			return strings.Join(list, ",")
		}
		for _, c := range []struct{ elements, element, value, want string }{
			{`"MaxInFlight":0`, "MaxInFlight", "0", "from 1 to 100"},
			{`"MaxInFlight":101`, "MaxInFlight", "101", "from 1 to 100"},
			{`"MaxInFlight":"1"`, "MaxInFlight", `"1"`, "JSON number"},
			{`"Address":"/orders"`, "Address", "/orders", "absolute URL"},
			{`"Address":"ftp://example.com/"`, "Address", "ftp://example.com/", "http or https"},
			{`"EndTo":"mailto:a@example.com"`, "EndTo", "mailto:a@example.com", "http or https"},
			{`"ExpirationInstant":"1999-12-31T23:59:59Z"`, "ExpirationInstant", "1999-12-31T23:59:59Z", "after now"},
			{`"LockDuration":"PT0S"`, "LockDuration", "PT0S", "PT1S"},
			{`"MessageDistribution":"One"`, "MessageDistribution", "One", "an element of SubscriptionPolicy"},
			{`"Rule":[{"SqlFilter":"a = "}]`, "SqlFilter", "a = ", "column"},
			{`"Rule":[{"SqlFilter":"sys.Nothing = 1"}]`, "SqlFilter", "sys.Nothing = 1", ""},
			{`"Rule":[{"SqlAction":"DROP TABLE a"}]`, "SqlAction", "DROP TABLE a", ""},
			{`"Rule":[{"SqlAction":"SET a"}]`, "SqlAction", "SET a", ""},
			{`"Rule":[{"SqlFilter":"a = 1","CorrelationFilter":{"Label":"x"}}]`, "CorrelationFilter", "", "one filter"},
			{`"Rule":[{"CorrelationFilter":[{},{}]}]`, "CorrelationFilter", "", "at most 1"},
			{`"Rule":[{"Name":"a"},{"Name":"a"}]`, "Rule", "a", "no other rule"},
			{`"Rule":[{"Name":"` + strings.Repeat("x", 51) + `"}]`, "Name", strings.Repeat("x", 51), "at most 50"},
			{`"Rule":[{"Filter":"a"}]`, "Filter", "a", "an element of Rule"},
			{`"Rule":[` + rules(101) + `]`, "Rule", "", "at most 100"},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a"}]}}]`, "Value", "", ""},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Value":"a"}]}}]`, "Name", "", "the name of a property"},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a","Value":"x","Type":"int"}]}}]`, "Type", "int", "long"},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a","Value":"x","Type":"long"}]}}]`, "Property", "x", "a"},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a","Value":"1.5","Type":"long"}]}}]`, "Property", "1.5", "a"},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a","Value":"yes","Type":"boolean"}]}}]`, "Property", "yes", "a"},
			{`"Rule":[{"CorrelationFilter":{"Property":[{"Name":"a","Value":"1,5","Type":"double"}]}}]`, "Property", "1,5", "a"},
			{`"Rule":[{"CorrelationFilter":{"Property":[` + property(65) + `]}}]`, "Property", "", "at most 64"},
			{`"HttpHeader":[{"Name":"X"}]`, "Value", "", ""},
			{`"HttpHeader":[` + strings.TrimSuffix(strings.Repeat(`{"Name":"X","Value":""},`, 33), ",") + `]`, "HttpHeader", "", "at most 32"},
			{`"Rule":"all"`, "Rule", "all", "elements inside"},
			{`"Rule":null`, "Rule", "null", ""},
			{`"Rule":[[{}]]`, "Rule", "", ""},
		} {
			entry := `{"SubscriptionPolicy":{` + c.elements + `}}`
			b.wantNoChange(c.elements, func() {
				b.subscribe("/jobs", entry).wantField(400, "bad-value", c.element, c.value, c.want)
				if !strings.Contains(c.elements, "MessageDistribution") {
					b.change("/jobs/subscriptions/there", entry).wantField(400, "bad-value", c.element, c.value, c.want)
				}
			})
		}
		for _, c := range []string{`"RequiresSession":true`, `"DefaultStatus":"OnHold"`, `"AutoDeleteOnIdle":"PT1H"`} {
			b.wantNoChange(c, func() {
				b.subscribe("/jobs", `{"SubscriptionPolicy":{`+c+`}}`).wantProblem(400, "not-available-yet")
			})
		}
		b.wantNoChange("other policies", func() {
			b.subscribe("/jobs", `{"QueuePolicy":{}}`).wantField(400, "bad-value", "QueuePolicy", "", "SubscriptionPolicy")
			b.subscribe("/jobs", `{"RouterPolicy":{}}`).wantField(400, "bad-value", "RouterPolicy", "", "SubscriptionPolicy")
			b.subscribe("/jobs", `{"SubscriptionPolicy":{},"QueuePolicy":{}}`).want(400)
			b.subscribe("/jobs", `hello`).want(400)
			b.call("POST", "/new", `{"SubscriptionPolicy":{}}`, "Content-Type", policyType).wantField(400, "bad-value", "SubscriptionPolicy", "", "subscriptions of a router")
			b.call("POST", "/jobs/subscriptions", "hello", "Content-Type", "text/plain").wantProblem(415, "media-type")
			b.call("POST", "/jobs/subscriptions/new", `{"SubscriptionPolicy":{}}`, "Content-Type", policyType).
				wantField(400, "bad-value", "SubscriptionPolicy", "", "subscriptions of a router")
			b.call("POST", "/jobs/subscriptions/new", `{"QueuePolicy":{}}`, "Content-Type", policyType).wantProblem(409, "in-the-way")
		})
	})
}

// Headers of a push are headers: one that is none is refused when it is stated. [S1]
func TestBadHeadersOfPushes(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		for _, c := range []struct{ name, value string }{
			{"X Y", "a"}, {"X:", "a"}, {"é", "a"}, {"X", "a\r\nHost: other"}, {"X", "a\nb"},
		} {
			entry, _ := json.Marshal(map[string]any{"SubscriptionPolicy": map[string]any{
				"Address": "http://127.0.0.1:9/", "HttpHeader": []any{map[string]string{"Name": c.name, "Value": c.value}}}})
			b.wantNoChange(string(entry), func() { b.subscribe("/jobs", string(entry)).wantProblem(400, "bad-value") })
		}
		for _, secret := range []string{"x", "whsec_", "whsec_!", "whsec_AAAA", "whsec_" + strings.Repeat("A", 88)} {
			b.wantNoChange(secret, func() {
				b.subscribe("/jobs", fmt.Sprintf(`{"SubscriptionPolicy":{"Address":"http://127.0.0.1:9/","Secret":%q}}`, secret)).
					wantProblem(400, "bad-value")
			})
		}
	})
}

// [S3]: a router that sends each message to one has rules for durable
// subscriptions only.
func TestRulesOfPushes(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/one", `"MessageDistribution":"One"`)
		b.newRouter("/all", `"MessageDistribution":"All"`)
		b.queue("/orders", "")
		rule := `"Rule":[{"SqlFilter":"a = 1"}]`
		pushed := `"Address":"http://127.0.0.1:9/hook"`
		b.pull("/one", "pulled", rule)
		b.subscribe("/one", `{"SubscriptionPolicy":{"ForwardTo":"/orders",`+rule+`}}`).want(201)
		b.subscribe("/all", `{"SubscriptionPolicy":{`+pushed+`,`+rule+`}}`).want(201)
		b.subscribe("/one", `{"SubscriptionPolicy":{`+pushed+`}}`, "Slug", "pushed").want(201)
		b.wantNoChange("rules", func() {
			b.subscribe("/one", `{"SubscriptionPolicy":{`+pushed+`,`+rule+`}}`).wantProblem(409, "no-rules")
			b.change("/one/subscriptions/pushed", `{"SubscriptionPolicy":{`+pushed+`,`+rule+`}}`).wantProblem(409, "no-rules")
			b.change("/one/subscriptions/pulled", `{"SubscriptionPolicy":{`+pushed+`,`+rule+`}}`).wantProblem(409, "no-rules")
			b.change("/one", `{"RouterPolicy":{"MessageDistribution":"All"}}`).wantProblem(409, "fixed")
		})
	})
}

// A page of a feed ends before it has more than a client reads. [N3]
func TestLargeSubscriptionFeed(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.newRouter("/jobs", "")
		rules := make([]string, policy.MaxRules)
		for i := range rules {
			rules[i] = fmt.Sprintf(`{"Name":"r%d","SqlFilter":"a = %d","SqlAction":"SET b = 1"}`, i, i)
		}
		for i := range 30 {
			b.pull("/jobs", fmt.Sprint("s", i), `"Rule":[`+strings.Join(rules, ",")+`]`)
		}
		seen := 0
		for next := "/jobs/subscriptions"; next != ""; {
			f, err := atom.ParseFeed([]byte(b.call("GET", next, "").want(200).body))
			if err != nil {
				b.Fatal(err)
			}
			seen, next = seen+len(f.Entries), f.Link("next")
		}
		if seen != 30 {
			b.Errorf("%d of 30 subscriptions", seen)
		}
	})
}
