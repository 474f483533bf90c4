package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/filter"
)

// [S6] A mistake is found where it stands, in characters.
func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		column int
		found  string
	}{
		{"", 1, ""},
		{"   ", 4, ""},
		{"a =", 4, ""},
		{"a = = 1", 5, "="},
		{"a == 1", 4, "="},
		{"= 1", 1, "="},
		{"a = 1 b = 2", 7, "b"},
		{"a = 1 = 2", 7, "="},
		{"a = 1 AND", 10, ""},
		{"AND a = 1", 1, "AND"},
		{"a = 1 AND OR b = 1", 11, "OR"},
		{"NOT", 4, ""},
		{"(a = 1", 7, ""},
		{"a = 1)", 6, ")"},
		{"()", 2, ")"},
		{"a = (b = 1)", 5, "("},
		{"(a = 1) = TRUE", 1, "("},
		{"(a = 1) + 1 = 2", 1, "("},
		{"1 + (a = 1) = 2", 5, "("},
		{"(NOT a) IS NULL", 1, "("},
		{"a IN ((b = 1))", 7, "("},
		{"a LIKE (b = 1)", 8, "("},
		{"p((b = 1)) = 1", 3, "("},
		{"a + 1", 1, "a"},
		{"b = 1 AND a + 1", 11, "a"},
		{"'a'", 1, "'a'"},
		{"5", 1, "5"},
		{"NOT 5", 5, "5"},
		{"newid()", 1, "newid"},
		{"@ten", 1, "@ten"},
		{"a = 'x", 5, "'x"},
		{"a = 'x''", 5, "'x''"},
		{"grün = 'ü' AND [x", 16, "[x"},
		{`"x`, 1, `"x`},
		{"[]", 1, "[]"},
		{`"" = 1`, 1, `""`},
		{"[x]] = 1", 1, "[x]] = 1"},
		{"a = 1; ", 6, ";"},
		{"a # 1", 3, "#"},
		{"größe = ¤", 9, "¤"},
		{"a = \"b", 5, `"b`},
		{"a ! 1", 3, "!"},
		{"a = @", 5, "@"},
		{"a = @nope", 5, "@nope"},
		{"a IS 1", 6, "1"},
		{"a IS NOT 1", 10, "1"},
		{"a NOT = 1", 7, "="},
		{"a NOT NULL", 7, "NULL"},
		{"a IN 1", 6, "1"},
		{"a IN ()", 7, ")"},
		{"a IN (1", 8, ""},
		{"a IN (1,)", 9, ")"},
		{"a IN (1 2)", 9, "2"},
		{"a LIKE", 7, ""},
		{"a LIKE 'x' ESCAPE", 18, ""},
		{"a LIKE 5", 8, "5"},
		{"a LIKE 'x' ESCAPE 'ab'", 8, "'x'"},
		{"a LIKE 'x' ESCAPE ''", 8, "'x'"},
		{"a LIKE 'x!' ESCAPE '!'", 8, "'x!'"},
		{"a LIKE 'x' ESCAPE 5", 8, "'x'"},
		{"EXISTS", 7, ""},
		{"EXISTS a", 8, "a"},
		{"EXISTS(1)", 8, "1"},
		{"EXISTS('a')", 8, "'a'"},
		{"EXISTS(newid())", 8, "newid"},
		{"EXISTS(a", 9, ""},
		{"EXISTS(a + 1)", 10, "+"},
		{"sys.Nope = 1", 5, "Nope"},
		{"a = 1 AND sys.EnqueuedTimeUtc > 1", 15, "EnqueuedTimeUtc"},
		{"sys. = 1", 6, "="},
		{"sys.5 = 1", 5, "5"},
		{"other.a = 1", 1, "other"},
		{"user.a.b = 1", 7, "."},
		{"a.b = 1", 1, "a"},
		{"[a].b = 1", 4, "."},
		{"sys.Label.x = 1", 10, "."},
		{"body. = 1", 7, "="},
		{"body.a. = 1", 9, "="},
		{"body.a[x] = 1", 7, "[x]"},
		{"body.a[-1] = 1", 7, "[-1]"},
		{"body.a[99999999999] = 1", 7, "[99999999999]"},
		{"body.a[] = 1", 7, "[]"},
		{"NULL.a = 1", 5, "."},
		{"LIKE = 1", 1, "LIKE"},
		{"a = in", 5, "in"},
		{"ESCAPE = 1", 1, "ESCAPE"},
		{"foo(1) = 1", 1, "foo"},
		{"newid(1) = 1", 7, "1"},
		{"p() = 1", 3, ")"},
		{"p(1) = 1", 3, "1"},
		{"p('') = 1", 3, "''"},
		{"p('sys.x') = 1", 3, "'sys.x'"},
		{"a = 9223372036854775808", 5, "9223372036854775808"},
		{"a = -9223372036854775809", 6, "9223372036854775809"},
		{"a = 1e999", 5, "1e999"},
		{"a = 1.", 6, "."},
		{"a = .5", 5, "."},
		{"a = 1e", 6, "e"},
		{"a = 5x", 6, "x"},
		{"a = 1 AND \xff = 1", 11, "\xff"},
		{"a = '\xc3'", 6, "\xc3"},
		{"a * = 1", 5, "="},
		{"a = -", 6, ""},
		{"a = 1 OR", 9, ""},
	} {
		f, err := filter.Parse(tt.text, parameters())
		var got *filter.Error
		if !errors.As(err, &got) || f != nil {
			t.Errorf("%s: %v, %v", tt.text, f, err)
			continue
		}
		if got.Column != tt.column || got.Found != tt.found || got.Want == "" {
			t.Errorf("%s: %+v, want column %d, found %q", tt.text, *got, tt.column, tt.found)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"grün = ?":                     `column 8: found "?", want a property, a constant or an operator`,
		"a =":                          `column 4: found the end, want a property, a constant or (`,
		"a " + strings.Repeat("ß", 50): `column 3: found "` + strings.Repeat("ß", 40) + `…", want AND, OR or the end`,
	} {
		if _, err := filter.Parse(text, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// [S6] What a client can make grow ends at a limit, and not before.
func TestTextLimits(t *testing.T) {
	t.Parallel()
	elements := func(n int) string { return "a IN (" + strings.Repeat("1,", n-1) + "1)" }
	nested := func(open, end string, n int) string { return strings.Repeat(open, n) + "TRUE" + strings.Repeat(end, n) }
	signs := func(n int) string { return "a = " + strings.Repeat("-", n) + "b" }
	long := func(n int) string { return "a = '" + strings.Repeat("ü", n-6) + "'" }
	for _, tt := range []struct {
		name        string
		fits, above string
		column      int
	}{
		{"text", long(filter.MaxTextCharacters), long(filter.MaxTextCharacters + 1), filter.MaxTextCharacters + 1},
		{"elements", elements(filter.MaxInElements), elements(filter.MaxInElements + 1), 7 + 2*filter.MaxInElements},
		{"parentheses", nested("(", ")", filter.MaxDepth), nested("(", ")", filter.MaxDepth+1), filter.MaxDepth + 1},
		{"NOT", nested("NOT ", "", filter.MaxDepth), nested("NOT ", "", filter.MaxDepth+1), 4*filter.MaxDepth + 1},
		{"signs", signs(filter.MaxDepth), signs(filter.MaxDepth + 1), filter.MaxDepth + 5},
		{"functions", "a = " + strings.Repeat("p(", filter.MaxDepth) + "b" + strings.Repeat(")", filter.MaxDepth),
			"a = " + strings.Repeat("p(", filter.MaxDepth+1) + "b" + strings.Repeat(")", filter.MaxDepth+1), 2*filter.MaxDepth + 5},
	} {
		if _, err := filter.Parse(tt.fits, nil); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		_, err := filter.Parse(tt.above, nil)
		var got *filter.Error
		if !errors.As(err, &got) || got.Column != tt.column || !strings.Contains(got.Want, "at most") {
			t.Errorf("%s: %v, want column %d", tt.name, err, tt.column)
		}
	}
}

// [S6] The one spelling of a filter, which is read as the same.
func TestString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"true":                                  "TRUE",
		"not true and false or null":            "NOT TRUE AND FALSE OR NULL",
		"((a=1))":                               "a = 1",
		"(a = 1 AND (b != 2)) AND c >= 3":       "a = 1 AND b <> 2 AND c >= 3",
		"a = 1 AND (b = 2 OR c = 3)":            "a = 1 AND (b = 2 OR c = 3)",
		"(a = 1 AND b = 2) OR c = 3":            "a = 1 AND b = 2 OR c = 3",
		"NOT (a = 1 AND b = 2)":                 "NOT (a = 1 AND b = 2)",
		"NOT (a IN (1,2))":                      "a NOT IN (1, 2)",
		"a NOT LIKE 'x''y' ESCAPE 'z'":          "a NOT LIKE 'x''y' ESCAPE 'z'",
		"NOT a IS NOT NULL":                     "NOT a IS NOT NULL",
		"a = (1 - (2 - 3)) - 4":                 "a = 1 - (2 - 3) - 4",
		"a = (1 * 2) + 3 * (4 + 5)":             "a = 1 * 2 + 3 * (4 + 5)",
		"a = -(b + 1) * - 5":                    "a = -(b + 1) * -5",
		"a = - (5)":                             "a = -(5)",
		"a = -(0)":                              "a = -(0)",
		"a = - -5":                              "a = --5",
		"a = + b":                               "a = +b",
		"a = 1e2 OR a = 1.50 OR a = 1E300":      "a = 100.0 OR a = 1.5 OR a = 1e+300",
		"SYS.subject = @color":                  "sys.Label = @color",
		"user.x = [and] AND [a b] = [c]]d]":     "x = [and] AND [a b] = [c]]d]",
		`"q""q" = "größe"`:                      `[q"q] = größe`,
		"BODY.a.[b c][0][1].and = body[7]":      "body.a.[b c][0][1].[and] = body[7]",
		"p('sys.to') = p('a') AND EXISTS(p(a))": "sys.To = a AND EXISTS(property(a))",
		"exists(a) and NEWID() = p(a + 'b')":    "EXISTS(a) AND newid() = property(a + 'b')",
	} {
		f, err := filter.Parse(text, parameters())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if f.String() != want {
			t.Errorf("%s is %s, want %s", text, f, want)
		}
		again, err := filter.Parse(f.String(), parameters())
		if err != nil || again.String() != want {
			t.Errorf("%s again is %v, %v", f, again, err)
		}
	}
}
