package namespace

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/jitney-mq/jitney/problem"
)

// element is how a problem calls what is wrong with a name.
const element = "name"

// What is wanted of a segment that is refused.
const (
	wantSegment  = "segments of 1–128 characters, with one slash between them"
	wantEncoding = "percent-encoded UTF-8"
	wantOnce     = "a segment that is percent-encoded once, without % itself"
	wantNoSlash  = "a slash only between segments; an encoded one does not name anything"
	wantNoDots   = "a segment other than . and .."
	wantReserved = "a segment that does not begin with $ or -, which the broker keeps for itself"
	wantEnds     = "a segment without a space at either end and without a dot at its end"
	wantAssigned = "characters that Unicode 15 has assigned, without control and format characters"
	wantAllowed  = `characters other than / \ ? # % ! * ' " < > |`
	wantStable   = "a segment that keeps its form when case and normalization are taken away"
)

// banned are the characters that Unicode has nothing against and a name does.
const banned = `/\?#%!*'"<>|`

// rule is what a path must keep to.
type rule struct {
	reserved    bool // segments may begin with $ or -
	maxSegments int
	maxBytes    int
	wantCount   string
	wantBytes   string
}

var nameRule = rule{
	maxSegments: MaxSegments,
	maxBytes:    MaxBytes,
	wantCount:   "at most 32 segments",
	wantBytes:   "at most 1,024 bytes in all",
}

// parsePath checks a percent-encoded path and returns its decoded text, with
// a leading slash, and the number of its segments; "" is the root.
func parsePath(path string, r rule) (text string, depth int, err error) {
	text, _ = strings.CutPrefix(path, "/")
	if text == "" {
		return "", 0, nil
	}
	if len(text) < len(path) {
		text = path
	} else {
		text = "/" + path
	}
	if depth, ok := r.plain(text); ok {
		return text, depth, nil
	}
	return r.decode(text)
}

// plain reports whether text is made of such segments that nothing more needs
// to be known about it. It is the short way for nearly every request.
func (r rule) plain(text string) (depth int, ok bool) {
	var last byte
	length := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '/':
			if i > 0 && (length == 0 || length > MaxCharacters || last == '.') {
				return 0, false
			}
			depth, length = depth+1, -1
		case c == '$' && r.reserved:
		case !plainByte[c], length == 0 && (c == '.' || c == '-'):
			return 0, false
		}
		last = c
		length++
	}
	ok = length > 0 && length <= MaxCharacters && last != '.' && depth <= r.maxSegments && len(text) <= r.maxBytes
	return depth, ok
}

// plainByte marks the bytes that are allowed anywhere in a segment but at its
// ends, and that need no decoding.
var plainByte = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~:") {
		t[c] = true
	}
	return t
}()

// decode splits the path, then decodes and checks each segment. [N1]
func (r rule) decode(path string) (text string, depth int, err error) {
	decoded := make([]byte, 0, len(path))
	for raw := range strings.SplitSeq(path[1:], "/") {
		segment, err := url.PathUnescape(raw)
		if err != nil {
			return "", 0, refuse(raw, wantEncoding)
		}
		if err := r.check(segment, raw); err != nil {
			return "", 0, err
		}
		decoded = append(append(decoded, '/'), segment...)
		if depth++; depth > r.maxSegments {
			return "", 0, refuse(path, r.wantCount)
		}
	}
	text = string(decoded)
	return text, depth, r.checkSize(text, depth)
}

// checkSize checks what is limited for the path as a whole. [N1]
func (r rule) checkSize(text string, depth int) error {
	switch {
	case depth > r.maxSegments:
		return refuse(text, r.wantCount)
	case len(text) > r.maxBytes:
		return refuse(text, r.wantBytes)
	}
	return nil
}

// check tells what is wrong with a decoded segment that was sent as raw. [N1]
func (r rule) check(segment, raw string) error {
	switch {
	case !utf8.ValidString(segment):
		return refuse(raw, wantEncoding)
	case segment == "", utf8.RuneCountInString(segment) > MaxCharacters:
		return refuse(raw, wantSegment)
	case isDots(segment):
		return refuse(raw, wantNoDots)
	case !r.reserved && (segment[0] == '$' || segment[0] == '-'):
		return refuse(raw, wantReserved)
	}
	for _, c := range segment {
		if want := wantOf(c); want != "" {
			return refuse(raw, want)
		}
	}
	if first, last := ends(segment); unicode.IsSpace(first) || unicode.IsSpace(last) || last == '.' {
		return refuse(raw, wantEnds)
	}
	return nil
}

// isDots reports whether a segment is "." or "..", also in the wide forms that
// another program may take for them.
func isDots(segment string) bool {
	dots := norm.NFKC.String(segment)
	return dots == "." || dots == ".."
}

func ends(segment string) (first, last rune) {
	first, _ = utf8.DecodeRuneInString(segment)
	last, _ = utf8.DecodeLastRuneInString(segment)
	return first, last
}

// assigned are the categories of characters that a segment may have. Format
// characters (Cf) are left out as they cannot be seen: two names would look
// the same, or read backwards. So are the separators of lines and paragraphs.
var assigned = []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs, unicode.Co}

// wantOf returns what is wanted instead of c; "" if c is allowed. [N1]
func wantOf(c rune) string {
	switch {
	case c == '%':
		return wantOnce
	case c == '/':
		return wantNoSlash
	case c < utf8.RuneSelf && strings.IndexByte(banned, byte(c)) >= 0:
		return wantAllowed
	case !unicode.In(c, assigned...):
		return wantAssigned
	}
	return ""
}

func refuse(value, want string) error { return problem.NewField(element, value, want) }
