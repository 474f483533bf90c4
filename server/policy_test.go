package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
)

func queueEntry(elements string) string {
	return `<entry xmlns="http://www.w3.org/2005/Atom"><QueuePolicy xmlns="` + connectNS + `">` + elements + `</QueuePolicy></entry>`
}

// [P1] [P3] [P4]
func TestAssign(t *testing.T) {
	inBubble(t, func(b *bus) {
		r := b.call("POST", "/Orders/new", queueEntry("<LockDuration>PT30S</LockDuration>"), "Content-Type", entryType).want(201)
		r.wantHeader("Location", "/Orders/new/$policy").wantHeader("Content-Type", atom.EntryType)
		e, err := atom.ParseEntry([]byte(r.body))
		if err != nil {
			b.Fatal(err)
		}
		for rel, href := range map[string]string{
			"self": "/Orders/new/$policy", "edit": "/Orders/new/$policy", "alternate": "/Orders/new", "head": "/Orders/new/messages/head",
		} {
			if got := e.Link(rel); got != href {
				b.Errorf("link %s leads to %q, want %q", rel, got, href)
			}
		}
		p, err := policy.FromEntry(e)
		if q, ok := p.(policy.Queue); err != nil || !ok || q.LockDuration != 30*time.Second || q.MaxDeliveryCount != 10 {
			b.Errorf("policy %+v, %v", p, err)
		}
		tag := r.header.Get("ETag")
		// The same again changes nothing, in whatever form.
		b.call("POST", "/orders/NEW", `{"QueuePolicy":{"LockDuration":"PT30.0S"}}`, "Content-Type", policyType).want(200).
			wantHeader("Location", "/Orders/new/$policy").wantHeader("ETag", tag).wantHeader("Content-Type", policyType)
		// Another one has to be changed where it is.
		r = b.call("POST", "/orders/new", queueEntry("<LockDuration>PT31S</LockDuration>"), "Content-Type", entryType)
		r.wantHeader("Location", "/Orders/new/$policy").wantProblem(409, "has-role")
		b.call("GET", "/orders/new/$policy", "").want(200).wantHeader("ETag", tag)
		// What GET answers can be POSTed elsewhere as it is.
		copied := b.call("GET", "/orders/new/$policy", "").body
		b.call("POST", "/copy", copied, "Content-Type", entryType).want(201)
		twin := b.call("GET", "/orders/new/$policy", "", "Accept", "application/json").body
		b.call("POST", "/twin", twin, "Content-Type", policyType+"; charset=UTF-8").want(201)
	})
}

// [P1]: the type decides, not the role.
func TestAssignOrSend(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for _, c := range []struct {
			path, contentType string
			status            int
		}{
			{"/orders", "application/atom+xml;type=entry", 200},
			{"/orders", "Application/Atom+XML; TYPE=\"Entry\"; charset=utf-8", 200},
			{"/orders/messages", "application/atom+xml;type=entry", 201},
			{"/orders", "application/atom+xml;type=feed", 201},
			{"/orders", "application/atom+xml", 201},
			{"/orders", "application/xml", 201},
			{"/orders", "text/plain", 201},
			{"/orders", "", 201},
		} {
			b.call("POST", c.path, queueEntry(""), "Content-Type", c.contentType).want(c.status)
		}
		b.wantCounts("/orders", "Active 6")
		b.call("POST", "/orders", `{"message":1}`, "Content-Type", policyType).wantProblem(400, "bad-value")
		b.call("POST", "/orders", `<entry xmlns="http://www.w3.org/2005/Atom"/>`, "Content-Type", entryType).
			wantField(400, "bad-value", "entry", "", "one policy")
		d := b.call("POST", "/free", "hello", "Content-Type", "text/plain").wantProblem(404, "no-role")
		if !strings.Contains(d.Detail, "/free") || !strings.Contains(d.Detail, "atom+xml") {
			b.Errorf("detail %q does not help", d.Detail)
		}
		b.call("POST", "/", queueEntry(""), "Content-Type", entryType).wantField(400, "bad-value", "name", "/", "below the root")
	})
}

// [P2]: XML and values; each row is refused and nothing changes.
func TestBadPolicies(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		before := b.state()
		huge := strings.Repeat("9", 1_000_000)
		for _, c := range []struct{ elements, element, value, want string }{
			{"<LockDuration>PT0S</LockDuration>", "LockDuration", "PT0S", "PT1S"},
			{"<LockDuration>-PT1S</LockDuration>", "LockDuration", "-PT1S", "PT1S"},
			{"<LockDuration>PT12H1S</LockDuration>", "LockDuration", "PT12H1S", "PT12H"},
			{"<LockDuration>P10675199DT2H48M5.4775807S</LockDuration>", "LockDuration", "P10675199DT2H48M5.4775807S", "PT12H"},
			{"<LockDuration>30</LockDuration>", "LockDuration", "30", "PT1S"},
			{"<LockDuration>P1Y</LockDuration>", "LockDuration", "P1Y", "PT1S"},
			{"<LockDuration/>", "LockDuration", "", "PT1S"},
			{"<DefaultMessageTimeToLive>PT0S</DefaultMessageTimeToLive>", "DefaultMessageTimeToLive", "PT0S", "PT1S"},
			{"<MaxDeliveryCount>0</MaxDeliveryCount>", "MaxDeliveryCount", "0", "1"},
			{"<MaxDeliveryCount>-1</MaxDeliveryCount>", "MaxDeliveryCount", "-1", "1"},
			{"<MaxDeliveryCount>2147483648</MaxDeliveryCount>", "MaxDeliveryCount", "2147483648", "1000000"},
			{"<MaxDeliveryCount>NaN</MaxDeliveryCount>", "MaxDeliveryCount", "NaN", "1"},
			{"<MaxMessageSizeInKilobytes>102401</MaxMessageSizeInKilobytes>", "MaxMessageSizeInKilobytes", "102401", "102400"},
			{"<EnqueueTimeout>PT61S</EnqueueTimeout>", "EnqueueTimeout", "PT61S", "PT1M"},
			{"<Overflow>Explode</Overflow>", "Overflow", "Explode", "RejectIncomingMessage"},
			{"<LockDuration>PT1S</LockDuration><LockDuration>PT1S</LockDuration>", "LockDuration", "PT1S", "once"},
			{"<LockDurations>PT1S</LockDurations>", "LockDurations", "PT1S", "an element of QueuePolicy"},
			{`<LockDuration xmlns="urn:other">PT1S</LockDuration>`, "LockDuration", "urn:other", "namespace"},
			{`<LockDuration xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>`, "LockDuration", "xsi:nil", "a value"},
			{"<ExpirationInstant>1999-12-31T23:59:59Z</ExpirationInstant>", "ExpirationInstant", "1999-12-31T23:59:59Z", "after now"},
		} {
			b.call("POST", "/new", queueEntry(c.elements), "Content-Type", entryType).
				wantField(400, "bad-value", c.element, c.value, c.want)
		}
		for _, c := range []string{"<RequiresSession>true</RequiresSession>", "<Index>$.a</Index>", "<DefaultStatus>OnHold</DefaultStatus>",
			"<PoisonMessageDrop>http://example.com/</PoisonMessageDrop>", "<Authorization>NotRequired</Authorization>"} {
			b.call("POST", "/new", queueEntry(c), "Content-Type", entryType).wantProblem(400, "not-available-yet")
		}
		for name, document := range map[string]string{
			"empty":        "",
			"text":         "hello",
			"html":         "<html><body/></html>",
			"truncated":    queueEntry("")[:80],
			"second root":  queueEntry("") + queueEntry(""),
			"dtd":          `<!DOCTYPE entry [<!ENTITY a "b">]>` + queueEntry("<UserMetadata>&a;</UserMetadata>"),
			"latin1":       `<?xml version="1.0" encoding="iso-8859-1"?>` + queueEntry(""),
			"utf-7":        `<?xml version="1.0" encoding="utf-7"?>` + queueEntry(""),
			"utf-16":       "\xff\xfe<\x00e\x00",
			"feed":         `<feed xmlns="http://www.w3.org/2005/Atom"/>`,
			"no namespace": "<entry><QueuePolicy/></entry>",
			"wrong policy": `<entry xmlns="http://www.w3.org/2005/Atom"><QueuePolicy xmlns="urn:x"/></entry>`,
			"two policies": `<entry xmlns="http://www.w3.org/2005/Atom"><QueuePolicy xmlns="` + connectNS + `"/><QueuePolicy xmlns="` + connectNS + `"/></entry>`,
			"deep":         strings.Repeat("<a>", 30_000),
			"attributes":   `<entry xmlns="http://www.w3.org/2005/Atom" a="1" a="2"/>`,
		} {
			d := b.call("POST", "/new", document, "Content-Type", entryType).wantProblem(400, "bad-value")
			if d.Element == "" || d.Want == "" {
				b.Errorf("%s: %+v does not say what is wanted", name, d)
			}
		}
		for _, document := range []string{"", "{", "[]", "null", `{"QueuePolicy":null}`, `{"QueuePolicy":{"LockDuration":30}}`, `{"QueuePolicy":{}}{}`,
			`{"QueuePolicy":{"LockDuration":"PT1S","LockDuration":"PT2S"}}`, `{"Queue":{}}`} {
			b.call("POST", "/new", document, "Content-Type", policyType).wantProblem(400, "bad-value")
		}
		b.call("POST", "/new", queueEntry("<MaxQueueLength>"+huge+"</MaxQueueLength>"), "Content-Type", entryType).wantProblem(413, "document-too-large")
		b.call("POST", "/new", `<entry xmlns="http://www.w3.org/2005/Atom"><ConnectionPointPolicy xmlns="`+connectNS+`"><RequiresClientAuthorization>false</RequiresClientAuthorization></ConnectionPointPolicy></entry>`, "Content-Type", entryType).
			wantProblem(400, "not-available-yet")
		if after := b.state(); after != before {
			b.Errorf("the state is now %s, was %s", after, before)
		}
	})
}

// [P2]: what is cut off anywhere is refused.
func TestTruncatedPolicy(t *testing.T) {
	inBubble(t, func(b *bus) {
		whole := queueEntry("<LockDuration>PT30S</LockDuration>")
		for i := range len(whole) {
			b.call("POST", "/new", whole[:i], "Content-Type", entryType).wantProblem(400, "bad-value")
		}
		b.call("GET", "/new/$policy", "").wantProblem(404, "no-role")
	})
}

// [P1]: a document of at most 256 KiB, not compressed, in UTF-8.
func TestPolicyDocuments(t *testing.T) {
	inBubble(t, func(b *bus) {
		pad := func(size int) string {
			e := queueEntry("")
			return e + strings.Repeat(" ", size-len(e))
		}
		b.call("POST", "/a", pad(256<<10), "Content-Type", entryType).want(201)
		b.call("POST", "/b", pad(256<<10+1), "Content-Type", entryType).wantProblem(413, "document-too-large")
		r := b.request("POST", "/b", endless{}, "Content-Type", entryType) // chunked
		b.do(r).wantProblem(413, "document-too-large")
		b.call("POST", "/b", "\x1f\x8b", "Content-Type", entryType, "Content-Encoding", "gzip").
			wantField(415, "media-type", "Content-Encoding", "gzip", "identity")
		b.call("POST", "/b", queueEntry(""), "Content-Type", entryType+";charset=utf-16").
			wantField(415, "media-type", "charset", "utf-16", "utf-8")
		b.call("POST", "/b", queueEntry(""), "Content-Type", entryType, "Content-Encoding", "identity").want(201)
		b.call("PUT", "/b/$policy", queueEntry(""), "Content-Type", "text/xml", "If-Match", "*").
			wantField(415, "media-type", "Content-Type", "text/xml", entryType)
	})
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// [P3]
func TestChangePolicy(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		first := b.call("GET", "/orders/$policy", "").want(200).header.Get("ETag")
		b.call("HEAD", "/orders/$policy", "").want(200).wantHeader("ETag", first).wantBody("")
		for _, none := range []string{first, "*", `"x", ` + first, "W/" + first} {
			b.call("GET", "/orders/$policy", "", "If-None-Match", none).want(304).wantHeader("ETag", first).wantBody("")
		}
		b.call("GET", "/orders/$policy", "", "If-None-Match", `"x"`).want(200)

		change := func(elements string, headers ...string) reply {
			return b.call("PUT", "/orders/$policy", queueEntry(elements), append(headers, "Content-Type", entryType)...)
		}
		change("<LockDuration>PT9S</LockDuration>").wantField(428, "if-match-required", "If-Match", "", first)
		change("<LockDuration>PT9S</LockDuration>", "If-Match", `"x"`).wantHeader("ETag", first).wantProblem(412, "stale")
		change("<LockDuration>PT9S</LockDuration>", "If-Match", "W/"+first).wantProblem(412, "stale")
		second := change("<LockDuration>PT9S</LockDuration>", "If-Match", `"x", `+first).want(200).header.Get("ETag")
		if second == first || second == "" {
			b.Errorf("the tag stays %s after a change", second)
		}
		change("", "If-Match", first).wantHeader("ETag", second).wantProblem(412, "stale")
		change("<LockDuration>PT9S</LockDuration>", "If-Match", second).want(200).wantHeader("ETag", second)
		change("<LockDuration>PT8S</LockDuration>", "If-Match", "*").want(200)
		change("<LockDuration>PT0S</LockDuration>", "If-Match", "*").wantField(400, "bad-value", "LockDuration", "PT0S", "PT1S")
		b.call("PUT", "/orders/$policy", `{"MetadataPolicy":{"Address":"https://example.com/"}}`, "Content-Type", policyType, "If-Match", "*").
			wantProblem(409, "fixed")
		b.send("/orders", "x")
		if until := b.receive("/orders").properties().LockedUntilUtc; until != time.Now().UTC().Add(8*time.Second).Format(time.RFC1123[:25])+" GMT" {
			b.Errorf("locked until %s at %s under a policy of 8 s", until, time.Now().UTC())
		}

		b.call("DELETE", "/orders/$policy", "", "If-Match", first).wantProblem(412, "stale")
		b.call("DELETE", "/orders/$policy", "").want(204).wantBody("")
		for _, method := range []string{"GET", "DELETE", "PUT"} {
			b.call(method, "/orders/$policy", queueEntry(""), "Content-Type", entryType, "If-Match", "*").wantProblem(404, "no-role")
		}
		b.call("POST", "/orders/messages", "x").wantProblem(404, "no-role")
		// The name can be used again; nothing is left.
		b.queue("/orders", "")
		b.wantCounts("/orders", "")
	})
}

// [P3]: who waits is answered at once when the role is taken away.
func TestUnassignAnswersWaiters(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		start := time.Now()
		waiting := b.later(func() reply { return b.call("POST", "/orders/messages/head?timeout=300", "") })
		b.queue("/full", `"MaxQueueLength":1,"EnqueueTimeout":"PT1M"`)
		b.send("/full", "x")
		held := b.later(func() reply { return b.call("POST", "/full", "x") })
		time.Sleep(time.Second)
		b.call("DELETE", "/orders/$policy", "").want(204)
		b.call("DELETE", "/full/$policy", "").want(204)
		waiting().wantProblem(404, "no-role")
		held().wantProblem(404, "no-role")
		if took := time.Since(start); took > 2*time.Second {
			b.Errorf("they were answered after %v", took)
		}
	})
}

// later makes a call in another goroutine; the result waits for its end.
func (b *bus) later(call func() reply) (result func() reply) {
	done := make(chan reply, 1)
	go func() { done <- call() }()
	return func() reply { return <-done }
}

// [P5] [P3]
func TestExpiryAndRenewal(t *testing.T) {
	inBubble(t, func(b *bus) {
		expires := func(in time.Duration) string {
			return fmt.Sprintf("<ExpirationInstant>%s</ExpirationInstant>", time.Now().Add(in).UTC().Format(time.RFC3339))
		}
		b.call("POST", "/short", queueEntry(expires(time.Minute)), "Content-Type", entryType).want(201)
		time.Sleep(50 * time.Second)
		r := b.call("PUT", "/short/$policy", queueEntry(expires(time.Minute)), "Content-Type", entryType, "If-Match", "*").want(200)
		if granted := time.Now().Add(time.Minute).UTC().Format(time.RFC3339); !strings.Contains(r.body, granted) {
			b.Errorf("the answer does not say that %s was granted: %s", granted, r.body)
		}
		waiting := b.later(func() reply { return b.call("POST", "/short/messages/head?timeout=300", "") })
		time.Sleep(59 * time.Second)
		b.call("GET", "/short/$policy", "").want(200)
		time.Sleep(2 * time.Second)
		b.call("GET", "/short/$policy", "").wantProblem(404, "no-role")
		waiting().wantProblem(404, "no-role")
	})
}

// [P2]: a metadata policy refers to something elsewhere.
func TestMetadata(t *testing.T) {
	inBubble(t, func(b *bus) {
		r := b.call("POST", "/about", `{"MetadataPolicy":{"Address":"https://example.com/x","Metadata":"us"}}`, "Content-Type", policyType).want(201)
		r.wantHeader("Location", "/about/$policy")
		b.call("GET", "/about", "").want(303).wantHeader("Location", "https://example.com/x")
		b.call("HEAD", "/about", "", "Accept", "text/html,*/*").want(303)
		b.call("GET", "/about", "", "Accept", "application/atom+xml").want(200).wantHeader("Content-Type", atom.EntryType)
		b.call("GET", "/about", "", "Accept", "application/json").want(200).wantHeader("Content-Type", "application/json")
		b.call("GET", "/about?below=true", "").want(200).wantHeader("Content-Type", atom.FeedType)
		b.call("GET", "/about/$policy", "").want(200)
		b.call("POST", "/about", "hello").wantProblem(409, "wrong-role")
		b.call("POST", "/about", `{"MetadataPolicy":{}}`, "Content-Type", policyType).wantProblem(400, "bad-value")
		// The words mean nothing below it.
		b.queue("/about/messages", "")
		b.send("/about/messages", "x")
		b.call("GET", "/about/$DeadLetterQueue", "").wantProblem(404, "no-resource")
		b.call("DELETE", "/about/$policy", "").want(204)
		b.call("GET", "/about", "").want(200)
	})
}

// [P2]: where messages move on to.
func TestTargets(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.call("POST", "/a", `{"QueuePolicy":{"ForwardTo":"/nowhere"}}`, "Content-Type", policyType).wantProblem(409, "no-target")
		b.call("POST", "/a", `{"QueuePolicy":{"ForwardTo":"/a"}}`, "Content-Type", policyType).wantProblem(409, "cycle")
		b.queue("/b", "")
		b.queue("/a", `"ForwardTo":"/B"`)
		d := b.call("PUT", "/b/$policy", `{"QueuePolicy":{"ForwardTo":"/a"}}`, "Content-Type", policyType, "If-Match", "*").wantProblem(409, "cycle")
		if !strings.Contains(d.Detail, "/b → /a → /") {
			b.Errorf("detail %q does not show the cycle", d.Detail)
		}
		b.send("/a", "moved")
		b.receive("/b").wantBody("moved")
		b.wantCounts("/a", "")
	})
}
