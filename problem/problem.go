// Package problem is the answer to a client that asked for something that
// cannot be done: a field that is wrong, and the RFC 9457 document that says so.
package problem

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxShown bounds how much of a bad value is repeated to the client, in bytes.
const maxShown = 200

// Field says that one value of a request cannot be used: which element it
// stood in, what it was, and what would have been accepted.
type Field struct {
	Element string // the element, header, argument or JSON field, in the client's spelling
	Value   string // the value as given, cut to a readable length; empty if it is missing
	Want    string // what is wanted, as a phrase: "a duration from PT1S to PT12H"
}

// NewField returns a *Field as an error. A long value is cut; want is
// formatted with args as by fmt.Sprintf.
func NewField(element, value, want string, args ...any) error {
	if len(args) > 0 {
		want = fmt.Sprintf(want, args...)
	}
	return &Field{Element: element, Value: cut(value), Want: want}
}

func (f *Field) Error() string {
	return f.Element + " " + strconv.Quote(f.Value) + ": want " + f.Want
}

// cut shortens s to maxShown bytes without splitting a character.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// Document is an RFC 9457 problem document, with the members that Jitney adds.
type Document struct {
	Type     string `json:"type"`               // a stable URI reference that names the kind of problem
	Title    string `json:"title"`              // the kind in a few words, the same for each occurrence
	Status   int    `json:"status"`             // the HTTP status code
	Detail   string `json:"detail,omitempty"`   // this occurrence, in a sentence
	Instance string `json:"instance,omitempty"` // the request's id
	Element  string `json:"element,omitempty"`  // Field.Element
	Value    string `json:"value,omitempty"`    // Field.Value
	Want     string `json:"want,omitempty"`     // Field.Want
	Reason   string `json:"reason,omitempty"`   // of a lost lock: expired, settled or unknown
	Line     int    `json:"line,omitempty"`     // of a stream: the line that could not be used, from 1
}

// ContentType is the media type of a Document.
const ContentType = "application/problem+json"
