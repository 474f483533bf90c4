package push_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/push"
)

// TestCheckURL [S8]
func TestCheckURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://example.com":                         "http://example.com/",
		"HTTPS://Example.COM.:443/A?b=C":             "https://example.com/A?b=C",
		"http://example.com:80":                      "http://example.com/",
		"http://example.com:0443/":                   "http://example.com:443/",
		"https://example.com:80/":                    "https://example.com:80/",
		"http://example.com:/a":                      "http://example.com/a",
		"http://example.com?":                        "http://example.com/?",
		"https://example.com/a%2Fb/../c?d=%20&e=//f": "https://example.com/a%2Fb/../c?d=%20&e=//f",
		"http://xn--bcher-kva.example/":              "http://xn--bcher-kva.example/",
		"http://sink:8080/hook":                      "http://sink:8080/hook",
		"http://my_sink/":                            "http://my_sink/",
		"http://192.0.2.1/":                          "http://192.0.2.1/",
		"http://[2001:DB8:0::1]:80/":                 "http://[2001:db8::1]/",
		"http://[2001:db8::1]:8080/":                 "http://[2001:db8::1]:8080/",
		"http://[::ffff:192.0.2.1]:8080/":            "http://192.0.2.1:8080/",
		"http://0x7f000001.com/":                     "http://0x7f000001.com/",
		"http://1.example/":                          "http://1.example/",
	} {
		u, err := push.CheckURL(text)
		if err != nil || u.String() != want {
			t.Errorf("%s is %v, %v; want %s", text, u, err, want)
		}
	}
	for _, text := range []string{
		"", "/", "example.com", "example.com:80", "//example.com", "http:example.com", "http:/example.com", "http://", "http:///a", "http://:80/",
		"ftp://example.com", "ws://example.com", "file:///etc/passwd", "javascript:alert(1)", "mailto:a@example.com", "http://user@example.com",
		"http://user:pw@example.com", "http://@example.com", "http://example.com/#", "http://example.com/#a", "http://example.com:0/",
		"http://example.com:65536/", "http://example.com:http/", "http://example.com:-1/", "http://exa mple.com/", "http://example.com/a b",
		"http://example.com/\n", "http://example.com/é", "http://bücher.example/", "http://example.com\\a", "http://a..b/", "http://.a/", "http://-/%zz",
		"http://" + strings.Repeat("a", 64) + ".com/", "http://" + strings.Repeat("a.", 127) + "com/", "http://example.com/" + strings.Repeat("a", 2048),
		"http://[fe80::1%25eth0]/", "http://[::1", "http://127.1/", "http://1/", "http://0x7f/", "http://a.0x1/", "http://1.2.3.4.5/", "http://256.1.1.1/",
	} {
		u, err := push.CheckURL(text)
		if wrong := (*problem.Field)(nil); !errors.As(err, &wrong) || wrong.Element != "URL" || wrong.Want == "" {
			t.Errorf("%q is %v, %v", text, u, err)
		}
	}
}

// TestURLSecrecy holds that a password is not repeated.
func TestURLSecrecy(t *testing.T) {
	t.Parallel()
	if _, err := push.CheckURL("http://user:s3cret@example.com/"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error: %v", err)
	}
}

// FuzzCheckURL holds that what passes is spelled in one way and that nothing
// of it reaches the machine. Names are those of a zone of traps, so that a fuzz
// run asks no name server. [S8]
func FuzzCheckURL(f *testing.F) {
	for _, host := range hosts {
		f.Add("http://" + host + ":{port}/")
	}
	for _, template := range templates {
		f.Add(template)
	}
	trap := newCanary(f)
	c := newClient(f, push.Options{Resolver: newResolver(f, zoneOfTraps)})
	f.Fuzz(func(t *testing.T, template string) {
		text := strings.ReplaceAll(template, "{port}", trap.port)
		u, err := push.CheckURL(text)
		if err != nil {
			if wrong := (*problem.Field)(nil); !errors.As(err, &wrong) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := push.CheckURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%q is %s, and then %v, %v", text, u, again, err)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && push.Refusal(addr) == "" {
			return // somebody else's
		}
		if r := c.Push(context.Background(), push.Endpoint{URL: text, Timeout: long}, "msg_1", order(), nil); r.Sent || r.Err == nil {
			t.Fatalf("%q: %+v", text, r)
		}
		if n := trap.count.Load(); n != 0 {
			t.Fatalf("%q: the canary counted %d connections", text, n)
		}
	})
}
