package namespace_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/namespace"
)

// [N5] A path says for each of its beginnings whether it can be a name.
func TestParsePath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path    string
		longest string
		all     []string
	}{
		{"/", "/", nil},
		{"", "/", nil},
		{"/orders", "/orders", []string{"orders"}},
		{"/Orders/Messages/Head", "/Orders/Messages/Head", []string{"Orders", "Messages", "Head"}},
		{"/orders/$DeadLetterQueue/messages/head", "/orders", []string{"orders", "$DeadLetterQueue", "messages", "head"}},
		{"/orders/%24policy", "/orders", []string{"orders", "$policy"}},
		{"/a%20b/caf%C3%A9/-x/y", "/a b/café", []string{"a b", "café", "-x", "y"}},
		{"/-/livez", "/", []string{"-", "livez"}},
		{strings.Repeat("/a", 32) + "/messages/17/token", strings.Repeat("/a", 32), nil},
	} {
		p, err := namespace.ParsePath(tt.path)
		if err != nil {
			t.Errorf("ParsePath(%q): %v", tt.path, err)
			continue
		}
		if p.Longest().String() != tt.longest || tt.all != nil && !slices.Equal(p.After(0), tt.all) {
			t.Errorf("ParsePath(%q): %s, %q", tt.path, p.Longest(), p.After(0))
		}
	}
}

// [N1] A path keeps to the rules of names but for the reserved beginnings.
func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range malformed {
		p, err := namespace.ParsePath(tt.path)
		if err != nil {
			continue
		}
		if n, err := p.Name(p.Len()); err == nil {
			t.Errorf("ParsePath(%.60q) can be the name %.60s", tt.path, n)
		}
	}
	for _, path := range []string{
		"/a/messages/%00", "/a//head", "/a/$x/", "/a/%2f/%24b", "/a/..%2f",
		"/a" + strings.Repeat("/$", namespace.MaxPathSegments), strings.Repeat("/"+strings.Repeat("a", 128), 12),
	} {
		if p, err := namespace.ParsePath(path); err == nil {
			t.Errorf("ParsePath(%.60q) = %q", path, p.After(0))
		}
	}
}

func TestPathName(t *testing.T) {
	t.Parallel()
	p, err := namespace.ParsePath("/a/B/$DeadLetterQueue/messages")
	if err != nil {
		t.Fatal(err)
	}
	for count, want := range []string{"/", "/a", "/a/B"} {
		if n, err := p.Name(count); err != nil || n.String() != want {
			t.Errorf("Name(%d) = %s, %v", count, n, err)
		}
	}
	for _, count := range []int{3, 4} {
		if n, err := p.Name(count); err == nil || !strings.Contains(err.Error(), "$DeadLetterQueue") {
			t.Errorf("Name(%d) = %s, %v", count, n, err)
		}
	}
	if got := p.After(2); !slices.Equal(got, []string{"$DeadLetterQueue", "messages"}) || p.Len() != 4 {
		t.Errorf("After(2) = %q", got)
	}
}

func BenchmarkParsePath(b *testing.B) {
	for _, path := range []string{"/orders/messages/head", "/tenants/t-42/orders/$DeadLetterQueue/messages/head"} {
		b.Run(path[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := namespace.ParsePath(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
