package namespace_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/namespace"
)

// [N1] [N2] Whatever is sent: a name keeps its limits, and every way to write
// it down or to take it apart leads back to it.
func FuzzName(f *testing.F) {
	for _, tt := range malformed {
		f.Add(tt.path)
	}
	for _, path := range []string{"/", "/a/B", "/%C3%89", "/E\u0301/\u212a/ı", "/a/$DeadLetterQueue/messages/head"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		checkPath(t, path)
		n, err := namespace.Parse(path)
		if err != nil {
			return
		}
		checkLimits(t, n)
		checkForms(t, n)
		if parent, ok := n.Parent(); ok {
			child, err := parent.Child(n.Base())
			if err != nil || child.String() != n.String() || !child.Equal(n) || !parent.Contains(n) {
				t.Errorf("the child %q of %s is %s, %v", n.Base(), parent, child, err)
			}
		}
	})
}

func checkLimits(t *testing.T, n namespace.Name) {
	t.Helper()
	text := n.String()
	if len(text) > namespace.MaxBytes || len(n.Key()) > namespace.MaxBytes || n.Depth() > namespace.MaxSegments {
		t.Errorf("%q is too long", text)
	}
	if !utf8.ValidString(text) || !utf8.ValidString(n.Key()) || strings.ContainsAny(text, "\x00\r\n\\?#%\u202e\ufeff") {
		t.Errorf("%q has characters that no name has", text)
	}
	for _, s := range n.Segments() {
		if s == "" || s == "." || s == ".." || s[0] == '$' || s[0] == '-' || utf8.RuneCountInString(s) > namespace.MaxCharacters {
			t.Errorf("%q has the segment %q", text, s)
		}
	}
	if strings.Count(n.Key(), "\x00") != n.Depth() {
		t.Errorf("the key of %q is %q", text, n.Key())
	}
}

func checkForms(t *testing.T, n namespace.Name) {
	t.Helper()
	for _, form := range []string{n.Path(), n.String()} {
		if again, err := namespace.Parse(form); err != nil || again.String() != n.String() || again.Key() != n.Key() {
			t.Errorf("%q reads as %q, %v", form, again, err)
		}
	}
	folded, err := namespace.Parse(strings.ReplaceAll(n.Key(), "\x00", "/"))
	if err != nil || folded.Key() != n.Key() {
		t.Errorf("the key %q folds to %q, %v", n.Key(), folded.Key(), err)
	}
	if again, err := namespace.FromSegments(n.Segments()); err != nil || !again.Equal(n) {
		t.Errorf("the segments of %q make %q, %v", n, again, err)
	}
}

func checkPath(t *testing.T, path string) {
	t.Helper()
	p, err := namespace.ParsePath(path)
	n, nameErr := namespace.Parse(path)
	if err != nil {
		if nameErr == nil {
			t.Errorf("%q is a name and no path: %v", path, err)
		}
		return
	}
	whole, err := p.Name(p.Len())
	if (err == nil) != (nameErr == nil) || err == nil && (!whole.Equal(n) || whole.String() != n.String()) {
		t.Errorf("%q: as a path %q, %v; as a name %q, %v", path, whole, err, n, nameErr)
	}
}
