package server_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/atom"
)

// [L2] Only a name with the policy of a connection point is one.
func TestRelayNeedsAPolicy(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.point("/team/wiki")
		for path, c := range map[string]struct {
			status int
			slug   string
		}{
			"/wiki": {404, "no-role"}, "/team": {404, "no-role"}, "/orders": {409, "wrong-role"}, "": {404, "no-role"}, "/": {404, "no-role"},
			"//wiki": {404, "no-role"}, "/$hc/team/wiki": {404, "no-role"}, "/-/info": {404, "no-role"},
		} {
			for _, action := range []string{"listen", "connect"} {
				b.refused("/$hc"+path+"?sb-hc-action="+action).wantProblem(c.status, c.slug)
			}
			b.call("POST", "/$hc"+path+"?sb-hc-action=oneway", "x").wantProblem(c.status, c.slug)
		}
		b.refused("/orders/x?sb-hc-action=connect").wantProblem(404, "no-role")
		for _, action := range []string{"", "?sb-hc-action=", "?sb-hc-action=Listen", "?sb-hc-action=listen&sb-hc-action=listen", "?sb-hc-action=eat"} {
			b.refused("/$hc/team/wiki"+action).wantProblem(400, "bad-value")
			b.call("GET", "/$hc/team/wiki"+action, "").wantProblem(400, "bad-value")
		}
		for _, action := range []string{"listen", "connect"} {
			b.call("GET", "/$hc/team/wiki?sb-hc-action="+action, "").wantField(400, "bad-value", "Upgrade", "", "websocket")
			b.call("POST", "/$hc/team/wiki?sb-hc-action="+action, "x").wantField(400, "bad-value", "Upgrade", "", "websocket")
		}
		b.call("GET", "/team/wiki", "").wantHeader("Retry-After", "1").wantProblem(502, "no-listener")
		b.wantMetric("jitney_relay_listeners", "0")
	})
}

// [L2] The policy of a connection point is at the point; nothing else is.
func TestRelayLeavesThePolicy(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		b.echo("/wiki")
		b.call("GET", "/wiki/$policy", "").want(200)
		b.call("GET", "/Wiki/$POLICY", "").want(200)
		b.call("POST", "/wiki/$policy", "x").wantProblem(405, "no-method")
		b.call("POST", "/wiki", `{"QueuePolicy":{}}`, "Content-Type", policyType).wantProblem(409, "has-role")
		b.call("POST", "/wiki", "<entry/>", "Content-Type", entryType).want(400)
		b.call("PUT", "/wiki", `{"QueuePolicy":{}}`, "Content-Type", policyType).want(200).wantBody(`PUT /wiki {"QueuePolicy":{}}`)
		b.call("POST", "/wiki/x", `{"QueuePolicy":{}}`, "Content-Type", policyType).want(200).wantBody(`POST /wiki/x {"QueuePolicy":{}}`)
		b.call("DELETE", "/wiki", "").want(200).wantBody("DELETE /wiki ")
		b.call("DELETE", "/wiki/$policy", "").want(204)
		b.call("GET", "/wiki", "").want(200).wantHeader("Content-Type", atom.FeedType)
	})
}

// [L2] As many listeners as the policy says. One too many is held back, so that it
// does not come back at once, again and again.
func TestRelayMaxListeners(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.pointWith("/wiki", `"MaxListeners":2`)
		first, second := b.listen("/wiki"), b.listen("/WIKI")
		start := time.Now()
		late := b.later(func() reply { return b.refused(listenPath("/wiki")) })
		others.wantWorking()
		late().wantHeader("Retry-After", "5").wantProblem(409, "too-many-listeners")
		if took := time.Since(start); !about(took, time.Second) {
			b.Errorf("it was refused after %v", took)
		}
		first.close(1000, "")
		<-first.ended
		synctest.Wait()
		third := b.listen("/wiki")
		b.changePoint("/wiki", `"MaxListeners":1`)
		left := third
		select {
		case <-second.ended:
		case <-third.ended:
			left = second
		}
		go left.work()
		b.call("GET", "/wiki", "").want(200)
		b.refused(listenPath("/wiki")).wantProblem(409, "too-many-listeners")
		others.wantWorking()
		b.wantMetric("jitney_relay_listeners", "2")
	})
}

// [L2] What the status of a policy forbids, for who comes and for who is there.
func TestRelayStatus(t *testing.T) {
	for status, c := range map[string]struct{ listens, relays bool }{
		"Disabled": {}, "SendDisabled": {listens: true}, "ReceiveDisabled": {relays: true}, "Active": {true, true},
	} {
		inBubbleNamed(t, status, func(b *bus) {
			others := b.pair()
			b.point("/wiki")
			l := b.listen("/wiki")
			waiting := b.ask("GET", "/wiki", "")
			r, _, _ := l.request()
			sender, at := l.join("/wiki")
			b.changePoint("/wiki", fmt.Sprintf(`"Status":%q`, status))
			if c.listens {
				b.listen("/wiki").close(1000, "")
				l.answer(r.ID, 200, "")
				waiting().want(200)
			} else {
				l.wantClose(1001)
				waiting().wantProblem(502, "listener-gone")
				b.refused(listenPath("/wiki")).wantProblem(403, "disabled")
			}
			if c.listens || c.relays {
				sender.write(textFrame("x"))
				at.want(textFrame("x"))
			} else {
				sender.wantClose(1001)
				at.wantClose(1001)
			}
			switch {
			case !c.relays:
				b.call("GET", "/wiki", "").wantProblem(403, "disabled")
				b.refused("/wiki").wantProblem(403, "disabled")
				b.call("POST", "/wiki?sb-hc-action=oneway", "").wantProblem(403, "disabled")
			case !c.listens:
				b.call("GET", "/wiki", "").wantProblem(502, "no-listener")
			}
			others.wantWorking()
		})
	}
}

// [L2] With the policy goes all that it let in.
func TestRelayPolicyEnds(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		sender, at := l.join("/wiki")
		waiting := b.ask("GET", "/wiki", "")
		l.request()
		parked := b.later(func() reply { return b.refused("/wiki") })
		l.address()
		b.call("DELETE", "/wiki/$policy", "").want(204)
		waiting().wantProblem(502, "listener-gone") // it may have been done
		parked().wantProblem(404, "no-role")
		for _, p := range []*peer{l, sender, at} {
			p.wantClose(1001)
		}
		b.queue("/wiki", "") // the name is free for another role
		b.send("/wiki", "x")
		others.wantWorking()
		b.wantMetric("jitney_relay_listeners", "1")
		b.wantMetric("jitney_relay_sockets", "1")
		b.wantMetric("jitney_relay_waiting", "0")
	})
}

// [L1] A listener has at most a thousand requests at one time.
func TestRelayInFlight(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		for range 1000 {
			go func() { _, _, _ = b.dialPeer("/wiki") }() // in vain
		}
		synctest.Wait()
		b.call("GET", "/wiki", "").wantHeader("Retry-After", "1").wantProblem(503, "overloaded")
		b.echo("/wiki")
		b.call("GET", "/wiki", "").want(200)
		b.wantMetric("jitney_relay_waiting", "1000")
		l.conn.Close()
		time.Sleep(time.Minute)
		b.wantMetric("jitney_relay_waiting", "0")
	})
}

// [L1] Listeners that are refused and come again at once are kept busy.
func TestRelayRefusals(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		begun := time.Now()
		refused, turnedAway := make(chan time.Duration, 10), make(chan time.Duration, 10)
		for range 10 {
			go func() {
				conn, _, err := b.dialPeer(listenPath("/nowhere"))
				if err != nil {
					refused <- time.Since(begun)
					return
				}
				defer conn.Close()
				if _, _, err = conn.ReadMessage(); websocket.IsCloseError(err, websocket.CloseInternalServerErr) {
					turnedAway <- time.Since(begun)
				}
			}()
		}
		others.wantWorking()
		time.Sleep(10 * time.Second)
		if len(refused) != 3 || len(turnedAway) != 7 {
			b.Errorf("%d were refused, %d turned away", len(refused), len(turnedAway))
		}
		for range len(refused) {
			if took := <-refused; !about(took, time.Second) {
				b.Errorf("one was refused after %v", took)
			}
		}
		for range len(turnedAway) {
			if took := <-turnedAway; !about(took, 5*time.Second) {
				b.Errorf("one was turned away after %v", took)
			}
		}
		b.refused(listenPath("/nowhere")).wantProblem(404, "no-role")
		b.wantMetric("jitney_relay_listeners", "1")
	})
}
