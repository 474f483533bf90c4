package push_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/push"
)

// TestConsent is what endpoints answer to OPTIONS. [S8]
func TestConsent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string // without HTTP/1.1 and the empty line
		want   string // in the error; empty: consent
	}{
		"Origin":       {"200 OK\r\nWebHook-Allowed-Origin: broker.example", ""},
		"OtherCase":    {"200 OK\r\nwebhook-allowed-origin: Broker.Example", ""},
		"Any":          {"204 No Content\r\nWebHook-Allowed-Origin: *\r\nWebHook-Allowed-Rate: 100", ""},
		"Padded":       {"299 X\r\nWebHook-Allowed-Origin:   *  ", ""},
		"RateGarbage":  {"200 OK\r\nWebHook-Allowed-Origin: *\r\nWebHook-Allowed-Rate: -1e9, often", ""},
		"NoHeader":     {"200 OK\r\nAllow: POST, OPTIONS", "no WebHook-Allowed-Origin; want broker.example or *"},
		"OtherOrigin":  {"200 OK\r\nWebHook-Allowed-Origin: other.example", `"other.example"`},
		"SubOrigin":    {"200 OK\r\nWebHook-Allowed-Origin: a.broker.example", `"a.broker.example"`},
		"Prefix":       {"200 OK\r\nWebHook-Allowed-Origin: broker.example.evil", `"broker.example.evil"`},
		"List":         {"200 OK\r\nWebHook-Allowed-Origin: other, broker.example", "want broker.example or *"},
		"Pattern":      {"200 OK\r\nWebHook-Allowed-Origin: *.example", "want broker.example or *"},
		"Empty":        {"200 OK\r\nWebHook-Allowed-Origin:", `""`},
		"Twice":        {"200 OK\r\nWebHook-Allowed-Origin: *\r\nWebHook-Allowed-Origin: *", "more than once"},
		"Huge":         {"200 OK\r\nWebHook-Allowed-Origin: " + strings.Repeat("x", 10_000), "xxx"},
		"Forbidden":    {"403 Forbidden\r\nWebHook-Allowed-Origin: *", "403 Forbidden to OPTIONS"},
		"NotAllowed":   {"405 Method Not Allowed\r\nAllow: POST", "405 Method Not Allowed to OPTIONS"},
		"Redirect":     {"307 X\r\nLocation: /\r\nWebHook-Allowed-Origin: *", "307"},
		"Gone":         {"410 Gone\r\nWebHook-Allowed-Origin: *", "410 Gone"},
		"Switching":    {"101 X\r\nUpgrade: a\r\nConnection: upgrade\r\nWebHook-Allowed-Origin: *", "101"},
		"CORSOnly":     {"204 OK\r\nAccess-Control-Allow-Origin: *", "no WebHook-Allowed-Origin"},
		"InterimFirst": {"103 E\r\nWebHook-Allowed-Origin: *\r\n\r\nHTTP/1.1 200 OK", "no WebHook-Allowed-Origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, "127.0.0.1:0", reply("HTTP/1.1 "+test.answer+"\r\n\r\n"))
			c := newClient(t, push.Options{}, "127.0.0.1")
			err := c.Consent(context.Background(), push.Endpoint{URL: "http://" + address, Timeout: long})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("consent: %v", err)
			case test.want != "" && (!errors.Is(err, push.ErrConsent) || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 400):
				t.Errorf("consent: %v, want %q", err, test.want)
			}
		})
	}
}

// TestConsentRequest is what endpoints are asked. [S8]
func TestConsentRequest(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		r.ServeHTTP(w, q)
	})
	c := newClient(t, push.Options{Origin: "Broker.Example."}, "127.0.0.1")
	e := push.Endpoint{URL: s.URL + "/a%2Fb?c=d", Header: []push.Header{{"Authorization", "Bearer x"}}, Secret: make([]byte, 24), Timeout: long}
	if err := c.Consent(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	got := r.list[0]
	if got.method != http.MethodOptions || got.uri != "/a%2Fb?c=d" || got.body != "" {
		t.Errorf("%+v", got)
	}
	want := map[string]string{"Webhook-Request-Origin": origin, "Authorization": "Bearer x", "User-Agent": "Jitney"}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.header[name], value)
		}
	}
	if len(got.header) != len(want) {
		t.Errorf("the header has more than it should: %v", got.header)
	}
}

// TestConsentErrors holds that an endpoint that does not answer is told from
// one that does not consent. [S8]
func TestConsentErrors(t *testing.T) {
	t.Parallel()
	c := newClient(t, push.Options{}, "127.0.0.1")
	for name, each := range map[string]func(net.Conn){
		"NeverAnswers":    hold,
		"Closes":          readHead,
		"ContinueForEver": repeat("", "HTTP/1.1 100 Continue\r\n\r\n"),
		"HeaderForEver":   repeat("HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\n", "A: b\r\n"),
		"Garbage":         reply("WebHook-Allowed-Origin: *\r\n\r\n"),
	} {
		startedAt := time.Now()
		e := push.Endpoint{URL: "http://" + listen(t, "127.0.0.1:0", each), Timeout: short}
		if err := c.Consent(context.Background(), e); err == nil || errors.Is(err, push.ErrConsent) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(startedAt); took > short+slack {
			t.Errorf("%s took %v", name, took)
		}
	}
}
