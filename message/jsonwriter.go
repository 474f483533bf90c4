package message

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonWriter appends the members of one JSON object to buf.
type jsonWriter struct {
	buf   []byte
	quote func(dst []byte, s string) []byte // quoteText, or quoteASCII for headers
}

// open begins the object.
func (w *jsonWriter) open() { w.buf = append(w.buf, '{') }

// close ends the object.
func (w *jsonWriter) close() { w.buf = append(w.buf, '}') }

// name begins a member; the caller appends its value.
func (w *jsonWriter) name(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.quote(w.buf, name), ':')
}

// plainName begins a member whose name needs no escapes.
func (w *jsonWriter) plainName(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(append(append(w.buf, '"'), name...), '"', ':')
}

// text writes a member unless it is empty.
func (w *jsonWriter) text(name, s string) {
	if s != "" {
		w.plainName(name)
		w.buf = w.quote(w.buf, s)
	}
}

// integer writes a member unless it is 0.
func (w *jsonWriter) integer(name string, i int64) {
	if i != 0 {
		w.plainName(name)
		w.buf = strconv.AppendInt(w.buf, i, 10)
	}
}

// instant writes a member unless it is the zero time.
func (w *jsonWriter) instant(name string, at time.Time, layout string) {
	if !at.IsZero() {
		w.plainName(name)
		w.buf = append(w.buf, '"')
		w.buf = at.UTC().AppendFormat(w.buf, layout)
		w.buf = append(w.buf, '"')
	}
}

const hexDigits = "0123456789abcdef"

// quoteText appends s as a JSON string in UTF-8. Bytes that are not UTF-8
// become U+FFFD.
func quoteText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return quoteValid(dst, s)
}

// quoteValid is quoteText of what is UTF-8.
func quoteValid[T []byte | string](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for {
		length := plainLength(s)
		dst = append(dst, s[:length]...)
		if length == len(s) {
			return append(dst, '"')
		}
		dst = appendEscaped(dst, rune(s[length]))
		s = s[length+1:]
	}
}

// quoteASCII appends s as a JSON string of printable ASCII only.
func quoteASCII(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			dst = appendEscaped(dst, c)
		} else {
			dst = append(dst, byte(c))
		}
	}
	return append(dst, '"')
}

// appendEscaped appends c in the shortest escape that JSON has for it.
func appendEscaped(dst []byte, c rune) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', byte(c))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if first, second := utf16.EncodeRune(c); first != utf8.RuneError {
		return appendHex4(appendHex4(dst, first), second)
	}
	return appendHex4(dst, c)
}

func appendHex4(dst []byte, c rune) []byte {
	return append(dst, '\\', 'u', hexDigits[c>>12&15], hexDigits[c>>8&15], hexDigits[c>>4&15], hexDigits[c&15])
}
