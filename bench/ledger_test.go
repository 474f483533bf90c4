package bench_test

import (
	"errors"
	"testing"

	"github.com/jitney-mq/jitney/bench"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		received []string // of the messages 1, 2 and 3
		want     error
	}{
		{"All", []string{"0000000000000002", "0000000000000001", "0000000000000003 and more"}, nil},
		{"Lost", []string{"0000000000000002", "0000000000000001"}, bench.ErrLost},
		{"Twice", []string{"0000000000000002", "0000000000000002", "0000000000000003"}, bench.ErrLost},
		{"TwiceMore", []string{"0000000000000002", "0000000000000002", "0000000000000003", "0000000000000001"}, bench.ErrLost},
		{"Short", []string{"000000000000001", "0000000000000002", "0000000000000003"}, bench.ErrLost},
		{"NoNumber", []string{"000000000000000G", "0000000000000002", "0000000000000003"}, bench.ErrLost},
		{"NeverSent", []string{"00000000ffffffff", "0000000000000002", "0000000000000003"}, bench.ErrLost},
		{"NeverSentYet", []string{"0000000000000004", "0000000000000002", "0000000000000003"}, bench.ErrLost},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l bench.Ledger
			for range 3 {
				l.Stamp(make([]byte, 16))
			}
			for _, body := range c.received {
				l.See([]byte(body))
			}
			if err := l.Check(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestLedgerStampsBodies(t *testing.T) {
	t.Parallel()
	var l bench.Ledger
	body := []byte("................rest")
	for range 17 {
		l.Stamp(body)
	}
	if string(body) != "0000000000000011rest" {
		t.Errorf("got %q", body)
	}
}
