package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/server"
)

// [N1]: each of these is refused with the segment that is to blame, and
// nothing changes.
func TestBadNames(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		before := b.state()
		long := strings.Repeat("x", 129)
		for _, bad := range []struct{ path, value, want string }{
			{"//", "", "one slash"},
			{"/a//b", "", "one slash"},
			{"/a/", "", "one slash"},
			{"/a/./b", ".", "other than . and .."},
			{"/a/../b", "..", "other than . and .."},
			{"/%2e%2e", "%2e%2e", "other than . and .."},
			{"/%EF%BC%8E%EF%BC%8E", "%EF%BC%8E%EF%BC%8E", "other than . and .."},
			{"/a%2fb", "a%2fb", "slash only between segments"},
			{"/a%5cb", "a%5cb", "characters other than"},
			{"/a%00b", "a%00b", "assigned"},
			{"/a%0d%0ab", "a%0d%0ab", "assigned"},
			{"/%c0%af", "%c0%af", "percent-encoded UTF-8"},
			{"/%ff", "%ff", "percent-encoded UTF-8"},
			{"/%ED%A0%80", "%ED%A0%80", "percent-encoded UTF-8"},
			{"/a%252fb", "a%252fb", "once"},
			{"/a%3Fb", "a%3Fb", "characters other than"},
			{"/a%23b", "a%23b", "characters other than"},
			{"/a%2Ab", "a%2Ab", "characters other than"},
			{"/a%E2%80%AEb", "a%E2%80%AEb", "assigned"},
			{"/a%E2%80%8Db", "a%E2%80%8Db", "assigned"},
			{"/%EF%BB%BFa", "%EF%BB%BFa", "assigned"},
			{"/a%20", "a%20", "space"},
			{"/a.", "a.", "dot at its end"},
			{"/" + long, long, "1–128 characters"},
			{"/-secret", "-secret", "does not begin with $ or -"},
			{"/$secret", "$secret", "does not begin with $ or -"},
			{"/a/$secret/b", "$secret", "does not begin with $ or -"},
		} {
			for _, method := range []string{"GET", "POST"} {
				b.call(method, bad.path, `{"QueuePolicy":{}}`, "Content-Type", policyType).
					wantField(400, "bad-value", "name", bad.value, bad.want)
			}
		}
		for _, many := range []string{strings.Repeat("/s", 33), strings.Repeat("/s", 200), strings.Repeat("/"+long[:100], 20)} {
			d := b.call("POST", many, `{"QueuePolicy":{}}`, "Content-Type", policyType).wantProblem(400, "bad-value")
			if d.Element != "name" || !strings.Contains(d.Want, "at most") {
				b.Errorf("%.20s…: %+v", many, d)
			}
		}
		if after := b.state(); after != before {
			b.Errorf("the names are now %s, were %s", after, before)
		}
	})
}

// [N1]: what cannot be sent by a well-behaved client.
func TestBadTargets(t *testing.T) {
	inBubble(t, func(b *bus) {
		for _, target := range []string{"/a#b", "/a|b", `/a"b`, "/a%", "/a%zz", "*", "a"} {
			r := b.raw("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			if r.status != http.StatusBadRequest {
				b.Errorf("%s: status %d, want 400", target, r.status)
			}
		}
		b.raw("GET /a;x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").want(200) // a name like any other
	})
}

// [N2]
func TestNamesFold(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/Orders/K%C3%B6ln", "")
		for _, same := range []string{"/orders/k%C3%B6ln", "/ORDERS/Ko%CC%88ln", "/orders/%E2%84%AA%C3%96ln"} {
			b.send(same, "x").wantHeader("Location", "/Orders/K%C3%B6ln/messages/"+fmt.Sprint(sent(b)))
		}
		b.call("GET", "/ORDERS/k%C3%B6ln/Messages/Head", "").want(405)
		b.call("POST", "/orders/k%C3%B6ln/MESSAGES/Head?timeout=0", "").want(201)
		b.call("GET", "/orders/k%C3%B6ln/$POLICY", "").want(200)
		b.call("GET", "/orders/k%C3%B6ln/$deadletterQUEUE/messages", "").want(200)
		// The Turkish i is another letter.
		b.queue("/I", "")
		b.call("GET", "/%C4%B1/$policy", "").want(404)
	})
}

// sent counts the messages of /orders/köln: the number of the last one.
func sent(b *bus) int {
	list, _ := b.browse("/orders/k%C3%B6ln/messages")
	return len(list)
}

// [N3]
func TestFeeds(t *testing.T) {
	inBubble(t, func(b *bus) {
		if f := feed(b, "/"); f.Title != "/" || len(f.Entries) != 0 || f.Updated.IsZero() || f.ID == "" || f.Author == "" {
			b.Errorf("the feed of nothing: %+v", f)
		}
		b.queue("/b/c/D", `"LockDuration":"PT5S"`)
		b.queue("/B", "")
		b.queue("/a", "")
		f := feed(b, "/")
		if got := titles(f); got != "/a /B" {
			b.Errorf("names %q, want /a /B", got)
		}
		e := f.Entries[1]
		if e.Link("self") != "/B/$policy" || e.Link("alternate") != "/B" || e.Link("head") != "/B/messages/head" || len(e.Extensions) != 1 {
			b.Errorf("entry %+v", e)
		}
		f = feed(b, "/b?below=true")
		if got := titles(f); got != "/b/c" || len(f.Entries[0].Extensions) != 0 || f.Entries[0].Link("alternate") != "/b/c" {
			b.Errorf("below /b: %+v", f)
		}
		b.call("GET", "/nothing/here", "").want(200).wantHeader("Content-Type", atom.FeedType)
		b.call("HEAD", "/nothing/here", "").want(200).wantBody("")
	})
}

// [N3]: pages of a hundred.
func TestFeedPages(t *testing.T) {
	inBubble(t, func(b *bus) {
		for i := range 201 {
			b.queue(fmt.Sprintf("/many/n%03d", i), "")
		}
		var all []string
		for path := "/many"; path != ""; {
			f := feed(b, path)
			if len(f.Entries) > 100 || f.Link("first") != "/many?below=true" {
				b.Fatalf("%s: %d entries, first %s", path, len(f.Entries), f.Link("first"))
			}
			all = append(all, strings.Fields(titles(f))...)
			path = f.Link("next")
		}
		if len(all) != 201 || all[0] != "/many/n000" || all[200] != "/many/n200" {
			b.Errorf("%d names from %s to %s", len(all), all[0], all[len(all)-1])
		}
	})
}

func feed(b *bus, path string) *atom.Feed {
	b.Helper()
	f, err := atom.ParseFeed([]byte(b.call("GET", path, "", "Accept", "application/atom+xml").want(200).body))
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func titles(f *atom.Feed) string {
	var list []string
	for _, e := range f.Entries {
		list = append(list, e.Title)
	}
	return strings.Join(list, " ")
}

// [N4]
func TestQueueEntry(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for range 4 {
			b.send("/orders", "x")
		}
		b.send("/orders", "x", "BrokerProperties", `{"ScheduledEnqueueTimeUtc":"Sun, 02 Jan 2000 00:00:00 GMT"}`)
		b.call("PUT", b.receive("/orders").lock()+"?disposition=defer", "").want(200)
		b.call("PUT", b.receive("/orders").lock()+"?disposition=dead-letter", "").want(200)
		b.receive("/orders")
		b.wantCounts("/orders", "Active 1, Locked 1, Scheduled 1, Deferred 1, DeadLetter 1")
		r := b.call("GET", "/orders", "").want(200).wantHeader("Content-Type", atom.EntryType)
		e, err := atom.ParseEntry([]byte(r.body))
		if err != nil {
			b.Fatal(err)
		}
		if len(e.Extensions) != 2 || e.Extensions[1].Name.Local != "CountDetails" || len(e.Extensions[1].Children) != 11 {
			b.Errorf("extensions %+v", e.Extensions)
		}
		b.call("HEAD", "/orders", "").want(200).wantBody("")
	})
}

// [N4]: every resource says which methods it has.
func TestMethods(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.call("POST", "/about", `{"MetadataPolicy":{"Address":"https://example.com/"}}`, "Content-Type", policyType).want(201)
		for path, allow := range map[string]string{
			"/":                                 "GET, HEAD, OPTIONS, POST",
			"/free":                             "GET, HEAD, OPTIONS, POST",
			"/orders":                           "GET, HEAD, OPTIONS, POST",
			"/orders/below":                     "GET, HEAD, OPTIONS, POST",
			"/about":                            "GET, HEAD, OPTIONS, POST",
			"/orders/$policy":                   "DELETE, GET, HEAD, OPTIONS, PUT",
			"/about/$policy":                    "DELETE, GET, HEAD, OPTIONS, PUT",
			"/orders/messages":                  "GET, HEAD, OPTIONS, POST",
			"/orders/messages/head":             "DELETE, OPTIONS, POST",
			"/orders/messages/settle":           "OPTIONS, POST",
			"/orders/messages/1":                "DELETE, GET, HEAD, OPTIONS, POST",
			"/orders/messages/1/x":              "DELETE, OPTIONS, POST, PUT",
			"/orders/$DeadLetterQueue":          "GET, HEAD, OPTIONS",
			"/orders/$DeadLetterQueue/messages": "GET, HEAD, OPTIONS",
			"/orders/$Transfer/$DeadLetterQueue/messages/head": "DELETE, OPTIONS, POST",
			"/orders/$DeadLetterQueue/messages/redrive":        "OPTIONS, POST",
			"/-/livez":   "GET, HEAD, OPTIONS",
			"/-/metrics": "GET, HEAD, OPTIONS",
		} {
			b.call("OPTIONS", path, "").want(204).wantHeader("Allow", allow)
			r := b.call("PATCH", path, "{}").wantHeader("Allow", allow)
			r.wantProblem(405, "no-method")
		}
	})
}

// [N5]
func TestSubResources(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for _, unknown := range []string{"/orders/messages/foo", "/orders/messages/1/2/3", "/orders/subscriptions", "/orders/sessions/x",
			"/orders/$foo", "/orders/$Transfer", "/orders/$Transfer/messages", "/orders/$DeadLetterQueue/$DeadLetterQueue",
			"/orders/$policy/x", "/orders/messages/redrive", "/orders/messages/-1"} {
			b.call("GET", unknown, "").wantProblem(404, "no-resource")
			b.call("POST", unknown, "x").wantProblem(404, "no-resource")
		}
		// The words are ordinary names where there is no queue.
		b.call("GET", "/chat/messages", "").want(200).wantHeader("Content-Type", atom.FeedType)
		b.queue("/chat/messages/sessions", "")
		b.send("/chat/messages/sessions", "x")
		for _, none := range []string{"/chat/$policy", "/chat/$DeadLetterQueue", "/chat/$Transfer/$DeadLetterQueue/messages"} {
			b.call("GET", none, "").wantProblem(404, "no-role")
		}
		// A role that would hide a name, or be hidden.
		d := b.call("POST", "/chat", `{"QueuePolicy":{}}`, "Content-Type", policyType).wantProblem(409, "in-the-way")
		if !strings.Contains(d.Detail, "/chat/messages/sessions") {
			b.Errorf("detail %q does not say what is in the way", d.Detail)
		}
		for _, hidden := range []string{"/orders/messages/a", "/orders/subscriptions/a", "/orders/sessions"} {
			d := b.call("POST", hidden, `{"QueuePolicy":{}}`, "Content-Type", policyType)
			if detail := d.wantProblem(409, "in-the-way").Detail; !strings.Contains(detail, "/orders") {
				b.Errorf("detail %q does not say what is in the way", detail)
			}
		}
		// Below a queue there are names, too.
		b.queue("/orders/late/very", "")
		b.send("/orders/late/very", "x")
		b.call("GET", "/orders/late", "").want(200).wantHeader("Content-Type", atom.FeedType)
	})
}

// [N6]
func TestTwins(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"LockDuration":"PT7S"`)
		for _, c := range []struct{ path, accept, contentType string }{
			{"/", "", atom.FeedType},
			{"/", "*/*", atom.FeedType},
			{"/", "text/html, */*;q=0.1", atom.FeedType},
			{"/", "application/json", "application/json"},
			{"/", "application/atom+xml;q=0.5, application/json", "application/json"},
			{"/", "application/json;q=0.5, application/atom+xml", atom.FeedType},
			{"/", "application/json;q=0", atom.FeedType},
			{"/orders", "application/json", "application/json"},
			{"/orders/$policy", "application/json", policyType},
			{"/orders/$policy", policyType, policyType},
			{"/orders/$policy", "", atom.EntryType},
			{"/orders/$DeadLetterQueue", "application/json", "application/json"},
		} {
			var headers []string
			if c.accept != "" {
				headers = []string{"Accept", c.accept}
			}
			b.call("GET", c.path, "", headers...).want(200).wantHeader("Content-Type", c.contentType).wantHeader("Vary", "Accept")
		}
		var twin struct {
			Title       string
			QueuePolicy map[string]any
		}
		b.call("GET", "/orders/$policy", "", "Accept", "application/json").decode(&twin)
		if twin.Title != "/orders" || twin.QueuePolicy["LockDuration"] != "PT7S" || twin.QueuePolicy["MaxDeliveryCount"] != 10.0 {
			b.Errorf("twin %+v", twin)
		}
	})
}

// [N6] [Q5]: a problem has the request's id, the client's if it is one.
func TestRequestIDs(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.call("GET", "/a%2f", "", "X-Request-Id", "shop-1/2").wantHeader("X-Request-Id", "shop-1/2").wantProblem(400, "bad-value")
		seen := map[string]bool{}
		for _, bad := range []string{"", "a b", "<script>", strings.Repeat("x", 129), "ü"} {
			id := b.call("GET", "/", "", "X-Request-Id", bad).header.Get("X-Request-Id")
			if id == bad || id == "" || seen[id] {
				b.Errorf("%q was answered with the id %q", bad, id)
			}
			seen[id] = true
		}
	})
}

// [N7]
func TestHosts(t *testing.T) {
	inBubbleWith(t, server.Options{Hosts: []string{"bus.example", "Other.Example:5300"}}, func(b *bus) {
		for host, status := range map[string]int{
			"localhost": 200, "LOCALHOST:1": 200, "jitney.localhost": 200, "127.0.0.1:5300": 200, "127.1.2.3": 200, "[::1]:80": 200,
			"[::1]": 200, "bus.example": 200, "BUS.example:99": 200, "other.example": 200,
			"evil.example": 421, "localhost.evil.example": 421, "notlocalhost": 421, "10.0.0.1": 421, "[::2]": 421, "127.0.0.1.evil": 421,
			"bus.example.evil": 421, "0.0.0.0": 421, "[::ffff:10.0.0.1]": 421, "localhost:x:1": 421,
		} {
			r := b.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
			if r.status != status && !(status == 421 && r.status == 400) {
				b.Errorf("Host %s: status %d, want %d", host, r.status, status)
			}
		}
		b.raw("GET / HTTP/1.0\r\n\r\n").wantProblem(421, "unknown-host")
	})
}

// [N7]
func TestOrigins(t *testing.T) {
	inBubbleWith(t, server.Options{Origins: []string{"https://shop.example/"}}, func(b *bus) {
		b.queue("/orders", "")
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
			for _, origin := range []string{"https://evil.example", "null", "http://localhost:8080", "https://localhost", "https://shop.example.evil", ""} {
				r := b.call(method, "/orders", "x", "Origin", origin).want(403)
				r.wantHeader("Access-Control-Allow-Origin", "")
			}
		}
		b.wantCounts("/orders", "")
		b.call("POST", "/orders", "x", "Origin", "http://localhost").want(201)
		b.call("POST", "/orders", "x", "Origin", "https://SHOP.example").want(201).
			wantHeader("Access-Control-Allow-Origin", "https://SHOP.example").wantHeader("Vary", "Origin")
		b.call("OPTIONS", "/orders", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "brokerproperties").want(204).
			wantHeader("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS, POST").
			wantHeader("Access-Control-Allow-Headers", "brokerproperties")
		b.call("POST", "/orders", "x", "Origin", "https://shop.example", "Origin", "http://localhost").want(403)
	})
}

// [N7]: what strangers have written is no page of the broker's.
func TestStrangersBytes(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		page := "<script>alert(1)</script>"
		b.send("/orders", page, "Content-Type", "text/html")
		b.call("POST", "/orders", page).want(201)
		for _, path := range []string{"/orders/messages", "/orders/messages/1"} {
			r := b.call("GET", path, "").want(200)
			r.wantHeader("X-Content-Type-Options", "nosniff").wantHeader("Content-Security-Policy", "sandbox")
			r.wantHeader("Content-Type", "application/json")
		}
		r := b.receive("/orders").wantBody(page)
		r.wantHeader("X-Content-Type-Options", "nosniff").wantHeader("Content-Security-Policy", "sandbox")
		b.receive("/orders").wantBody(page).wantHeader("Content-Type", "")
	})
}

// Sockets and sessions wait for later, and say so [R10].
func TestNotAvailableYet(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x")
		before := b.state()
		for _, c := range []struct{ method, path, element string }{
			{"GET", "/orders/sessions", "path"},
			{"GET", "/orders/sessions/state?session-id=a", "path"},
			{"PUT", "/orders/sessions/state?session-id=a", "path"},
			{"POST", "/orders/messages/head?session-id=a", "session-id"},
			{"POST", "/orders/messages/head?session-id=", "session-id"},
			{"POST", "/orders/messages/head?next-session=true", "next-session"},
			{"DELETE", "/orders/messages/head?session-id=a", "session-id"},
			{"GET", "/orders/messages?where=$.a==1", "where"},
			{"GET", "/orders/messages?status=Pending", "status"},
			{"POST", "/orders/$DeadLetterQueue/messages/redrive?where=$.a==1", "where"},
		} {
			d := b.call(c.method, c.path, "").wantProblem(400, "not-available-yet")
			if d.Element != c.element || d.Want == "" {
				b.Errorf("%s %s: %+v", c.method, c.path, d)
			}
		}
		if d := b.call("POST", "/orders?dry-run=true", "x").wantProblem(400, "bad-value"); d.Element != "dry-run" { // [Q6]
			b.Errorf("%+v", d)
		}
		if after := b.state(); after != before {
			b.Errorf("the state is now %s, was %s", after, before)
		}
	})
}
