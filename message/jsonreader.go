package message

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/problem"
)

// maxDepth bounds how deep arrays and objects may lie in one another.
const maxDepth = 500

// How much of what a client sent a problem repeats, in bytes.
const (
	shownBytes      = 20 // of broken JSON
	maxElementBytes = 4 * MaxPropertyNameCharacters
)

// jsonReader reads JSON (RFC 8259) strictly: one value, UTF-8, no lone
// surrogates. Each method leaves pos behind what it read. What a caller does
// not know by name it can skip, which returns the bytes as they stood.
//
// encoding/json is not used as it neither tells repeated names nor keeps the
// difference between 1 and 1.0, and takes invalid UTF-8.
type jsonReader struct {
	data   []byte
	pos    int
	name   string // what the document is called in a problem about its syntax
	prefix string // stands before the names of members in problems
	buf    []byte // for names that have escapes
}

// element returns what a member is called in problems. It is asked for only
// when there is one.
func (r *jsonReader) element(name string) string { return r.prefix + shorten(name) }

// shorten cuts a client's name to a length that is sensible in a problem.
func shorten(name string) string {
	if len(name) <= maxElementBytes {
		return name
	}
	return strings.ToValidUTF8(name[:maxElementBytes], "") + "…"
}

// fail says what JSON needs where the reader stands.
func (r *jsonReader) fail(want string) error {
	rest := r.data[min(r.pos, len(r.data)):]
	return problem.NewField(r.name, strings.ToValidUTF8(string(rest[:min(shownBytes, len(rest))]), "\ufffd"),
		"JSON with %s at byte %d", want, r.pos+1)
}

// peek skips white space and returns the byte that the next token begins
// with, 0 at the end.
func (r *jsonReader) peek() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// expect reads one byte of punctuation.
func (r *jsonReader) expect(c byte, want string) error {
	if r.peek() != c || r.pos == len(r.data) {
		return r.fail(want)
	}
	r.pos++
	return nil
}

// end makes sure that nothing more follows.
func (r *jsonReader) end() error {
	if r.peek(); r.pos < len(r.data) {
		return r.fail("nothing more")
	}
	return nil
}

// object reads an object and calls member for each of its names, with the
// reader at the value, which member has to read. The name is valid until then.
func (r *jsonReader) object(member func(name []byte) error) error {
	if err := r.expect('{', "an object"); err != nil {
		return err
	}
	if r.peek() == '}' {
		r.pos++
		return nil
	}
	for {
		if r.peek() != '"' {
			return r.fail("a name in quotes")
		}
		name, err := r.stringBytes()
		if err != nil {
			return err
		}
		if err := r.expect(':', "a colon"); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if done, err := r.next('}', "a comma or }"); done || err != nil {
			return err
		}
	}
}

// array reads an array and calls item for each place in it, with the reader
// at the value, which item has to read.
func (r *jsonReader) array(item func(i int) error) error {
	if err := r.expect('[', "an array"); err != nil {
		return err
	}
	if r.peek() == ']' {
		r.pos++
		return nil
	}
	for i := 0; ; i++ {
		if err := item(i); err != nil {
			return err
		}
		if done, err := r.next(']', "a comma or ]"); done || err != nil {
			return err
		}
	}
}

// next reads the comma between two values or the end behind the last.
func (r *jsonReader) next(end byte, want string) (done bool, err error) {
	switch r.peek() {
	case end:
		r.pos++
		return true, nil
	case ',':
		r.pos++
		return false, nil
	}
	return false, r.fail(want)
}

// skip reads any value and returns it as it stands in the data.
func (r *jsonReader) skip() ([]byte, error) {
	r.peek()
	start := r.pos
	err := r.skipValue(maxDepth)
	return r.data[start:r.pos], err
}

func (r *jsonReader) skipValue(depth int) error {
	if depth == 0 {
		return r.fail("less depth")
	}
	switch c := r.peek(); c {
	case '{':
		return r.object(func([]byte) error { return r.skipValue(depth - 1) })
	case '[':
		return r.array(func(int) error { return r.skipValue(depth - 1) })
	case '"':
		_, _, err := r.scanString()
		return err
	case 't':
		return r.word("true")
	case 'f':
		return r.word("false")
	case 'n':
		return r.word("null")
	}
	_, err := r.number()
	return err
}

// word reads true, false or null.
func (r *jsonReader) word(word string) error {
	if !bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
		return r.fail(word)
	}
	r.pos += len(word)
	return nil
}

// number reads a number and returns its text.
func (r *jsonReader) number() ([]byte, error) {
	r.peek()
	length := numberLength(r.data[r.pos:])
	if length == 0 {
		return nil, r.fail("a value")
	}
	r.pos += length
	return r.data[r.pos-length : r.pos], nil
}

// text reads a string.
func (r *jsonReader) text() (string, error) {
	b, err := r.stringBytes()
	return string(b), err
}

// stringBytes reads a string and returns its text, which is valid until the
// next call.
func (r *jsonReader) stringBytes() ([]byte, error) {
	raw, escaped, err := r.scanString()
	if err != nil || !escaped {
		return raw, err
	}
	r.buf = appendUnescaped(r.buf[:0], raw)
	return r.buf, nil
}

// scanString reads a string and returns what stands between the quotes, and
// whether there are escapes in it.
func (r *jsonReader) scanString() (raw []byte, escaped bool, err error) {
	if r.peek() != '"' {
		return nil, false, r.fail("a string")
	}
	r.pos++
	start := r.pos
	for {
		r.pos += plainLength(r.data[r.pos:])
		if r.pos == len(r.data) {
			return nil, false, r.fail("the end of the string")
		}
		switch r.data[r.pos] {
		case '"':
			raw = r.data[start:r.pos]
			if !utf8.Valid(raw) {
				return nil, false, r.fail("UTF-8 in the string")
			}
			r.pos++
			return raw, escaped, nil
		case '\\':
			escaped = true
			length := escapeLength(r.data[r.pos:])
			if length == 0 {
				return nil, false, r.fail("an escape")
			}
			r.pos += length
		default:
			return nil, false, r.fail("an escape instead of a control character")
		}
	}
}

// isPlain marks the bytes that stand for themselves in a string.
var isPlain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// plainLength returns how many bytes at the start of b stand for themselves.
func plainLength[T []byte | string](b T) int {
	for i := range len(b) {
		if !isPlain[b[i]] {
			return i
		}
	}
	return len(b)
}

// escapeLength returns how many bytes the escape at the start of b has, both
// halves of a surrogate pair included; 0 if there is none.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if b[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, b[1]) < 0 {
			return 0
		}
		return 2
	}
	first, ok := hex4(b)
	if !ok {
		return 0
	}
	if !utf16.IsSurrogate(first) {
		return 6
	}
	second, ok := hex4(b[6:])
	if !ok || utf16.DecodeRune(first, second) == utf8.RuneError {
		return 0
	}
	return 12
}

// hex4 reads \uXXXX.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	u, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(u), err == nil
}

// appendUnescaped appends the text of a scanned string.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		length := escapeLength(raw[i:])
		dst = appendEscape(dst, raw[i:i+length])
		raw = raw[i+length:]
	}
}

func appendEscape(dst, escape []byte) []byte {
	switch c := escape[1]; c {
	case 'b':
		return append(dst, '\b')
	case 'f':
		return append(dst, '\f')
	case 'n':
		return append(dst, '\n')
	case 'r':
		return append(dst, '\r')
	case 't':
		return append(dst, '\t')
	case 'u':
		c, _ := hex4(escape)
		if len(escape) == 12 {
			second, _ := hex4(escape[6:])
			c = utf16.DecodeRune(c, second)
		}
		return utf8.AppendRune(dst, c)
	default:
		return append(dst, c)
	}
}

// numberLength returns how many bytes of b are a number as JSON writes it: a
// sign, an integer without leading zeros, a fraction, an exponent.
func numberLength[T []byte | string](b T) int {
	digits := func(i int) int {
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i
	}
	start := 0
	if len(b) > 0 && b[0] == '-' {
		start = 1
	}
	end := digits(start)
	if end == start || b[start] == '0' && end > start+1 {
		return 0
	}
	if end < len(b) && b[end] == '.' {
		point := end
		if end = digits(point + 1); end == point+1 {
			return 0
		}
	}
	if end < len(b) && (b[end] == 'e' || b[end] == 'E') {
		exponent := end + 1
		if exponent < len(b) && (b[exponent] == '+' || b[exponent] == '-') {
			exponent++
		}
		if end = digits(exponent); end == exponent {
			return 0
		}
	}
	return end
}

// isNumber reports whether s is a number as JSON writes it.
func isNumber(s string) bool { return s != "" && numberLength(s) == len(s) }

// refuse reads the value of a member and says what is wanted instead of it.
func (r *jsonReader) refuse(name, want string) error {
	raw, err := r.skip()
	if err != nil {
		return err
	}
	return problem.NewField(r.element(name), string(raw), want)
}

// textOf reads a member that has to be a string.
func (r *jsonReader) textOf(name string) (string, error) {
	if r.peek() != '"' {
		return "", r.refuse(name, "a string")
	}
	return r.text()
}

// isNull reads null and reports it, or leaves the reader where it is.
func (r *jsonReader) isNull() bool { return r.peek() == 'n' && r.word("null") == nil }

// numberOf reads a member that has to be a number.
func (r *jsonReader) numberOf(name, want string) (string, error) {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		return "", r.refuse(name, want)
	}
	number, err := r.number()
	return string(number), err
}

// bytesOf reads a member that has to be a string and returns its text.
func (r *jsonReader) bytesOf(name string) ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.refuse(name, "a string")
	}
	b, err := r.stringBytes()
	return bytes.Clone(b), err
}

// base64Of reads a member that has to be a string of base64.
func (r *jsonReader) base64Of(name string) ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.refuse(name, "a string")
	}
	text, err := r.stringBytes()
	if err != nil {
		return nil, err
	}
	return decodeBase64(r.element(name), text)
}

func decodeBase64(element string, text []byte) ([]byte, error) {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return nil, problem.NewField(element, string(text), wantBase64)
	}
	return b, nil
}

const wantBase64 = "base64 with + and / and padding (RFC 4648, section 4)"

// boolOf reads a member that has to be true or false.
func (r *jsonReader) boolOf(name string) (bool, error) {
	switch r.peek() {
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	}
	return false, r.refuse(name, "true or false")
}
