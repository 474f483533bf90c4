package atom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"

	"github.com/jitney-mq/jitney/problem"
)

// twin turns a JSON document into the tree that XML would have given. The
// document is known to be valid before the first byte is taken, so taking it
// apart needs no further checks. (The tokens of json.Decoder take ten times as
// long, which adds up when a broker reads all its policies at its start.)
type twin struct {
	rest      []byte // what is not yet taken
	namespace string
	values    int // how many were begun
}

// readTwin returns the tree of a JSON document, which must be an object.
func readTwin(body []byte, namespace string) (Element, error) {
	if !json.Valid(body) {
		return Element{}, broken(body)
	}
	t := &twin{rest: body, namespace: namespace}
	root, err := t.value(xml.Name{Local: "entry"}, 1)
	if err != nil {
		return Element{}, err
	}
	if root.Type != Object {
		return Element{}, problem.NewField("entry", root.Text, "a JSON object")
	}
	return root, nil
}

// broken says where a document is not valid.
func broken(body []byte) error {
	offset, err := int64(0), json.Unmarshal(body, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	return problem.NewField("entry", "", "valid JSON; byte %d: %v", offset, err)
}

// value takes the next value, as the element name.
func (t *twin) value(name xml.Name, depth int) (e Element, err error) {
	e.Name = name
	if t.values++; t.values > maxElements {
		return e, problem.NewField(name.Local, "", "at most %d values", maxElements)
	}
	if depth > maxDepth {
		return e, problem.NewField(name.Local, "", "at most %d objects and lists inside one another", maxDepth)
	}
	switch t.next() {
	case '{':
		e.Type = Object
		e.Children, err = t.members(depth)
	case '[':
		e.Type = List
		e.Children, err = t.items(name, depth)
	case '"':
		e.Type, e.Text = String, t.text()
		err = carried(e)
	case 't', 'f':
		e.Type, e.Text = Boolean, t.literal()
	case 'n':
		err = problem.NewField(name.Local, t.literal(), "a value; leave the member out for its default")
	default:
		e.Type, e.Text = Number, t.literal()
	}
	return e, err
}

// members takes an object.
func (t *twin) members(depth int) ([]Element, error) {
	var children []Element
	seen := map[string]bool{}
	for t.more('}') {
		key, err := t.key()
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, problem.NewField(key, "", "the member only once")
		}
		seen[key] = true
		child, err := t.value(xml.Name{Space: t.namespace, Local: key}, depth+1)
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	}
	return children, nil
}

// items takes a list, each item under the list's own name.
func (t *twin) items(name xml.Name, depth int) ([]Element, error) {
	var children []Element
	for t.more(']') {
		child, err := t.value(name, depth+1)
		if err != nil {
			return nil, err
		}
		if child.Type == List {
			return nil, problem.NewField(name.Local, "", "no list inside a list")
		}
		children = append(children, child)
	}
	return children, nil
}

// more takes what stands before the next member or item: the opening
// delimiter, a comma, or the closing one, after which there is no more.
func (t *twin) more(closing byte) bool {
	c := t.next()
	if c == '{' || c == '[' || c == ',' || c == closing {
		t.rest = t.rest[1:]
	}
	if c == closing {
		return false
	}
	if t.next() == closing {
		t.rest = t.rest[1:]
		return false
	}
	return true
}

// key takes the name of a member and the colon.
func (t *twin) key() (string, error) {
	t.next()
	key := t.text()
	if !isMember(key) {
		return "", problem.NewField("entry", key, "a member named by a letter and then letters, digits, - . or _")
	}
	t.next()
	t.rest = t.rest[1:]
	return key, nil
}

// next returns the next byte that is no white space, without taking it.
func (t *twin) next() byte {
	t.rest = bytes.TrimLeft(t.rest, whiteSpace)
	return t.rest[0]
}

// text takes a string.
func (t *twin) text() string {
	end := 1
	for t.rest[end] != '"' {
		if t.rest[end] == '\\' {
			end++
		}
		end++
	}
	quoted := t.rest[:end+1]
	t.rest = t.rest[end+1:]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:end])
	}
	var text string
	// It is valid: the document is.
	_ = json.Unmarshal(quoted, &text)
	return text
}

// literal takes a number, true, false or null.
func (t *twin) literal() string {
	end := bytes.IndexAny(t.rest, ",]}"+whiteSpace)
	if end < 0 {
		end = len(t.rest)
	}
	literal := string(t.rest[:end])
	t.rest = t.rest[end:]
	return literal
}

// isMember reports whether key can also name an XML element. More names could,
// but no document that is read here uses them.
func isMember(key string) bool {
	if key == "" || len(key) > maxName || strings.IndexByte("0123456789-.", key[0]) >= 0 {
		return false
	}
	for i := range len(key) {
		if !isNameByte(key[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

// carried refuses a string that XML has no way to carry.
func carried(e Element) error {
	if !IsText(e.Text) {
		return problem.NewField(e.Name.Local, e.Text, "text without control characters")
	}
	return nil
}
