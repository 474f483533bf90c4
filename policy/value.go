package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/atom"
)

// value says how one sort of value is read from and written as the text of an
// element. The text of a value that is none, never or without limit is empty.
type value[V comparable] struct {
	want  string
	json  atom.Type
	parse func(text string) (V, bool)
	text  func(V) string
}

func flag() value[bool] {
	return value[bool]{
		want: "true or false",
		json: atom.Boolean,
		parse: func(text string) (bool, bool) {
			text = collapse(text)
			return text == "true" || text == "1", slices.Contains([]string{"true", "false", "1", "0"}, text)
		},
		text: strconv.FormatBool,
	}
}

// whole is a whole number from low to high.
func whole[V int | int64](low, high V) value[V] {
	return value[V]{
		want: fmt.Sprintf("a whole number from %d to %d", low, high),
		json: atom.Number,
		parse: func(text string) (V, bool) {
			n, err := strconv.ParseInt(collapse(text), 10, 64)
			return V(n), err == nil && int64(low) <= n && n <= int64(high)
		},
		text: func(n V) string { return strconv.FormatInt(int64(n), 10) },
	}
}

// ceiling is a whole number from low to high, or 0 for no limit.
func ceiling[V int | int64](low, high V) value[V] {
	return whole(low, high).orNone(0)
}

// span is a duration from low to high.
func span(low, high time.Duration) value[time.Duration] {
	bounds := "from " + FormatDuration(low) + " to " + FormatDuration(high)
	if high == Forever {
		bounds = "of at least " + FormatDuration(low)
	}
	return value[time.Duration]{
		want: "a duration " + bounds + " in days, hours, minutes and seconds",
		json: atom.String,
		parse: func(text string) (time.Duration, bool) {
			d, err := ParseDuration(collapse(text))
			return d, err == nil && low <= d && d <= high
		},
		text: FormatDuration,
	}
}

// lasting is a duration of at least low, or 0 for no end. A duration beyond
// what time.Duration holds, such as the longest of .NET, has no end either.
func lasting(low time.Duration) value[time.Duration] {
	bounded := span(low, Forever)
	v := bounded.orNone(0)
	v.parse = func(text string) (time.Duration, bool) {
		d, ok := bounded.parse(text)
		if d == Forever {
			return 0, ok
		}
		return d, ok
	}
	return v
}

// instant is a point in time, or zero for never.
func instant() value[time.Time] {
	return value[time.Time]{
		want:  "an instant such as 2030-01-31T12:00:00Z",
		json:  atom.String,
		parse: func(text string) (time.Time, bool) { return parseInstant(collapse(text)) },
		text:  formatInstant,
	}
}

// oneOf is one of several words, which stand for 0, 1, 2 …
func oneOf[V ~uint8](words ...string) value[V] {
	return value[V]{
		want: "one of " + strings.Join(words, ", "),
		json: atom.String,
		parse: func(text string) (V, bool) {
			i := slices.Index(words, collapse(text))
			return V(max(i, 0)), i >= 0
		},
		text: func(v V) string {
			if int(v) >= len(words) {
				return strconv.Itoa(int(v))
			}
			return words[v]
		},
	}
}

// text is any text of up to limit characters, kept as it is.
func text(limit int) value[string] {
	return value[string]{
		want: fmt.Sprintf("at most %d characters", limit),
		json: atom.String,
		parse: func(text string) (string, bool) {
			return text, atom.IsText(text) && utf8.RuneCountInString(text) <= limit
		},
		text: func(s string) string { return s },
	}
}

// word is a text that is not empty, without white space around it.
func word(want string, isOne func(string) bool) value[string] {
	return value[string]{
		want: want,
		json: atom.String,
		parse: func(text string) (string, bool) {
			text = collapse(text)
			return text, text != "" && atom.IsText(text) && isOne(text)
		},
		text: func(s string) string { return s },
	}
}

// orNone is v where none has no text, so that its element is left out.
func (v value[V]) orNone(none V) value[V] {
	text := v.text
	v.text = func(got V) string {
		if got == none {
			return ""
		}
		return text(got)
	}
	return v
}

// collapse removes the white space that XML allows around a value.
func collapse(text string) string {
	return strings.Trim(text, " \t\r\n")
}

// paths is a list of property paths, of which none can be stated yet.
func paths() value[string] {
	return value[string]{
		want:  "a property path such as $.Product.Sku",
		json:  atom.List,
		parse: func(text string) (string, bool) { return "stated", true },
		text:  func(s string) string { return s },
	}
}
