package bench_test

import (
	"testing"

	"github.com/jitney-mq/jitney/bench"
)

var openers = map[string]bench.Opener{
	"Bare":     bench.OpenBare,
	"Send":     bench.OpenSend,
	"EndToEnd": bench.OpenEndToEnd,
	"HTTP":     bench.OpenHTTP,
	"BareHTTP": bench.OpenBareHTTP,
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subject := openSubject(t, open)
			before := subject.Written()
			for caller := range 2 {
				if err := subject.Do(t.Context(), caller); err != nil {
					t.Fatal(err)
				}
			}
			after := subject.Written()
			if after.Bytes-before.Bytes < 2<<10 || after.Syncs < before.Syncs+4 {
				t.Errorf("two messages wrote %d bytes with %d syncs", after.Bytes-before.Bytes, after.Syncs-before.Syncs)
			}
			if err := subject.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func openSubject(t *testing.T, open bench.Opener) bench.Subject {
	t.Helper()
	subject, err := open(t.Context(), t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := subject.Close(); err != nil {
			t.Error(err)
		}
	})
	return subject
}
