package filter

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/message"
)

// step is one part of a path into a JSON body.
type step struct {
	name  string
	index int // the place in an array, or notIndex
}

const notIndex = -1

// bytesPerStep is how much JSON is read for one step of MaxSteps.
const bytesPerStep = 16

// bodyState is what is known of the body of the message.
type bodyState uint8

const (
	bodyUnread bodyState = iota
	bodyJSON
	bodyOther
)

// bodyMember returns the member of the body that n names and whether there is
// one. [S6]
func (e *evaluation) bodyMember(n *node) (v message.Value, ok bool) {
	if !e.readBody(n) {
		return v, false
	}
	value := bytes.TrimLeft(e.message.Body, " \t\r\n")
	for _, s := range n.path {
		if !e.spend(n, 1+len(value)/bytesPerStep) {
			return v, false
		}
		if value = s.find(value); value == nil {
			return v, false
		}
	}
	return jsonValue(value)
}

// readBody reports whether the body is JSON, which it finds out once.
func (e *evaluation) readBody(n *node) bool {
	if e.body == bodyUnread {
		e.body = bodyOther
		body := e.message.Body
		if len(body) <= MaxBodyBytes && e.spend(n, len(body)/bytesPerStep) && json.Valid(body) {
			e.body = bodyJSON
		}
	}
	return e.body == bodyJSON
}

// find returns the value at the step in an object or array, nil if there is
// none. The value begins the JSON, which is valid.
func (s step) find(value []byte) []byte {
	if s.index == notIndex && value[0] == '{' {
		return member(value, s.name)
	}
	if s.index != notIndex && value[0] == '[' {
		return item(value, s.index)
	}
	return nil
}

// member returns the value of the last member of that name.
func member(object []byte, name string) (found []byte) {
	for pos := space(object, 1); object[pos] != '}'; {
		end := skip(object, pos)
		matches := isText(object[pos:end], name)
		pos = space(object, space(object, end)+len(":"))
		end = skip(object, pos)
		if matches {
			found = object[pos:end]
		}
		if pos = space(object, end); object[pos] == ',' {
			pos = space(object, pos+1)
		}
	}
	return found
}

func item(array []byte, index int) []byte {
	for pos := space(array, 1); array[pos] != ']'; index-- {
		end := skip(array, pos)
		if index == 0 {
			return array[pos:end]
		}
		if pos = space(array, end); array[pos] == ',' {
			pos = space(array, pos+1)
		}
	}
	return nil
}

// space returns where the next token begins, at pos or behind it.
func space(data []byte, pos int) int {
	for data[pos] == ' ' || data[pos] == '\t' || data[pos] == '\r' || data[pos] == '\n' {
		pos++
	}
	return pos
}

// skip returns where the value that begins at pos ends.
func skip(data []byte, pos int) int {
	switch data[pos] {
	case '"':
		return skipString(data, pos)
	case '{', '[':
		return skipNested(data, pos)
	}
	for !endsScalar(data[pos]) {
		pos++
	}
	return pos
}

func endsScalar(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

func skipString(data []byte, pos int) int {
	for pos++; data[pos] != '"'; pos++ {
		if data[pos] == '\\' {
			pos++
		}
	}
	return pos + 1
}

func skipNested(data []byte, pos int) int {
	for depth := 0; ; {
		switch data[pos] {
		case '"':
			pos = skipString(data, pos)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if pos++; depth == 0 {
			return pos
		}
	}
}

// isText reports whether a JSON string, in its quotes, is text.
func isText(quoted []byte, text string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == text
	}
	return unquote(quoted) == text
}

// unquote returns the text of a JSON string; what is no UTF-8 is U+FFFD.
func unquote(quoted []byte) (text string) {
	plain := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain)
	}
	if err := json.Unmarshal(quoted, &text); err != nil {
		return ""
	}
	return text
}

// jsonValue returns a scalar, or for an object or array what compares with
// nothing. A number that no double can hold is none.
func jsonValue(value []byte) (v message.Value, ok bool) {
	switch value[0] {
	case '{', '[':
		return message.AMQP(nil), true
	case '"':
		return message.String(unquote(value)), true
	case 't', 'f':
		return message.Bool(value[0] == 't'), true
	case 'n':
		return v, true
	}
	return jsonNumber(string(value))
}

func jsonNumber(text string) (v message.Value, ok bool) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return message.Int64(i), true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return v, false
	}
	return message.Double(f), true
}
