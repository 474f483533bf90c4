package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	w := work{backoff: duration(time.Second), maxBackoff: duration(5 * time.Minute)}
	for deliveries, want := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 9: 256 * time.Second,
		10: 5 * time.Minute, 1_000_000: 5 * time.Minute,
	} {
		if got := w.backoffAfter(deliveries); got != want {
			t.Errorf("after %d deliveries %s, want %s", deliveries, got, want)
		}
	}
	short := work{backoff: duration(time.Hour), maxBackoff: duration(time.Minute)}
	if got := short.backoffAfter(1); got != time.Minute {
		t.Errorf("above the longest: %s", got)
	}
}

func TestCommandEnviron(t *testing.T) {
	t.Parallel()
	session := "s"
	m := &message.Received{
		Message: &message.Message{ID: "i", SessionID: &session, Label: "l\nm", ContentType: "a\x00b"},
		Lock:    "/q/messages/5/x", SequenceNumber: 5, DeliveryCount: 2,
		EnqueuedAt: time.Date(2026, 1, 31, 12, 0, 0, 5e8, time.UTC),
	}
	m.Properties.Set("order-Id", message.Int64(7))
	m.Properties.Set("PATH=x", message.Bool(true))
	got := commandEnviron("http://u", "/q", m)[len(os.Environ()):]
	want := []string{
		"JITNEY_URL=http://u", "JITNEY_NAME=/q", "JITNEY_LOCK=/q/messages/5/x", "JITNEY_MESSAGE_ID=i", "JITNEY_LABEL=l\nm",
		"JITNEY_CORRELATION_ID=", "JITNEY_SESSION_ID=s", "JITNEY_TO=", "JITNEY_REPLY_TO=", "JITNEY_SEQUENCE_NUMBER=5",
		"JITNEY_DELIVERY_COUNT=2", "JITNEY_ENQUEUED_AT=2026-01-31T12:00:00.5Z",
		`JITNEY_PROPERTIES={"PATH=x":true,"order-Id":7}`, "JITNEY_PROPERTY_PATH_x=true", "JITNEY_PROPERTY_order_Id=7",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, maxSpooled, maxSpooled + 1, 3 * maxSpooled} {
		body := bytes.Repeat([]byte("x"), size)
		s, err := newSpool(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s.stdin())
		if err != nil || !bytes.Equal(got, body) || (s.file != nil) != (size > maxSpooled) {
			t.Errorf("%d bytes: %d, %v", size, len(got), err)
		}
		s.close()
		if s.file != nil {
			if _, err := os.Stat(s.file.Name()); err == nil {
				t.Errorf("%s is still there", s.file.Name())
			}
		}
	}
	broken := io.MultiReader(bytes.NewReader(make([]byte, 2*maxSpooled)), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))
	if _, err := newSpool(broken); err == nil {
		t.Error("a broken body was taken for a whole one")
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What commands write at the same time must not be mixed.
func TestScreens(t *testing.T) {
	t.Parallel()
	for _, l := range []layout{grouped, prefixed} {
		var out, errs bytes.Buffer
		s := &screen{stdout: &out, stderr: &errs, layout: l}
		var commands sync.WaitGroup
		for number := range int64(10) {
			commands.Go(func() { writeLines(t, s, number) })
		}
		commands.Wait()
		if l == grouped {
			checkGroups(t, out.String(), "out")
			checkGroups(t, errs.String(), "err")
		} else {
			checkPrefixes(t, out.String(), "out")
			checkPrefixes(t, errs.String(), "err")
		}
	}
}

const linesEach = 200

// writeLines writes lines to both streams in pieces that are no lines.
func writeLines(t *testing.T, s *screen, number int64) {
	o, err := s.open(number)
	if err != nil {
		t.Error(err)
		return
	}
	for i := range linesEach {
		end := "\n"
		if i == linesEach-1 {
			end = ""
		}
		for _, piece := range []string{fmt.Sprintf("%d ", number), fmt.Sprintf("%d ", i)} {
			_, _ = io.WriteString(o.stdout, piece)
			_, _ = io.WriteString(o.stderr, piece)
		}
		_, _ = io.WriteString(o.stdout, "out"+end)
		_, _ = io.WriteString(o.stderr, "err"+end)
	}
	o.close()
}

// checkGroups expects the lines of each command in one piece. The last line of
// each has no end, so that the next one's first follows it.
func checkGroups(t *testing.T, text, stream string) {
	t.Helper()
	for number := range 10 {
		var piece strings.Builder
		for i := range linesEach {
			if i > 0 {
				piece.WriteString("\n")
			}
			fmt.Fprintf(&piece, "%d %d %s", number, i, stream)
		}
		if !strings.Contains(text, piece.String()) {
			t.Errorf("the output of command %d is not in one piece", number)
		}
	}
}

func checkPrefixes(t *testing.T, text, stream string) {
	t.Helper()
	next := map[string]int{}
	for line := range strings.Lines(text) {
		prefix, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "| ")
		if want := fmt.Sprintf("%s %d %s", prefix, next[prefix], stream); rest != want {
			t.Fatalf("line %q, want %q", rest, want)
		}
		next[prefix]++
	}
	for number, count := range next {
		if count != linesEach {
			t.Errorf("command %s has %d lines", number, count)
		}
	}
}

func TestPrefixedLongLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{stdout: &out, stderr: io.Discard, layout: prefixed}
	o, err := s.open(7)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 * maxLineHeld {
		_, _ = o.stdout.Write([]byte("x"))
	}
	if out.Len() == 0 {
		t.Error("a line without an end is held back without a limit")
	}
	o.close()
	if got := strings.Count(out.String(), "x"); got != 3*maxLineHeld {
		t.Errorf("%d characters", got)
	}
}
