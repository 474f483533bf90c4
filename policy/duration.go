package policy

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Forever is the longest time.Duration. ParseDuration gives it for anything
// that is at least as long.
const Forever time.Duration = math.MaxInt64

// ErrDuration says that a text is no xs:duration of days, hours, minutes and
// seconds.
var ErrDuration = errors.New("want a duration such as P1DT2H30M or PT1.5S, without years and months")

const day = 24 * time.Hour

// ParseDuration reads an xs:duration (XML Schema Part 2, section 3.2.6). Years
// and months are refused, since they have no fixed length. Digits beyond the
// nanosecond are dropped, and what is too long for a time.Duration becomes
// Forever or its negative.
func ParseDuration(text string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(text, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok {
		return 0, ErrDuration
	}
	days, clock, timed := strings.Cut(rest, "T")
	if rest == "" || timed && clock == "" {
		return 0, ErrDuration
	}
	length, err := add(0, days, "D")
	if err == nil {
		length, err = add(length, clock, "HMS")
	}
	if negative {
		length = -length
	}
	return length, err
}

// add adds the fields in text to length. Their designators must stand in the
// order of designators, each at most once.
func add(length time.Duration, text, designators string) (time.Duration, error) {
	for text != "" {
		end := strings.IndexAny(text, designators)
		if end < 0 {
			return 0, ErrDuration
		}
		field, err := times(text[:end], text[end])
		if err != nil {
			return 0, err
		}
		length = saturated(length, field)
		designators = designators[strings.IndexByte(designators, text[end])+1:]
		text = text[end+1:]
	}
	return length, nil
}

// times returns number times the unit of the designator.
func times(number string, designator byte) (time.Duration, error) {
	number, fraction, dotted := strings.Cut(number, ".")
	if !digits(number) || dotted && (designator != 'S' || !digits(fraction)) {
		return 0, ErrDuration
	}
	unit := map[byte]time.Duration{'D': day, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}[designator]
	n, err := strconv.ParseUint(number, 10, 64)
	high, low := bits.Mul64(n, uint64(unit))
	if err != nil || high > 0 || low > uint64(Forever) {
		return Forever, nil
	}
	return saturated(time.Duration(low), nanoseconds(fraction)), nil
}

// nanoseconds reads the digits of a fraction of a second.
func nanoseconds(fraction string) time.Duration {
	padded := (fraction + "000000000")[:9]
	n, _ := strconv.ParseInt(padded, 10, 64)
	return time.Duration(n)
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// saturated adds two lengths that are not negative.
func saturated(a, b time.Duration) time.Duration {
	if a > Forever-b {
		return Forever
	}
	return a + b
}

// FormatDuration writes d as an xs:duration in days, hours, minutes and seconds,
// each unit carried into the next.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "PT0S"
	}
	sign, left := "", uint64(d)
	if d < 0 {
		sign, left = "-", -uint64(d)
	}
	return sign + "P" + field(&left, day, "D") + clock(left)
}

// clock writes what is less than a day.
func clock(left uint64) string {
	if left == 0 {
		return ""
	}
	text := "T" + field(&left, time.Hour, "H") + field(&left, time.Minute, "M")
	if left == 0 {
		return text
	}
	whole, fraction := left/uint64(time.Second), left%uint64(time.Second)
	text += strconv.FormatUint(whole, 10)
	if fraction > 0 {
		nine := strconv.FormatUint(uint64(time.Second)+fraction, 10)[1:]
		text += "." + strings.TrimRight(nine, "0")
	}
	return text + "S"
}

// field takes the whole units out of left and writes them, if there are any.
func field(left *uint64, unit time.Duration, designator string) string {
	n := *left / uint64(unit)
	*left %= uint64(unit)
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10) + designator
}
