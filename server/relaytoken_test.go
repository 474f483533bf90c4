package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sas is a token as clients make it; nobody checks its signature yet.
func sas(until time.Time) string {
	return fmt.Sprintf("SharedAccessSignature sr=http%%3A%%2F%%2Flocalhost%%2Fwiki&sig=c2ln&se=%d&skn=Root", until.Unix())
}

// [L1] A token has to be one, and in force, wherever it is given.
func TestRelayTokens(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.echo("/wiki")
		soon := time.Now().Add(time.Minute)
		for name, c := range map[string]struct {
			token  string
			status int
		}{
			"in force":            {sas(soon), 200},
			"for ever":            {sas(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)), 200},
			"not the relay's":     {"Bearer x", 200},
			"ended":               {sas(time.Now().Add(-time.Second)), 401},
			"ends now":            {sas(time.Now()), 401},
			"no parts":            {"SharedAccessSignature x", 401},
			"no signature":        {strings.Replace(sas(soon), "&sig=c2ln", "", 1), 401},
			"two ends":            {sas(soon) + "&se=99999999999", 401},
			"two resources":       {sas(soon) + "&sr=x", 401},
			"bad escapes":         {sas(soon) + "%zz", 401},
			"negative end":        {strings.Replace(sas(soon), "se=", "se=-", 1), 401},
			"an end in words":     {strings.Replace(sas(soon), "se=", "se=x", 1), 401},
			"an end that is vast": {strings.Replace(sas(soon), "se=", "se=99999999999999999999", 1), 401},
		} {
			for _, given := range []func() reply{
				func() reply { return b.call("GET", "/wiki", "", "ServiceBusAuthorization", c.token) },
				func() reply { return b.call("GET", "/wiki", "", "Authorization", c.token) },
				func() reply { return b.call("GET", "/wiki?sb-hc-token="+url.QueryEscape(c.token), "") },
				func() reply {
					return b.call("POST", "/wiki?Sb-Hc-Action=oneway&SB-HC-TOKEN="+url.QueryEscape(c.token), "")
				},
			} {
				r := given()
				if r.status == 202 {
					r.status = 200
				}
				if r.status != c.status || c.status == 401 && !strings.Contains(r.body, "urn:jitney:problem:bad-token") {
					b.Errorf("%s: %d %s", name, r.status, r.body)
				}
			}
			if c.status == 401 {
				b.refused("/$hc/wiki?sb-hc-action=connect", "ServiceBusAuthorization", c.token).wantProblem(401, "bad-token")
				b.refused(listenPath("/wiki"), "ServiceBusAuthorization", c.token).wantProblem(401, "bad-token")
				b.refused(listenPath("/wiki")+"&sb-hc-token="+url.QueryEscape(c.token)).wantProblem(401, "bad-token")
			}
		}
		b.call("GET", "/wiki?sb-hc-token=a&sb-hc-token=b", "").wantProblem(400, "bad-value")
		synctest.Wait() // the listener may still answer one-way requests
		l.close(1000, "")
		others.wantWorking()
	})
}

// [L1] The relay's credential is not for the other end.
func TestRelayHidesTokens(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		token := sas(time.Now().Add(time.Hour))
		for _, headers := range [][]string{{"Authorization", token}, {"ServiceBusAuthorization", token}} {
			done := b.ask("GET", "/wiki?a&sb-hc-token="+url.QueryEscape(token), "", headers...)
			f := l.next()
			var m told
			decode(b, f.data, &m)
			l.answer(m.Request.ID, 200, "")
			done().want(200)
			pending := b.connecting("/wiki?sb-hc-token="+url.QueryEscape(token), headers...)
			g := l.next()
			decode(b, g.data, &m)
			b.open(m.Accept.Address)
			pending()
			if strings.Contains(f.data+g.data, "SharedAccessSignature") || strings.Contains(f.data+g.data, "skn") {
				b.Errorf("the listener is told %s and %s", f.data, g.data)
			}
		}
	})
}

// [L1] A listener has to go when its token ends, unless it has brought another.
func TestRelayTokenEnds(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		begun := time.Now()
		end := begun.Add(10 * time.Minute)
		l := b.listen("/wiki", "ServiceBusAuthorization", sas(end))
		renewed := b.listen("/wiki", "ServiceBusAuthorization", sas(end))
		shortened := b.open(listenPath("/wiki") + "&sb-hc-token=" + url.QueryEscape(sas(end)))
		ended := b.listen("/wiki", "ServiceBusAuthorization", sas(end))
		renewed.say(`{"renewToken":{"token":%q}}`, sas(end.Add(time.Hour)))
		shortened.say(`{"renewToken":{"token":%q}}`, sas(begun.Add(time.Minute)))
		ended.say(`{"renewToken":{"token":%q}}`, sas(begun.Add(-time.Minute)))
		synctest.Wait()
		wantEnd := func(p *peer, after time.Duration) {
			b.Helper()
			if p.wantClose(1008); !about(time.Since(begun), after) {
				b.Errorf("it was closed after %v, want %v", time.Since(begun), after)
			}
		}
		wantEnd(ended, 0)
		wantEnd(shortened, time.Minute)
		time.Sleep(5 * time.Minute)
		wantEnd(l, 10*time.Minute)
		time.Sleep(time.Hour - time.Minute)
		done := b.ask("GET", "/wiki", "")
		r, _, _ := renewed.request()
		renewed.answer(r.ID, 200, "x")
		done().want(200)
		wantEnd(renewed, 70*time.Minute)
		others.wantWorking()
		b.call("GET", "/wiki", "").wantProblem(502, "no-listener")
	})
}

// [L1] What a listener answers while it is told to go still counts; sockets that are
// joined stay.
func TestRelayTokenEndsGently(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.still(listenPath("/wiki"), "ServiceBusAuthorization", sas(time.Now().Add(20*time.Second)))
		done := b.ask("GET", "/wiki", "")
		_, text, err := l.conn.ReadMessage()
		if err != nil {
			b.Fatal(err)
		}
		var m told
		decode(b, string(text), &m)
		time.Sleep(21 * time.Second)
		l.answer(m.Request.ID, 200, "")
		done().want(200)
		b.call("GET", "/wiki", "").wantProblem(502, "no-listener")
	})
	inBubbleNamed(t, "a socket", func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat", "ServiceBusAuthorization", sas(time.Now().Add(20*time.Second)))
		sender, at := l.join("/chat", "ServiceBusAuthorization", sas(time.Now().Add(20*time.Second)))
		l.wantClose(1008)
		time.Sleep(10 * time.Minute)
		sender.write(textFrame("x"))
		at.want(textFrame("x"))
	})
}
