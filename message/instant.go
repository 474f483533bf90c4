package message

import (
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// The forms of instants that are read. A form without a zone is UTC.
var (
	httpLayouts = []string{
		http.TimeFormat,
		time.RFC1123Z,
		"Mon, 02 Jan 2006 15:04:05 GMT-0700",
		"Mon, 02 Jan 2006 15:04:05 UTC",
	}
	isoLayouts = []string{
		time.RFC3339Nano,
		"2006-01-02T15:04:05",
	}
)

// ParseInstant reads an instant of RFC 3339 or RFC 1123 and returns it in UTC.
// Errors are *problem.Field with the given element. [Q2]
func ParseInstant(element, text string) (time.Time, error) {
	for _, layouts := range [...][]string{isoLayouts, httpLayouts} {
		if t, ok := parseLayouts(text, layouts); ok {
			return t, nil
		}
	}
	return time.Time{}, problem.NewField(element, text,
		"an instant such as 2026-01-31T12:00:00Z or Sat, 31 Jan 2026 12:00:00 GMT")
}

func parseLayouts(text string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
