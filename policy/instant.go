package policy

import (
	"regexp"
	"time"
)

// dateTime matches an xs:dateTime (XML Schema Part 2, section 3.2.7) of the
// years 0000 to 9999 with a zone.
var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// neverYear is the year of .NET's largest instant. Whatever lies in it is
// meant as never.
const neverYear = 9999

// neverText is .NET's smallest instant, which is written without a zone.
const neverText = "0001-01-01T00:00:00"

// parseInstant reads an xs:dateTime with a zone, as UTC; zero means never.
func parseInstant(text string) (at time.Time, ok bool) {
	if text == neverText {
		return time.Time{}, true
	}
	if !dateTime.MatchString(text) {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC()
	if at.Year() >= neverYear {
		return time.Time{}, err == nil
	}
	return at, err == nil && at.Year() >= 1
}

// formatInstant writes at in UTC, or nothing for never.
func formatInstant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
