package filter_test

import (
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/filter"
)

// [S6] Any text is a filter or a mistake at a column; a filter is read again
// from its one spelling, and its evaluation ends.
func FuzzParse(f *testing.F) {
	for _, filters := range matches {
		f.Add(filters, "a")
		for _, line := range lines(filters) {
			f.Add(line, jsonBody)
		}
	}
	for _, text := range []string{"", "\x00", "'", "[", `"`, "((((((((((", "a IN (", "a LIKE '%%%%%%%%%%%' + a + a", "--------1", "@", "1e", "ß", "\xff",
		"body[0][1].[a].\"b\".c = 1", "NOT NOT NOT", "a=b=c", "p(p(p(p('a'))))=1", "9223372036854775808", "-9223372036854775808 = - -9223372036854775808"} {
		f.Add(text, `[{"a":[`)
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		parsed, err := filter.Parse(text, parameters())
		if err != nil {
			wantError(t, err, text)
			return
		}
		m := order()
		m.Body = []byte(body)
		ok, err := parsed.Match(m)
		for _, term := range parsed.Terms() {
			if ok && !holds(term, m) {
				t.Errorf("%s is true, and its term %v does not hold", parsed, term)
			}
		}
		if utf8.RuneCountInString(parsed.String()) > filter.MaxTextCharacters {
			return
		}
		again, parseErr := filter.Parse(parsed.String(), parameters())
		if parseErr != nil || again.String() != parsed.String() {
			t.Fatalf("%s again is %v, %v", parsed, again, parseErr)
		}
		if sameOK, sameErr := again.Match(m); sameOK != ok || (sameErr != nil) != (err != nil) {
			t.Errorf("%s is another filter than %s", parsed, text)
		}
	})
}

// wantError checks that a mistake is within the text.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	var bad *filter.Error
	if !errors.As(err, &bad) || bad.Column < 1 || bad.Column > utf8.RuneCountInString(text)+1 || bad.Want == "" {
		t.Errorf("%q: %v", text, err)
	}
}

// [S6] Any text is an action or a mistake at a column; an action leaves a
// message that is valid, or as it was.
func FuzzAction(f *testing.F) {
	for _, text := range []string{"SET a = 1", "set [a b]=SYS.subject+'x' remove sys.to set user.SET=(@ten);", "REMOVE color; REMOVE sys.SessionId",
		"SET sys.TimeToLive = price * 2", "SET sys.ScheduledEnqueueTimeUtc = @at", "SET a = body.a.b[0]", "SET a = a + a; SET a = a + a",
		"SET sys.MessageId = newid()", "SET a =", ";", "", "SET sys.Label = percent + 'x' REMOVE COLOR", "SET x = -max - 1 SET x = x % -1"} {
		f.Add(text, jsonBody)
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		action, err := filter.ParseAction(text, parameters())
		if err != nil {
			wantError(t, err, text)
			return
		}
		m := order()
		m.Body = []byte(body)
		before := *m
		before.Properties = m.Properties.Clone()
		if err := action.Apply(m); err != nil && !reflect.DeepEqual(*m, before) {
			t.Errorf("%s: %v, and yet it changed the message", text, err)
		}
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if utf8.RuneCountInString(action.String()) > filter.MaxTextCharacters {
			return
		}
		again, err := filter.ParseAction(action.String(), parameters())
		if err != nil || again.String() != action.String() {
			t.Errorf("%s again is %v, %v", action, again, err)
		}
	})
}
