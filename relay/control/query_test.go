package control_test

import (
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/relay/control"
)

// [L1] The relay's own arguments are taken out; the others stay as they were written.
func TestWithoutOwn(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "a": "a", "a=b&c=%20+d&&e;f=%zz": "a=b&c=%20+d&&e;f=%zz", "sb-hc": "sb-hc", "x=sb-hc-id": "x=sb-hc-id", "xsb-hc-id=1": "xsb-hc-id=1",
		"sb-hc-id=1": "", "sb-hc-": "", "SB-HC-Token=x&a": "a", "a&sb-hc-action=connect&b": "a&b", "sb%2dhc%2Did=1&a": "a", "%73b-hc-x&%": "%",
		"a&sb-hc-id=1": "a", "sb-hc-a=1&sb-hc-b=2": "", "+sb-hc-id=1": "+sb-hc-id=1", "100%&sb-hc-id": "100%",
	} {
		if got := control.WithoutOwn(query); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

func FuzzWithoutOwn(f *testing.F) {
	for _, seed := range []string{"a=b&sb-hc-id=1", "sb%2Dhc-x", "%", "a;sb-hc-id=1", "&&", "SB-HC-=%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got := control.WithoutOwn(query)
		if again := control.WithoutOwn(got); again != got || len(got) > len(query) {
			t.Errorf("%q: %q, then %q", query, got, again)
		}
		for argument := range strings.SplitSeq(got, "&") {
			if strings.HasPrefix(strings.ToLower(argument), "sb-hc-id=") {
				t.Errorf("%q: %q is left", query, argument)
			}
		}
	})
}
