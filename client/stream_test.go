package client_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// counting answers each line of a stream with its number, and ends the stream
// at the line limit, with a problem.
func counting(limit int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		w.WriteHeader(200)
		_ = control.Flush()
		lines := bufio.NewScanner(r.Body)
		for n := 1; lines.Scan(); n++ {
			if n == limit {
				fmt.Fprintf(w, `{"status":400,"title":"bad","line":%d}`, n)
				return
			}
			fmt.Fprintf(w, "{\"committed\":%d,\"last\":%d}\n", n, n+100)
			_ = control.Flush()
		}
	}
}

func texts(bodies ...string) iter.Seq2[*message.Message, error] {
	return func(yield func(*message.Message, error) bool) {
		for _, b := range bodies {
			if !yield(&message.Message{Body: []byte(b)}, nil) {
				return
			}
		}
	}
}

// A message must not wait in the client until more of them come. [Q4]
func TestStreamSendsALoneMessageAtOnce(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, counting(0))
	committed := make(chan int64, 10)
	messages := func(yield func(*message.Message, error) bool) {
		for i := int64(1); i <= 3; i++ {
			if !yield(&message.Message{}, nil) {
				return
			}
			if n := <-committed; n != i {
				t.Errorf("committed %d, want %d", n, i)
			}
		}
	}
	done, err := c.SendStream(t.Context(), "/q", messages, func(c client.Committed) { committed <- c.Count })
	if err != nil || done != (client.Committed{Count: 3, Last: 103}) {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestStreamOfMany(t *testing.T) {
	t.Parallel()
	const count = 20_000
	c := answering(t, client.Options{}, counting(0))
	messages := func(yield func(*message.Message, error) bool) {
		for range count {
			if !yield(&message.Message{Body: []byte("some bytes")}, nil) {
				return
			}
		}
	}
	last := int64(0)
	done, err := c.SendStream(t.Context(), "/q", messages, func(c client.Committed) {
		if c.Count <= last {
			t.Errorf("%d after %d", c.Count, last)
		}
		last = c.Count
	})
	if err != nil || done.Count != count || last != count {
		t.Errorf("%+v, %v, progress to %d", done, err, last)
	}
}

func TestStreamEndsAtABadLine(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, counting(3))
	endless := func(yield func(*message.Message, error) bool) {
		for yield(&message.Message{}, nil) {
		}
	}
	done, err := c.SendStream(t.Context(), "/q", endless, nil)
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Document.Line != 3 || !errors.Is(err, client.ErrInvalid) || done.Count != 2 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestStreamEndsAtTheCallersError(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, counting(0))
	cause := errors.New("cause")
	messages := func(yield func(*message.Message, error) bool) {
		_ = yield(&message.Message{}, nil) && yield(nil, cause)
	}
	done, err := c.SendStream(t.Context(), "/q", messages, nil)
	if !errors.Is(err, cause) || done.Count != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestStreamThatIsRefused(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) })
	if _, err := c.SendStream(t.Context(), "/q", texts("a", "b"), nil); !errors.Is(err, client.ErrNotFound) {
		t.Error(err)
	}
}

func TestStreamThatEndsEarly(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"committed":1,"last":1}`)
	})
	_, err := c.SendStream(t.Context(), "/q", texts("a", "b"), nil)
	if err == nil || !strings.Contains(err.Error(), "1 of 2") {
		t.Error(err)
	}
}

func TestStreamOfALongMessage(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 1<<20)
	got := 0
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got = strings.Count(string(text), "x")
		io.WriteString(w, `{"committed":2,"last":2}`)
	})
	if _, err := c.SendStream(t.Context(), "/q", texts(body, body), nil); err != nil || got != 2*len(body) {
		t.Errorf("%d bytes, %v", got, err)
	}
}
