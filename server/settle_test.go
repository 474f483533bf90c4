package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// [R3]
func TestSettle(t *testing.T) {
	inBubble(t, func(b *bus) {
		for _, c := range []struct {
			method, query, counts string
			deliveries            int // of the next delivery, if there is one
		}{
			{"DELETE", "", "", 0},
			{"PUT", "", "Active 1", 2},
			{"PUT", "?disposition=abandon", "Active 1", 2},
			{"PUT", "?delay=5s", "Scheduled 1", 0},
			{"PUT", "?disposition=release", "Active 1", 1},
			{"PUT", "?disposition=defer", "Deferred 1", 0},
			{"PUT", "?disposition=dead-letter&reason=a&description=b", "DeadLetter 1", 0},
			{"PUT", "?disposition=reschedule", "Active 1", 1},
			{"PUT", "?disposition=reschedule&delay=PT5S", "Scheduled 1", 0},
			{"PUT", "?disposition=reschedule&at=2000-01-02T00:00:00Z", "Scheduled 1", 0},
			{"PUT", "?disposition=reschedule&at=1999-01-02T00:00:00Z", "Active 1", 1},
			{"PUT", "?disposition=complete", "", 0},
		} {
			path := "/q" + fmt.Sprint(time.Now().UnixNano())
			time.Sleep(time.Nanosecond)
			b.queue(path, "")
			b.send(path, "x")
			lock := b.receive(path).lock()
			b.wantCounts(path, "Locked 1")
			b.call(c.method, lock+c.query, "").want(200).wantBody("")
			b.wantCounts(path, c.counts)
			// [R4]: the lock is gone, and says why; nothing changes.
			if d := b.call("DELETE", lock, "").wantProblem(410, "lock-lost"); d.Reason != "settled" {
				b.Errorf("%s: reason %q, want settled", c.query, d.Reason)
			}
			b.wantCounts(path, c.counts)
			if c.deliveries == 0 {
				continue
			}
			if p := b.receive(path).properties(); p.DeliveryCount != c.deliveries {
				b.Errorf("%s: delivery count %d, want %d", c.query, p.DeliveryCount, c.deliveries)
			}
			b.call("PUT", lock, "").wantProblem(410, "lock-lost")
			b.wantCounts(path, "Locked 1")
		}
	})
}

// [R3]: arguments that say nothing sensible change nothing.
func TestBadSettlements(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x")
		lock := b.receive("/orders").lock()
		before := b.state()
		long := strings.Repeat("x", 4097)
		for _, c := range []struct{ query, element, value, want string }{
			{"disposition=explode", "disposition", "explode", "abandon, release"},
			{"disposition=Abandon", "disposition", "Abandon", "abandon, release"},
			{"delay=x", "delay", "x", "a duration"},
			{"delay=-1", "delay", "-1", "a duration"},
			{"delay=P200000D", "delay", "P200000D", "2262"},
			{"disposition=defer&delay=5", "delay", "5", "for abandon and reschedule"},
			{"at=2000-01-02T00:00:00Z", "at", "2000-01-02T00:00:00Z", "for reschedule"},
			{"disposition=reschedule&at=noon", "at", "noon", ""},
			{"disposition=reschedule&at=2300-01-02T00:00:00Z", "at", "2300-01-02T00:00:00Z", "2262"},
			{"disposition=reschedule&at=2000-01-02T00:00:00Z&delay=5", "delay", "5", "either"},
			{"reason=a", "reason", "a", "for dead-letter"},
			{"disposition=defer&description=a", "description", "a", "for dead-letter"},
			{"disposition=dead-letter&reason=%ff", "reason", "\ufffd", "UTF-8"},
			{"disposition=dead-letter&reason=" + long, "reason", long[:200] + "…", "4096"},
			{"disposition=dead-letter&disposition=defer", "disposition", "defer", "once"},
		} {
			b.call("PUT", lock+"?"+c.query, "").wantField(400, "bad-value", c.element, c.value, c.want)
		}
		for _, span := range []string{"0", "PT12H0.1S", "x"} {
			d := b.call("POST", lock+"?lock-duration="+span, "").wantProblem(400, "bad-value")
			if d.Element != "lock-duration" || d.Value != span {
				b.Errorf("%s: %+v", span, d)
			}
		}
		if after := b.state(); after != before {
			b.Errorf("the state is now %s, was %s", after, before)
		}
		b.call("PUT", lock+"?disposition=dead-letter&reason="+long[:4096], "").want(200)
	})
}

// [R4] [R5]: whatever is no lock of this queue now.
func TestLostLocks(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.queue("/other", "")
		b.send("/other", "x")
		foreign := b.receive("/other").properties().LockToken
		b.send("/orders", "a")
		expired := b.receive("/orders").lock()
		time.Sleep(61 * time.Second)
		b.send("/orders", "b")
		current := b.receive("/orders").wantBody("a").lock()
		before := b.state()
		for token, reason := range map[string]string{
			foreign:                                "", // it says nothing about this queue
			"00000000-0000-0000-0000-000000000000": "unknown",
			"x":                                    "unknown",
			expired[len(expired)-36:]:              "expired",
			current[len(current)-36:len(current)-2] + "zz": "unknown",
		} {
			for _, method := range []string{"DELETE", "PUT", "POST"} {
				d := b.call(method, "/orders/messages/1/"+token, "").wantProblem(410, "lock-lost")
				if d.Reason == "" || reason != "" && d.Reason != reason {
					b.Errorf("%s %s: reason %q, want %q", method, token, d.Reason, reason)
				}
			}
		}
		if after := b.state(); after != before {
			b.Errorf("the state is now %s, was %s", after, before)
		}
		// Any spelling of the right one is read.
		b.call("POST", current[:len(current)-36]+strings.ToUpper(current[len(current)-36:]), "").want(200)
		b.call("POST", current[:len(current)-36]+"%7B"+current[len(current)-36:]+"%7D", "").want(200)
		b.call("POST", current[:len(current)-36]+strings.ReplaceAll(current[len(current)-36:], "-", ""), "").want(200)
		b.call("DELETE", current[:len(current)-36]+"urn:uuid:"+current[len(current)-36:], "").want(200)
	})
}

// [R4]: a lock past its time is lost, though the message went nowhere.
func TestExpiredLock(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"LockDuration":"PT5S"`)
		b.send("/orders", "x")
		lock := b.receive("/orders").lock()
		time.Sleep(5 * time.Second)
		if d := b.call("DELETE", lock, "").wantProblem(410, "lock-lost"); d.Reason != "expired" {
			b.Errorf("reason %q, want expired", d.Reason)
		}
		b.wantCounts("/orders", "Active 1")
	})
}

// [R3]: renewing begins the lock's time anew.
func TestRenew(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"LockDuration":"PT30S"`)
		b.send("/orders", "x")
		first := b.receive("/orders")
		time.Sleep(20 * time.Second)
		check := func(query string, span time.Duration) {
			r := b.call("POST", first.lock()+query, "").want(200).wantHeader("Content-Type", "application/json")
			var answer struct{ LockedUntilUtc time.Time }
			r.decode(&answer)
			want := time.Now().Add(span)
			if d := answer.LockedUntilUtc.Sub(want).Abs(); d > time.Millisecond {
				b.Errorf("%s: locked until %v, want %v", query, answer.LockedUntilUtc, want)
			}
			if p := r.properties(); p.LockedUntilUtc != answer.LockedUntilUtc.Format("Mon, 02 Jan 2006 15:04:05 GMT") ||
				p.LockToken != first.properties().LockToken {
				b.Errorf("properties %+v", p)
			}
		}
		check("", 30*time.Second)
		check("?lock-duration=PT2M", 2*time.Minute)
		time.Sleep(119 * time.Second)
		b.call("DELETE", first.lock(), "").want(200)
	})
}

// [R3]: many in one commit, with a result for each.
func TestSettleMany(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		var locks []string
		for range 6 {
			b.send("/orders", "x")
			locks = append(locks, b.receive("/orders").header.Get("Location"))
		}
		order := fmt.Sprintf(`[{"lock":%q,"disposition":"complete"},{"lock":%q,"disposition":"abandon","delay":5},
			{"lock":%q,"disposition":"dead-letter","reason":"a","description":"b"},{"lock":"nonsense","disposition":"complete"},
			{"lock":%q,"disposition":"reschedule","delay":"PT5S"},{"lock":%q,"disposition":"defer"},{"lock":%q,"disposition":"complete"}]`,
			locks[0], strings.TrimPrefix(locks[1], "http://localhost"), locks[2][len(locks[2])-36:], locks[3], locks[4], locks[0])
		r := b.call("POST", "/orders/messages/settle", order, "Content-Type", "application/json").want(200).wantHeader("Content-Type", "application/json")
		var results []problem.Document
		r.decode(&results)
		if len(results) != 7 {
			b.Fatalf("%d results: %s", len(results), r.body)
		}
		for i, status := range []int{200, 200, 200, 410, 200, 200, 410} {
			if results[i].Status != status {
				b.Errorf("result %d: %+v, want status %d", i, results[i], status)
			}
		}
		if results[3].Reason != "unknown" || results[6].Reason != "settled" {
			b.Errorf("reasons %q and %q", results[3].Reason, results[6].Reason)
		}
		b.wantCounts("/orders", "Locked 1, Scheduled 2, Deferred 1, DeadLetter 1")
	})
}

// [R3]: an array that cannot be used settles nothing.
func TestBadSettleMany(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x")
		lock := b.receive("/orders").lock()
		good := fmt.Sprintf(`{"lock":%q,"disposition":"complete"}`, lock)
		for _, c := range []struct{ body, element string }{
			{"", "settlements"}, {"{}", "settlements"}, {"[]", "settlements"}, {"[" + good, "settlements"},
			{"[" + good + ",1]", "[1]"},
			{"[" + good + `,{"lock":"a","disposition":"complete","extra":1}]`, "[1]"},
			{"[" + good + `,{"disposition":"complete"}]`, "[1].lock"},
			{"[" + good + `,{"lock":"a"}]`, "[1].disposition"},
			{"[" + good + `,{"lock":"a","disposition":"explode"}]`, "[1].disposition"},
			{"[" + good + `,{"lock":"a","disposition":"defer","delay":1}]`, "[1].delay"},
			{"[" + good + `,{"lock":"a","disposition":"abandon","delay":[]}]`, "[1].delay"},
			{"[" + good + strings.Repeat(`,{"lock":"a","disposition":"defer"}`, 1000) + "]", "settlements"},
		} {
			d := b.call("POST", "/orders/messages/settle", c.body).wantProblem(400, "bad-value")
			if d.Element != c.element || d.Want == "" {
				b.Errorf("%.80s: %+v", c.body, d)
			}
		}
		b.call("POST", "/orders/messages/settle", "["+strings.Repeat(" ", 8<<20)+"]").wantProblem(413, "document-too-large")
		b.wantCounts("/orders", "Locked 1")
		var results []struct{ Status int }
		b.call("POST", "/orders/messages/settle", "["+good+strings.Repeat(`,{"lock":"a","disposition":"defer"}`, 999)+"]").want(200).decode(&results)
		if len(results) != 1000 || results[0].Status != 200 {
			b.Errorf("%d results", len(results))
		}
		_, err := json.Marshal(results)
		if err != nil {
			b.Fatal(err)
		}
	})
}
