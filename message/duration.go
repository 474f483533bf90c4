package message

import (
	"strings"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// ParseDuration reads a span of time as a person may write it in a query:
// seconds (30, 1.5), Go's form (30s, 1h30m) or ISO 8601 (PT30S, P1DT12H). It
// is never negative; a longer one than a time.Duration can hold is the longest
// that there is. Errors are *problem.Field with the given element. [Q2]
func ParseDuration(element, text string) (time.Duration, error) {
	d, ok := parseSeconds(text)
	if !ok && strings.HasPrefix(text, "P") {
		d, ok = parseISO(text)
	} else if !ok {
		var err error
		d, err = time.ParseDuration(text)
		ok = err == nil && d >= 0
	}
	if !ok {
		return 0, problem.NewField(element, text, "a duration such as 30, 30s, 5m or PT30S")
	}
	return d, nil
}

// parseISO reads days, hours, minutes and seconds of ISO 8601, the last with a
// fraction; years and months have no fixed length.
func parseISO(text string) (d time.Duration, ok bool) {
	days, clock, hasClock := strings.Cut(text[1:], "T")
	if days == "" && !hasClock || hasClock && clock == "" {
		return 0, false
	}
	d, ok = addUnits(0, days, "D", []time.Duration{24 * time.Hour})
	if !ok {
		return 0, false
	}
	return addUnits(d, clock, "HMS", []time.Duration{time.Hour, time.Minute, time.Second})
}

// addUnits adds to d what text holds: numbers, each with one of the letters
// behind it that has not come yet. Only seconds have a fraction.
func addUnits(d time.Duration, text, letters string, units []time.Duration) (time.Duration, bool) {
	for text != "" {
		end := strings.IndexAny(text, letters)
		if end < 0 {
			return 0, false
		}
		at := strings.IndexByte(letters, text[end])
		number := text[:end]
		if units[at] != time.Second && !isDigits(number) {
			return 0, false
		}
		count, ok := parseSeconds(number)
		if !ok || strings.ContainsAny(number, "eE") {
			return 0, false
		}
		d = addSpan(d, count, units[at])
		text, letters, units = text[end+1:], letters[at+1:], units[at+1:]
	}
	return d, true
}

// addSpan adds count units, where count is given as so many seconds; the sum
// ends at longest.
func addSpan(d, count, unit time.Duration) time.Duration {
	times := unit / time.Second
	if count > (longest-d)/times {
		return longest
	}
	return d + count*times
}

// parseTimeSpan reads the form of .NET: [days.]hours:minutes:seconds[.fraction].
func parseTimeSpan(text string) (d time.Duration, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, false
	}
	days, hours, hasDays := strings.Cut(parts[0], ".")
	if !hasDays {
		days, hours = "0", parts[0]
	}
	for i, number := range []string{days, hours, parts[1], parts[2]} {
		count, ok := parseSeconds(number)
		if !ok || i < 3 && !isDigits(number) || strings.ContainsAny(number, "eE") {
			return 0, false
		}
		d = addSpan(d, count, [...]time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}[i])
	}
	return d, true
}
