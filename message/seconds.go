package message

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// longest is what a duration is cut to that is too long to be held.
const longest = time.Duration(math.MaxInt64)

const wantTimeToLive = "a number of seconds greater than 0"

// timeToLive reads a JSON number of seconds. Beyond 2⁶³ ns there is no limit,
// and a positive one is never so short that there is none. [Q2]
func timeToLive(element, number string) (time.Duration, error) {
	d, ok := parseSeconds(number)
	if !ok || d <= 0 {
		return 0, problem.NewField(element, number, wantTimeToLive)
	}
	if d == longest {
		return 0, nil
	}
	return d, nil
}

// parseSeconds reads a decimal number, exactly to the nanosecond unless it has
// an exponent. What is left below a nanosecond counts as one if there is
// nothing else.
func parseSeconds(number string) (d time.Duration, ok bool) {
	if strings.ContainsAny(number, "eE") {
		return parseExponent(number)
	}
	whole, fraction, point := strings.Cut(number, ".")
	if point && fraction == "" || !isDigits(whole) || whole == "" || !isDigits(fraction) {
		return 0, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > int64(longest/time.Second) {
		return longest, true
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if d = time.Duration(seconds) * time.Second; nanos > int64(longest-d) {
		return longest, true
	}
	if d += time.Duration(nanos); d == 0 && strings.Trim(fraction, "0") != "" {
		d = 1
	}
	return d, true
}

func parseExponent(number string) (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(number, 64)
	switch {
	case math.IsInf(seconds, 1), err == nil && seconds*1e9 >= math.MaxInt64:
		return longest, true
	case err != nil, seconds < 0, !isNumber(number):
		return 0, false
	case seconds > 0:
		return max(1, time.Duration(math.Round(seconds*1e9))), true
	}
	return 0, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// appendSeconds writes what parseSeconds reads as the same duration.
func appendSeconds(dst []byte, d time.Duration) []byte {
	dst = strconv.AppendInt(dst, int64(d/time.Second), 10)
	nanos := int64(d % time.Second)
	if nanos == 0 {
		return dst
	}
	fraction := strconv.FormatInt(int64(time.Second)+nanos, 10)[1:]
	return append(append(dst, '.'), strings.TrimRight(fraction, "0")...)
}
