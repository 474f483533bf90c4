package atom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"

	"github.com/jitney-mq/jitney/problem"
)

// twin turns a JSON document into the tree that XML would have given.
type twin struct {
	tokens    *json.Decoder
	namespace string
	values    int // how many were begun
}

// readTwin returns the tree of a JSON document, which must be an object.
func readTwin(body []byte, namespace string) (Element, error) {
	// The decoder's tokens alone would let trailing data and some broken
	// punctuation pass.
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return Element{}, broken(err)
	}
	t := &twin{tokens: json.NewDecoder(bytes.NewReader(body)), namespace: namespace}
	t.tokens.UseNumber()
	root, err := t.value(xml.Name{Local: "entry"}, 1)
	if err != nil {
		return Element{}, err
	}
	if root.Type != Object {
		return Element{}, problem.NewField("entry", root.Text, "a JSON object")
	}
	return root, nil
}

func broken(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return problem.NewField("entry", "", "valid JSON; byte %d: %s", syntax.Offset, syntax.Error())
	}
	return problem.NewField("entry", "", "valid JSON: %s", err.Error())
}

// value reads the next value as the element name.
func (t *twin) value(name xml.Name, depth int) (Element, error) {
	e := Element{Name: name}
	if t.values++; t.values > maxElements {
		return e, problem.NewField(name.Local, "", "at most %d values", maxElements)
	}
	if depth > maxDepth {
		return e, problem.NewField(name.Local, "", "at most %d objects and lists inside one another", maxDepth)
	}
	token, err := t.tokens.Token()
	if err != nil {
		return e, broken(err)
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			e.Type = Object
			e.Children, err = t.members(depth)
		} else {
			e.Type = List
			e.Children, err = t.items(name, depth)
		}
	case string:
		e.Type, e.Text = String, v
		err = carried(e)
	case json.Number:
		e.Type, e.Text = Number, v.String()
	case bool:
		e.Type, e.Text = Boolean, "false"
		if v {
			e.Text = "true"
		}
	default:
		err = problem.NewField(name.Local, "null", "a value; leave the member out for its default")
	}
	return e, err
}

// members reads the rest of an object.
func (t *twin) members(depth int) ([]Element, error) {
	var children []Element
	seen := map[string]bool{}
	for t.tokens.More() {
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
	_, err := t.tokens.Token()
	return children, err
}

// items reads the rest of a list, each item under the list's own name.
func (t *twin) items(name xml.Name, depth int) ([]Element, error) {
	var children []Element
	for t.tokens.More() {
		child, err := t.value(name, depth+1)
		if err != nil {
			return nil, err
		}
		if child.Type == List {
			return nil, problem.NewField(name.Local, "", "no list inside a list")
		}
		children = append(children, child)
	}
	_, err := t.tokens.Token()
	return children, err
}

func (t *twin) key() (string, error) {
	token, err := t.tokens.Token()
	if err != nil {
		return "", broken(err)
	}
	key, _ := token.(string)
	if !isMember(key) {
		return "", problem.NewField("entry", key, "a member named by a letter and then letters, digits, - . or _")
	}
	return key, nil
}

// isMember reports whether key can also name an XML element. More names could,
// but no document that is read here uses them.
func isMember(key string) bool {
	if key == "" || len(key) > maxName || !strings.ContainsRune(letters, rune(key[0])) {
		return false
	}
	return strings.Trim(key, letters+"0123456789-.") == ""
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

// carried refuses a string that XML has no way to carry.
func carried(e Element) error {
	if !IsText(e.Text) {
		return problem.NewField(e.Name.Local, e.Text, "text without control characters")
	}
	return nil
}
