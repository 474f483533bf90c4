package push_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/push"
)

// TestParseRetryAfter reads dates, of which a date in an answer could not be
// compared exactly. [S7]
func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Mon, 04 May 2026 03:02:11 GMT":    10 * time.Second,
		"Monday, 04-May-26 03:03:01 GMT":   time.Minute,
		"Mon May  4 04:02:01 2026":         time.Hour,
		"Mon, 04 May 2026 03:02:01 GMT":    0,
		"Mon, 04 May 2026 03:02:00 GMT":    0,
		"Tue, 05 May 2026 03:02:01 GMT":    24 * time.Hour,
		"Wed, 06 May 2026 03:02:01 GMT":    24 * time.Hour,
		" Mon, 04 May 2026 03:02:11 GMT\t": 10 * time.Second,
		"Mon, 04 May 2026 03:02:11 +0200":  0,
		"Mon, 32 May 2026 03:02:11 GMT":    0,
		"86400":                            24 * time.Hour,
		"86399":                            24*time.Hour - time.Second,
	} {
		if got := push.ParseRetryAfter(text, now); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[push.Verdict]string{push.Retry: "retry", push.Delivered: "delivered", push.Gone: "gone"} {
		if verdict.String() != want {
			t.Errorf("%d is %s, want %s", verdict, verdict, want)
		}
	}
	if (push.Result{}).Verdict != push.Retry {
		t.Error("a result of nothing is not a retry")
	}
}

// FuzzRetryAfter holds the bounds. [S7]
func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"", "0", "120", "-1", "1.5", "99999999999999999999", "soon", "1, 2", "Mon, 04 May 2026 03:02:11 GMT", "Mon May  4 04:02:01 2026"} {
		f.Add(text, int64(1_777_863_721))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		now := time.Unix(unix, 0)
		d := push.ParseRetryAfter(text, now)
		if d < 0 || d > push.MaxRetryAfter {
			t.Fatalf("%q at %v is %v", text, now, d)
		}
		if at, err := http.ParseTime(text); err == nil && at.Before(now) && d != 0 {
			t.Fatalf("%q at %v is %v, though it is past", text, now, d)
		}
	})
}
