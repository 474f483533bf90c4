package policy_test

import (
	"testing"
	"time"
)

// [P2]
func TestExpirationInstant(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Time{
		"2030-01-31T12:00:00Z":               noon,
		"2030-01-31T12:00:00.000Z":           noon,
		"2030-01-31T14:00:00+02:00":          noon,
		"2030-01-31T06:30:00-05:30":          noon,
		"2030-01-31T12:00:00.123456789Z":     noon.Add(123456789),
		"2030-01-31T12:00:00.1234567899999Z": noon.Add(123456789),
		"0001-01-01T00:00:01Z":               time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
		"9998-12-31T23:59:59Z":               time.Date(9998, 12, 31, 23, 59, 59, 0, time.UTC),
		"0001-01-01T00:00:00":                {},
		"0001-01-01T00:00:00Z":               {},
		"9999-12-31T23:59:59.9999999Z":       {},
		"9999-01-01T00:00:00Z":               {},
		"9998-12-31T23:59:59-12:00":          {},
		"9999-12-31T23:59:59-12:00":          {},
	}
	for text, want := range tests {
		p := mustParse(t, inQueue("<ExpirationInstant>"+text+"</ExpirationInstant>"))
		if got := p.Shared().ExpiresAt; got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestExpirationInstantRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2030-02-30T12:00:00Z", "2030-13-01T12:00:00Z", "2030-01-31T24:00:01Z", "2030-01-31T12:60:00Z", "2030-01-31T12:00:60Z",
		"2030-01-31t12:00:00z", "2030-01-31 12:00:00Z", "2030-01-31T12:00Z", "2030-01-31T12:00:00,5Z", "2030-01-31T12:00:00.Z",
		"2030-01-31T12:00:00+2:00", "2030-01-31T12:00:00+0200", "2030-01-31T12:00:00 Z", "12030-01-31T12:00:00Z", "-2030-01-31T12:00:00Z",
		"0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59.9999999", "9999-99-99T99:99:99Z", "2030-1-31T12:00:00Z", "never", "0",
	} {
		_, err := parse(inQueue("<ExpirationInstant>" + text + "</ExpirationInstant>"))
		wantField(t, err, "ExpirationInstant", text, "an instant such as 2030-01-31T12:00:00Z")
	}
}
