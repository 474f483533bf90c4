// Package namespace holds what the broker knows of its names: the Name, a
// parsed value that compares without regard to case, and the registry of those
// names that have a role.
package namespace

import (
	"net/url"
	"strings"
)

// Limits of a name.
const (
	MaxSegments   = 32   // segments of a name
	MaxCharacters = 128  // code points of a segment
	MaxBytes      = 1024 // bytes of String, slashes included, and of Key
)

// separator stands before each segment in a key, and below is the first byte
// that no key continues with after a whole segment. A segment has neither.
const (
	separator = "\x00"
	below     = "\x01"
)

// Name is a place in the namespace: a path of checked segments. It is an
// immutable value; the zero value is the root. Names that differ only in case
// are equal, so they cannot be compared with == nor be the key of a map: use
// Equal, or Key.
type Name struct {
	_     [0]func() // makes == a compile error, for it would see the case
	text  string    // "/a/B", as given; "" is the root
	key   string    // "\x00a\x00b"
	depth int
}

// Parse reads the percent-encoded path of a URL, with or without the leading
// slash, as url.URL.EscapedPath gives it. It is split at "/" before it is
// decoded, and decoded once; "" and "/" are the root. Whatever is not a name
// gives a *problem.Field whose value is the segment to blame, as it was sent.
//
// The String of a name is also such a path and gives the same name again.
func Parse(path string) (Name, error) {
	text, depth, err := parsePath(path, nameRule)
	if err != nil {
		return Name{}, err
	}
	return newName(text, depth)
}

// MustParse is Parse for constants and tests: it panics where Parse fails.
func MustParse(path string) Name {
	n, err := Parse(path)
	if err != nil {
		panic(err)
	}
	return n
}

// FromSegments makes a name of segments that are decoded already. Its errors
// are those of Parse.
func FromSegments(segments []string) (Name, error) {
	var n Name
	var err error
	for _, s := range segments {
		if n, err = n.Child(s); err != nil {
			return Name{}, err
		}
	}
	return n, nil
}

// newName gives checked text its key. The text may be part of a longer path,
// whose memory the name then keeps.
func newName(text string, depth int) (Name, error) {
	key, err := foldText(text)
	if err != nil {
		return Name{}, err
	}
	return Name{text: text, key: key, depth: depth}, nil
}

// String returns the name as it was given, "/" for the root. It holds no "%",
// "?" or "#", but is not encoded: see Path.
func (n Name) String() string {
	if n.IsRoot() {
		return "/"
	}
	return n.text
}

// Path returns the name as the path of a URL, percent-encoded.
func (n Name) Path() string {
	if n.IsRoot() {
		return "/"
	}
	u := url.URL{Path: n.text}
	return u.EscapedPath()
}

// Key returns the canonical form: two names are equal if their keys are. It
// is empty for the root and else each folded segment with a zero byte before
// it, so that in the order of keys a name comes directly before the names
// below it, and these before any sibling that only begins with the same
// letters: /a, /a/x, /a-b. [N2]
func (n Name) Key() string { return n.key }

// Below returns the range of keys, from inclusive, to exclusive, of all names
// below n and of no others; n itself is not among them.
func (n Name) Below() (from, to string) { return n.key + separator, n.key + below }

// Equal reports whether n and o are the same name. [N2]
func (n Name) Equal(o Name) bool { return n.key == o.key }

// Compare orders names as their keys are ordered: -1, 0 or 1.
func (n Name) Compare(o Name) int { return strings.Compare(n.key, o.key) }

// Contains reports whether o is n or below it.
func (n Name) Contains(o Name) bool {
	rest, ok := strings.CutPrefix(o.key, n.key)
	return ok && (rest == "" || strings.HasPrefix(rest, separator))
}

// IsRoot reports whether n is the root.
func (n Name) IsRoot() bool { return n.depth == 0 }

// Depth returns the number of segments.
func (n Name) Depth() int { return n.depth }

// Segments returns the segments, as given.
func (n Name) Segments() []string {
	if n.IsRoot() {
		return nil
	}
	return strings.Split(n.text[1:], "/")
}

// Base returns the last segment, as given; it is empty for the root.
func (n Name) Base() string { return n.text[strings.LastIndexByte(n.text, '/')+1:] }

// Parent returns the name that n is directly below; the root has none.
func (n Name) Parent() (Name, bool) {
	if n.IsRoot() {
		return Name{}, false
	}
	return n.cut(strings.LastIndex(n.text, "/"), strings.LastIndex(n.key, separator), n.depth-1), true
}

// Prefix returns the name of the first count segments; count is from 0 to
// Depth.
func (n Name) Prefix(count int) Name {
	if count == n.depth {
		return n
	}
	return n.cut(indexNth(n.text, '/', count), indexNth(n.key, separator[0], count), count)
}

func (n Name) cut(text, key, depth int) Name {
	return Name{text: n.text[:text], key: n.key[:key], depth: depth}
}

// indexNth returns where the byte c occurs in s for the time number n,
// counted from 0.
func indexNth(s string, c byte, n int) int {
	at := 0
	for range n {
		at += 1 + strings.IndexByte(s[at+1:], c)
	}
	return at
}

// Child returns the name directly below n with the given segment, which is
// taken as it is, not decoded. Its errors are those of Parse.
func (n Name) Child(segment string) (Name, error) {
	text := n.text + "/" + segment
	if err := nameRule.check(segment, segment); err != nil {
		return Name{}, err
	}
	if err := nameRule.checkSize(text, n.depth+1); err != nil {
		return Name{}, err
	}
	return newName(text, n.depth+1)
}
