package filter

import (
	"errors"
	"fmt"
	"strconv"
)

// What may go wrong when a filter or an action is evaluated.
var (
	ErrType            = errors.New("value of the wrong type")
	ErrOverflow        = errors.New("integer beyond 64 bits")
	ErrDivisionByZero  = errors.New("division by zero")
	ErrPattern         = errors.New("bad pattern of LIKE")
	ErrUnknownProperty = errors.New("no such system property")
	ErrTooMuch         = errors.New("too much work")
	ErrProperty        = errors.New("value that the property cannot have")
)

// maxFoundCharacters bounds how much of the text an Error repeats.
const maxFoundCharacters = 40

// Error says where and why the text of a filter or an action cannot be used.
type Error struct {
	Column int    // from 1, in characters
	Found  string // what stands there; empty at the end of the text
	Want   string // what could stand there, as a phrase
}

func (e *Error) Error() string {
	found := "the end"
	if e.Found != "" {
		found = strconv.Quote(e.Found)
	}
	return fmt.Sprintf("column %d: found %s, want %s", e.Column, found, e.Want)
}

// shorten cuts what was found to a length that is sensible in an Error.
func shorten(s string) string {
	count := 0
	for i := range s {
		if count == maxFoundCharacters {
			return s[:i] + "…"
		}
		count++
	}
	return s
}
