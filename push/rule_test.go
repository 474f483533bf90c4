package push_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/push"
)

func TestParseRule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hooks.example.com": "hooks.example.com", "Hooks.Example.com.": "hooks.example.com", "sink:8080": "sink:8080", "localhost": "localhost",
		"127.0.0.1": "127.0.0.1", "127.0.0.1:9000": "127.0.0.1:9000", "::1": "::1", "[::1]": "::1", "[::1]:80": "[::1]:80",
		"10.1.2.3/8": "10.0.0.0/8", "fc00::/7": "fc00::/7", "0.0.0.0/0": "0.0.0.0/0", "::ffff:10.0.0.1": "10.0.0.1", "my_sink:80": "my_sink:80",
	} {
		rule, err := push.ParseRule(text)
		if err != nil || rule.String() != want {
			t.Errorf("rule %q is %q, %v; want %q", text, rule, err, want)
		}
	}
	for _, text := range []string{
		"", ":", ":80", "a:", "a:0", "a:65536", "a:b", "a:80:80", "[::1", "::1]", "[::1]80", "[::1]:", "[]", "[]:80", "http://a", "a/b", "*.a", "a b",
		"127.1", "0x7f000001", "10.0.0.0/33", "10.0.0.0/8:80", "fe80::1%lo", "::ffff:10.0.0.0/104", "é", "a..b", "-/8",
	} {
		rule, err := push.ParseRule(text)
		if wrong := (*problem.Field)(nil); !errors.As(err, &wrong) {
			t.Errorf("rule %q is %q, %v", text, rule, err)
		}
	}
}

// TestAllow tries each kind of rule on a server on loopback. [S8]
func TestAllow(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	other := "1"
	for name, test := range map[string]struct {
		rule, host string
		reached    bool
		consent    bool // is needed
	}{
		"Host":                 {"loop.test", "loop.test", true, false},
		"HostOtherCase":        {"Loop.Test.", "LOOP.test.", true, false},
		"HostPort":             {"loop.test:" + trap.port, "loop.test", true, false},
		"HostOtherPort":        {"loop.test:" + other, "loop.test", false, true},
		"OtherHost":            {"private.test", "loop.test", false, true},
		"HostByAddress":        {"loop.test", "127.0.0.1", false, true},
		"HostBelow":            {"test", "loop.test", false, true},
		"Address":              {"127.0.0.1", "127.0.0.1", true, false},
		"AddressPort":          {"127.0.0.1:" + trap.port, "127.0.0.1", true, false},
		"AddressOtherPort":     {"127.0.0.1:" + other, "127.0.0.1", false, true},
		"AddressMapped":        {"127.0.0.1", "[::ffff:127.0.0.1]", true, false},
		"AddressByName":        {"127.0.0.1", "loop.test", true, true},
		"Block":                {"127.0.0.0/8", "127.0.0.9", true, false},
		"BlockByName":          {"127.0.0.0/8", "loop.test", true, true},
		"OtherBlock":           {"10.0.0.0/8", "127.0.0.1", false, true},
		"BlockIsNotTranslated": {"127.0.0.0/8", "[64:ff9b::7f00:1]", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, push.Options{Resolver: newResolver(t, zoneOfTraps)}, test.rule)
			url := "http://" + net.JoinHostPort(test.host, trap.port)
			if test.host[0] == '[' {
				url = "http://" + test.host + ":" + trap.port
			}
			r := send(c, url)
			if reached := r.Verdict == push.Delivered; reached != test.reached || !reached && !errors.Is(r.Err, push.ErrAddress) {
				t.Errorf("push: %+v, want reached %t", r, test.reached)
			}
			if needs := c.NeedsConsent(url); needs != test.consent {
				t.Errorf("needs consent %t, want %t", needs, test.consent)
			}
			if err := c.Consent(context.Background(), push.Endpoint{URL: url, Timeout: long}); (err == nil) != test.reached {
				t.Errorf("consent: %v, want reached %t", err, test.reached)
			}
		})
	}
}
