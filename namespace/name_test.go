package namespace_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/problem"
)

// [N1] What is a name, and how it looks in the three forms.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, text, escaped, key string
	}{
		{"", "/", "/", ""},
		{"/", "/", "/", ""},
		{"a", "/a", "/a", "\x00a"},
		{"/a", "/a", "/a", "\x00a"},
		{"/a/B/c-d_e.f~g:h", "/a/B/c-d_e.f~g:h", "/a/B/c-d_e.f~g:h", "\x00a\x00b\x00c-d_e.f~g:h"},
		{"/%61/%42", "/a/B", "/a/B", "\x00a\x00b"},
		{"/a%20b", "/a b", "/a%20b", "\x00a b"},
		{"/a b", "/a b", "/a%20b", "\x00a b"},
		{"/a;x=1", "/a;x=1", "/a;x=1", "\x00a;x=1"},
		{"/.well-known/x", "/.well-known/x", "/.well-known/x", "\x00.well-known\x00x"},
		{"/a..b/...c", "/a..b/...c", "/a..b/...c", "\x00a..b\x00...c"},
		{"/a$/a-", "/a$/a-", "/a$/a-", "\x00a$\x00a-"},
		{"/caf%C3%A9", "/café", "/caf%C3%A9", "\x00café"},
		{"/café", "/café", "/caf%C3%A9", "\x00café"},
		{"/ΣΊΣΥΦΟΣ", "/ΣΊΣΥΦΟΣ", "/%CE%A3%CE%8A%CE%A3%CE%A5%CE%A6%CE%9F%CE%A3", "\x00σίσυφοσ"},
		{"/\U0001F600", "/\U0001F600", "/%F0%9F%98%80", "\x00\U0001F600"},
	} {
		n, err := namespace.Parse(tt.path)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.path, err)
			continue
		}
		if n.String() != tt.text || n.Path() != tt.escaped || n.Key() != tt.key {
			t.Errorf("Parse(%q) = %q, %q, %q", tt.path, n.String(), n.Path(), n.Key())
		}
	}
}

var malformed = []struct {
	path  string
	value string // the segment that the problem has to name
	want  string // a word of what is wanted
}{
	{"//", "", "1–128"},
	{"/a//b", "", "1–128"},
	{"/a/", "", "1–128"},
	{"/./", ".", "other than . and .."},
	{"/../a", "..", "other than . and .."},
	{"/a/%2e%2e", "%2e%2e", "other than . and .."},
	{"/%2E", "%2E", "other than . and .."},
	{"/\uff0e\uff0e", "\uff0e\uff0e", "other than . and .."},
	{"/a%2fb", "a%2fb", "an encoded one"},
	{"/a%2Fb", "a%2Fb", "an encoded one"},
	{"/%2f", "%2f", "an encoded one"},
	{"/a%5cb", "a%5cb", "other than /"},
	{`/a\b`, `a\b`, "other than /"},
	{"/a%00", "a%00", "control"},
	{"/%0d%0aX:%20y", "%0d%0aX:%20y", "control"},
	{"/%7f", "%7f", "control"},
	{"/%c0%af", "%c0%af", "UTF-8"},
	{"/%ff", "%ff", "UTF-8"},
	{"/\xff", "\xff", "UTF-8"},
	{"/%ed%a0%80", "%ed%a0%80", "UTF-8"},
	{"/%252f", "%252f", "once"},
	{"/a%25", "a%25", "once"},
	{"/a%", "a%", "percent-encoded"},
	{"/a%4", "a%4", "percent-encoded"},
	{"/a%zz", "a%zz", "percent-encoded"},
	{"/a?b", "a?b", "other than /"},
	{"/a%3fb", "a%3fb", "other than /"},
	{"/a%23b", "a%23b", "other than /"},
	{"/a!", "a!", "other than /"},
	{"/a*", "a*", "other than /"},
	{"/a'b", "a'b", "other than /"},
	{`/"a"`, `"a"`, "other than /"},
	{"/<a>", "<a>", "other than /"},
	{"/a|b", "a|b", "other than /"},
	{"/a%E2%80%AEb", "a%E2%80%AEb", "format"},
	{"/a\u202eb", "a\u202eb", "format"},
	{"/a\u200db", "a\u200db", "format"},
	{"/\ufeffa", "\ufeffa", "format"},
	{"/a\u2028b", "a\u2028b", "assigned"},
	{"/a\u0378b", "a\u0378b", "assigned"},
	{"/a\ufffeb", "a\ufffeb", "assigned"},
	{"/a.", "a.", "dot at its end"},
	{"/a...", "a...", "dot at its end"},
	{"/a%20", "a%20", "space"},
	{"/%20a", "%20a", "space"},
	{"/a\u00a0", "a\u00a0", "space"},
	{"/\u3000a", "\u3000a", "space"},
	{"/$deadletterqueue", "$deadletterqueue", "keeps for itself"},
	{"/a/%24policy", "%24policy", "keeps for itself"},
	{"/-/livez", "-", "keeps for itself"},
	{"/a/-b", "-b", "keeps for itself"},
	{"/" + strings.Repeat("a", 129), strings.Repeat("a", 129), "1–128"},
	{"/" + strings.Repeat("a", 261), "", "1–128"},
	{"/" + strings.Repeat("é", 129), "", "1–128"},
	{"/" + strings.Repeat("a", 4097), "", "1–128"},
	{strings.Repeat("/a", 33), strings.Repeat("/a", 33), "32 segments"},
	{strings.Repeat("/a", 200), "", "32 segments"},
	{strings.Repeat("/%61", 200), "", "32 segments"},
	{strings.Repeat("/"+strings.Repeat("a", 127), 8) + "/b", "", "1,024 bytes"},
	{strings.Repeat("/"+strings.Repeat("é", 128), 4), "", "1,024 bytes"},
	{strings.Repeat("/"+strings.Repeat("Ⱥ", 126), 4), "", "1,024 bytes"},
}

// [N1] Whatever is not a name is refused, and the problem names the segment.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range malformed {
		_, err := namespace.Parse(tt.path)
		var f *problem.Field
		if !errors.As(err, &f) {
			t.Errorf("Parse(%.60q) = %v, want a *problem.Field", tt.path, err)
			continue
		}
		if f.Element != "name" || !strings.Contains(f.Want, tt.want) || tt.value != "" && f.Value != tt.value {
			t.Errorf("Parse(%.60q): %v, want %.60q blamed with %q", tt.path, err, tt.value, tt.want)
		}
	}
}

// [N1] The limits themselves are names.
func TestParseLimits(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/" + strings.Repeat("a", 128),
		"/" + strings.Repeat("é", 128),
		"/" + strings.Repeat("%C3%A9", 128),
		strings.Repeat("/a", 32),
		strings.Repeat("/"+strings.Repeat("a", 127), 8),
	} {
		if _, err := namespace.Parse(path); err != nil {
			t.Errorf("Parse(%.60q): %v", path, err)
		}
	}
}

// [N2] Names compare without regard to case and to how a letter is composed.
func TestEqual(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b  string
		equal bool
	}{
		{"/Orders/EU", "/orders/eu", true},
		{"/\u212a", "/k", true},            // Kelvin sign
		{"/\u212b", "/\u00e5", true},       // Angstrom sign and å
		{"/\u00e9", "/E\u0301", true},      // é in both forms
		{"/\u1e9b", "/\u1e60", true},       // long s with a dot
		{"/ς", "/Σ", true},                 // final sigma
		{"/\u00b5", "/\u03bc", true},       // micro sign and mu
		{"/\u1fb3", "/α\u0345", true},      // iota below, composed or not
		{"/α\u0345\u0301", "/ᾴ", true},     // marks in another order
		{"/\uac00", "/\u1100\u1161", true}, // Hangul syllable and its letters
		{"/Ꭰ", "/ꭰ", true},                 // Cherokee
		{"/ǅ", "/ǆ", true},                 // title case
		{"/ı", "/i", false},                // dotless i
		{"/ı", "/I", false},
		{"/İ", "/i", false}, // capital i with a dot
		{"/İ", "/I\u0307", true},
		{"/ß", "/ss", false}, // simple folding keeps lengths
		{"/ß", "/ẞ", true},
		{"/ﬁ", "/fi", false}, // compatibility forms are names of their own
		{"/ａ", "/a", false},
		{"/a", "/b", false},
		{"/a/b", "/a", false},
	} {
		a, b := namespace.MustParse(tt.a), namespace.MustParse(tt.b)
		if a.Equal(b) != tt.equal || (a.Compare(b) == 0) != tt.equal || (a.Key() == b.Key()) != tt.equal {
			t.Errorf("%s equals %s: want %v; keys %+q %+q", tt.a, tt.b, tt.equal, a.Key(), b.Key())
		}
	}
}

// [N2] For every character: all its cases fold to the same, what they fold to
// keeps its form, and it is a character that a name may have.
func TestFoldEveryCharacter(t *testing.T) {
	t.Parallel()
	for c := range rune(unicode.MaxRune + 1) {
		if !unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) {
			continue
		}
		folded := namespace.FoldSegment(string(c))
		if again := namespace.FoldSegment(folded); again != folded {
			t.Fatalf("%U folds to %+q and then to %+q", c, folded, again)
		}
		if other := namespace.FoldSegment(string(unicode.SimpleFold(c))); other != folded {
			t.Fatalf("%U folds to %+q, %U to %+q", c, folded, unicode.SimpleFold(c), other)
		}
		n, err := namespace.FromSegments([]string{"x" + string(c) + "x"})
		if err != nil {
			continue
		}
		if _, err := namespace.Parse(strings.ReplaceAll(n.Key(), "\x00", "/")); err != nil {
			t.Fatalf("the key of %s is no name: %v", n, err)
		}
	}
}

// [N2] Marks behind a letter do not keep a segment from coming to rest.
func TestFoldMarks(t *testing.T) {
	t.Parallel()
	var marks []rune
	for c := range rune(0x3100) {
		if unicode.Is(unicode.M, c) {
			marks = append(marks, c)
		}
	}
	for _, base := range "aαιωſKİµ가ᾳΐ=" {
		for _, mark := range marks {
			for _, s := range []string{string(base) + string(mark), string(base) + "\u0345" + string(mark), string(base) + string(mark) + "\u0301"} {
				folded := namespace.FoldSegment(s)
				if again := namespace.FoldSegment(folded); again != folded {
					t.Fatalf("%+q folds to %+q and then to %+q", s, folded, again)
				}
			}
		}
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	n := namespace.MustParse("/A/É/c")
	if got := n.Segments(); !slices.Equal(got, []string{"A", "É", "c"}) {
		t.Errorf("Segments = %q", got)
	}
	if n.Base() != "c" || n.Depth() != 3 || n.IsRoot() {
		t.Errorf("Base %q, Depth %d, IsRoot %v", n.Base(), n.Depth(), n.IsRoot())
	}
	for count, want := range []string{"/", "/A", "/A/É", "/A/É/c"} {
		p := n.Prefix(count)
		if p.String() != want || p.Depth() != count || !p.Equal(namespace.MustParse(want)) {
			t.Errorf("Prefix(%d) = %s, %q", count, p, p.Key())
		}
		if !p.Contains(n) || n.Contains(p) != (count == 3) {
			t.Errorf("%s contains %s: %v, back %v", p, n, p.Contains(n), n.Contains(p))
		}
	}
	parent, ok := n.Parent()
	if !ok || parent.String() != "/A/É" || parent.Key() != "\x00a\x00é" {
		t.Errorf("Parent = %s, %v", parent, ok)
	}
	if child, err := parent.Child("C"); err != nil || !child.Equal(n) || child.String() != "/A/É/C" {
		t.Errorf("Child = %s, %v", child, err)
	}
	if namespace.MustParse("/a").Contains(namespace.MustParse("/ab")) {
		t.Error("/a contains /ab")
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	var root namespace.Name
	if _, ok := root.Parent(); ok || !root.IsRoot() || root.Base() != "" || len(root.Segments()) != 0 || root.String() != "/" {
		t.Errorf("the zero Name is %q", root)
	}
	if !root.Equal(namespace.MustParse("/")) || !root.Contains(namespace.MustParse("/a")) || !root.Contains(root) {
		t.Error("the root does not contain everything")
	}
}

func TestChildRefuses(t *testing.T) {
	t.Parallel()
	long := namespace.MustParse(strings.Repeat("/"+strings.Repeat("a", 127), 8))
	deep := namespace.MustParse(strings.Repeat("/a", 32))
	for _, tt := range []struct {
		parent  namespace.Name
		segment string
	}{
		{namespace.Name{}, ""}, {namespace.Name{}, "a/b"}, {namespace.Name{}, "a%20b"}, {namespace.Name{}, ".."},
		{namespace.Name{}, "$a"}, {namespace.Name{}, "a\x00"}, {namespace.Name{}, "\xff"}, {long, "a"}, {deep, "a"},
	} {
		if n, err := tt.parent.Child(tt.segment); err == nil {
			t.Errorf("%.20s.Child(%q) = %s", tt.parent, tt.segment, n)
		}
	}
}

// Keys: a name, then what is below it, then the siblings; and the range below
// a name has the first kind only.
func TestKeyOrder(t *testing.T) {
	t.Parallel()
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/a/b d", "/a/z", "/a b", "/a$", "/a-b", "/a-b/c", "/a.b", "/aa", "/b"}
	var names []namespace.Name
	for _, p := range paths {
		names = append(names, namespace.MustParse(p))
	}
	if !slices.IsSortedFunc(names, namespace.Name.Compare) {
		t.Errorf("not in the order of keys: %q", names)
	}
	for _, n := range names {
		from, to := n.Below()
		for _, o := range names {
			inside := from <= o.Key() && o.Key() < to
			if inside != (n.Contains(o) && !n.Equal(o)) {
				t.Errorf("%s is in the range below %s: %v", o, n, inside)
			}
		}
	}
}

func TestUnicodeVersion(t *testing.T) {
	t.Parallel()
	if !strings.HasPrefix(namespace.UnicodeVersion, unicode.Version+"/") {
		t.Errorf("UnicodeVersion = %q", namespace.UnicodeVersion)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, path := range []string{"/orders", "/tenants/t-42/orders/eu", "/Tenants/T42/Orders", "/a%20b/caf%C3%A9"} {
		b.Run(path[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := namespace.Parse(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
