package message_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/jitney-mq/jitney/message"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	session := "s"
	for _, m := range []*message.Message{{}, {ID: "1"}, {SessionID: &session}, full()} {
		data := message.AppendEnvelope([]byte("before"), m)
		got, err := message.DecodeEnvelope(data[len("before"):])
		if err != nil || !same(got, m) || got.Body != nil {
			t.Errorf("%+v reads back as %+v, %v", m, got, err)
		}
	}
}

// A stored envelope that was cut or changed is an error, never another shape.
func TestEnvelopeDamaged(t *testing.T) {
	t.Parallel()
	data := message.AppendEnvelope(nil, full())
	for i := range data {
		if _, err := message.DecodeEnvelope(data[:i]); !errors.Is(err, message.ErrEnvelope) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	for name, bad := range map[string][]byte{
		"another version":     {2, 0},
		"an unknown part":     {1, 0x80, 0x80, 1},
		"more behind the end": append(bytes.Clone(data), 0),
		"a text of 2^63":      {1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"a text of 2^64-1":    {1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"a number of 65 bits": {1, 0x80, 0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2},
		"a number of 70 bits": {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"2^40 properties":     {1, 0x80, 0x40, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0, 0},
		"a name twice":        {1, 0x80, 0x40, 2, 1, 'a', 0, 1, 'a', 0},
		"an unknown kind":     {1, 0x80, 0x40, 1, 1, 'a', 9},
	} {
		if m, err := message.DecodeEnvelope(bad); !errors.Is(err, message.ErrEnvelope) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// The format is what is on disk: it changes only with its version.
func TestEnvelopeFormat(t *testing.T) {
	t.Parallel()
	m := &message.Message{ID: "42", TimeToLive: 300}
	m.Properties.Set("n", message.Int64(-1))
	want := []byte{1, 0x81, 0x50, 2, '4', '2', 0xac, 2, 1, 1, 'n', byte(message.KindInt64), 1}
	if got := message.AppendEnvelope(nil, m); !bytes.Equal(got, want) {
		t.Errorf("envelope % x, want % x", got, want)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(message.AppendEnvelope(nil, full()))
	f.Add(message.AppendEnvelope(nil, &message.Message{ID: "42"}))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := message.DecodeEnvelope(data)
		if err != nil {
			if !errors.Is(err, message.ErrEnvelope) || m != nil {
				t.Errorf("%v, %v", m, err)
			}
			return
		}
		again, err := message.DecodeEnvelope(message.AppendEnvelope(nil, m))
		if err != nil || !same(again, m) {
			t.Errorf("%+v reads back as %+v, %v", m, again, err)
		}
	})
}

func BenchmarkEnvelope(b *testing.B) {
	m := typical()
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst = message.AppendEnvelope(dst[:0], m)
		}
	})
	b.Run("decode", func(b *testing.B) {
		data := message.AppendEnvelope(nil, m)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := message.DecodeEnvelope(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// typical is a message as most are: an id, two properties, 1 KiB of body.
func typical() *message.Message {
	m := &message.Message{ID: guid.String(), ContentType: "text/plain", Body: bytes.Repeat([]byte("0123456789abcdef"), 64)}
	m.Properties.Set("customer", message.String("ABC"))
	m.Properties.Set("priority", message.Int64(7))
	return m
}
