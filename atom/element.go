package atom

import (
	"encoding/xml"
	"strings"
	"unicode/utf8"
)

// Element is an extension: a foreign XML element with all that is inside, or
// the member of a JSON twin that stands for it.
type Element struct {
	Name     xml.Name   // the local name is the member's name in JSON, too
	Type     Type       // what stood, or is to stand, in JSON
	Attrs    []xml.Attr // without namespace declarations; JSON has no place for them
	Text     string     // the characters directly inside, references and CDATA resolved
	Children []Element
}

// Type is the JSON type of an Element.
type Type uint8

// The types. An element that was read from XML is Untyped: in JSON it is an
// object if it has children, else a string.
const (
	Untyped Type = iota
	String       // Text is the string
	Number       // Text is the number's literal
	Boolean      // Text is true or false
	Object       // Children are the members
	List         // Children are the items, in XML siblings in place of the list
)

// Attr returns the value of the attribute name that is in no namespace, or "".
func (e *Element) Attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value
		}
	}
	return ""
}

// IsText reports whether XML can carry s (XML 1.0, production 2): it is UTF-8
// without control characters other than tab and line ends.
func IsText(s string) bool {
	for _, c := range s {
		if c < ' ' && !strings.ContainsRune(whiteSpace, c) || c == 0xFFFE || c == 0xFFFF {
			return false
		}
	}
	return utf8.ValidString(s)
}
