package policy_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jitney-mq/jitney/policy"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"PT0S":                           0,
		"-PT0S":                          0,
		"P0D":                            0,
		"PT1S":                           time.Second,
		"PT90S":                          90 * time.Second,
		"PT1M30S":                        90 * time.Second,
		"-PT1M30S":                       -90 * time.Second,
		"P1DT2H3M4.5S":                   26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"P7D":                            7 * 24 * time.Hour,
		"PT36H":                          36 * time.Hour,
		"PT0.000000001S":                 1,
		"PT0.0000000019S":                1,
		"PT0.1S":                         100 * time.Millisecond,
		"PT007S":                         7 * time.Second,
		"P106751DT23H47M16.854775806S":   math.MaxInt64 - 1,
		"P106751DT23H47M16.854775807S":   policy.Forever,
		"P106751DT23H47M16.854775808S":   policy.Forever,
		"P10675199DT2H48M5.4775807S":     policy.Forever,
		"-P10675199DT2H48M5.4775808S":    -policy.Forever,
		"PT18446744073709551616S":        policy.Forever,
		"PT18446744074S":                 policy.Forever,
		"P999999999999999999999999999D":  policy.Forever,
		"PT9223372036S":                  9223372036 * time.Second,
		"PT9223372037S":                  policy.Forever,
		"P106751DT24H":                   policy.Forever,
		"PT2562047H47M16.854775807S":     policy.Forever,
		"-PT2562047H47M16.999999999999S": -policy.Forever,
	}
	for text, want := range tests {
		if got, err := policy.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "P", "-", "-P", "PT", "P1DT", "T1S", "1S", "30", "30s", "pt30s", "PT30s", "P1", "PT1", "P1S", "PT1D",
		"P1Y", "P1M", "P0Y", "P0M", "P1Y2M3DT1H", "P1W", "+PT1S", "--PT1S", "P-1D", "PT-1S", "PT+1S", "P1DT1H1H",
		"PT1S1M", "PT1M1H", "P1D1D", "PT1.S", "PT.5S", "PT1.5M", "P1.5D", "PT1,5S", "PT1..5S", "PT1.5.5S", "PT1e3S",
		"PT0x1S", "PT1_0S", "PT １S", "PT1S ", " PT1S", "PT1 S", "P 1D", "PTS", "PD", "P1DTT1S", "PT1S\x00", "PTNaNS", "PTInfS",
		"10675199.02:48:05.4775807", "00:00:30",
	} {
		if got, err := policy.ParseDuration(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	tests := map[time.Duration]string{
		0:                        "PT0S",
		1:                        "PT0.000000001S",
		-1:                       "-PT0.000000001S",
		time.Second:              "PT1S",
		1500 * time.Millisecond:  "PT1.5S",
		time.Minute:              "PT1M",
		90 * time.Minute:         "PT1H30M",
		24 * time.Hour:           "P1D",
		25 * time.Hour:           "P1DT1H",
		-36 * time.Hour:          "-P1DT12H",
		7*24*time.Hour + 1e9 + 1: "P7DT1.000000001S",
		policy.Forever:           "P106751DT23H47M16.854775807S",
		math.MinInt64:            "-P106751DT23H47M16.854775808S",
	}
	for d, want := range tests {
		if got := policy.FormatDuration(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

func TestDurationSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Min(-math.MaxInt64).Draw(t, "duration"))
		text := policy.FormatDuration(want)
		if got, err := policy.ParseDuration(text); err != nil || got != want {
			t.Fatalf("%d is %s is %d, %v", want, text, got, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{
		"PT0S", "PT30S", "-PT1S", "P1Y", "P1M", "P1DT2H3M4.5S", "PT.5S", "P10675199DT2H48M5.4775807S",
		"-P10675199DT2H48M5.4775808S", "PT18446744073709551616S", "P106751DT23H47M16.854775807S", "PT1e3S", "PTNaNS",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := policy.ParseDuration(text)
		if err != nil {
			return
		}
		if (text[0] == '-') != (d < 0) && d != 0 {
			t.Errorf("%q has the wrong sign: %v", text, d)
		}
		again, err := policy.ParseDuration(policy.FormatDuration(d))
		if err != nil || again != d {
			t.Errorf("%q: %v became %v, %v", text, d, again, err)
		}
	})
}
