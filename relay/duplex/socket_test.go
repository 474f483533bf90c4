package duplex_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/duplex"
)

var makers = map[string]func(*testing.T) (*duplex.Socket, *websocket.Conn){"accepted": accepted, "dialled": dialled}

// sizes are those at which frames change their form, and some beside them.
var sizes = []int{0, 1, 7, 8, 9, 125, 126, 127, 8 << 10, 8<<10 + 1, 32 << 10, 65535, 65536, 65537, 1 << 20}

func content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

func TestMessages(t *testing.T) {
	for name, ends := range makers {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s, far := ends(t)
				got, _ := hearing(far)
				for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
					for _, size := range sizes {
						before := content(size)
						if err := s.WriteMessage(kind, before); err != nil {
							t.Fatal(err)
						}
						if g := <-got; g != (heard{kind, string(content(size))}) {
							t.Errorf("%d bytes of kind %d: %d bytes of kind %d", size, kind, len(g.data), g.kind)
						}
						if !bytes.Equal(before, content(size)) {
							t.Errorf("%d bytes: the payload was changed", size)
						}
						var writing sync.WaitGroup
						writing.Go(func() { _ = far.WriteMessage(kind, content(size)) })
						k, r, err := s.Next()
						if err != nil {
							t.Fatal(err)
						}
						if b, err := io.ReadAll(r); err != nil || k != kind || !bytes.Equal(b, content(size)) {
							t.Errorf("read %d bytes of kind %d, %v", len(b), k, err)
						}
						writing.Wait()
					}
				}
			})
		})
	}
}

// Each piece is at the other end when Write returns; pings and closes may come in between.
func TestPieces(t *testing.T) {
	for name, ends := range makers {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s, far := ends(t)
				pings := 0
				far.SetPingHandler(func(string) error { pings++; return nil })
				pieces := make(chan string, 10_000)
				go func() {
					defer close(pieces)
					_, r, err := far.NextReader()
					for b := make([]byte, 2<<20); err == nil; {
						var n int
						if n, err = r.Read(b); n > 0 {
							pieces <- string(b[:n])
						}
					}
					if err != io.EOF {
						pieces <- err.Error()
					}
				}()
				m := s.Begin(websocket.BinaryMessage)
				for _, size := range sizes {
					if n, err := m.Write(content(size)); n != size || err != nil {
						t.Fatal(n, err)
					}
					for got := ""; len(got) < size; {
						got += <-pieces
						if !strings.HasPrefix(string(content(size)), got) {
							t.Fatalf("of %d bytes the first %d are others", size, len(got))
						}
					}
					time.Sleep(duplex.PingInterval + time.Second) // a ping
				}
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				if more, ok := <-pieces; ok {
					t.Errorf("%.100q follows", more)
				}
				if pings < len(sizes)-1 {
					t.Errorf("%d pings came in between", pings)
				}
			})
		})
	}
}

// Two messages that belong together stay so, whoever else writes.
func TestWriteTogether(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, far := accepted(t)
		got, _ := hearing(far)
		var writers sync.WaitGroup
		for i := range 20 {
			writers.Go(func() {
				for j := range 10 {
					id := fmt.Sprint(i, "/", j)
					body := append([]byte(id), make([]byte, i*2000)...)
					if begun, err := s.WriteTogether(t.Context(), nil, []byte(id), body); !begun || err != nil {
						t.Error(begun, err)
					}
					if begun, err := s.WriteTogether(t.Context(), nil, []byte("alone"), nil); !begun || err != nil {
						t.Error(begun, err)
					}
				}
			})
		}
		for range 200 + 200 {
			text := <-got
			if text.kind != websocket.TextMessage {
				t.Fatalf("a binary alone: %.20q", text.data)
			}
			if text.data == "alone" {
				continue
			}
			if b := <-got; b.kind != websocket.BinaryMessage || !strings.HasPrefix(b.data, text.data+"\x00") && b.data != text.data {
				t.Fatalf("%q is followed by %.20q", text.data, b.data)
			}
		}
		writers.Wait()
	})
}

func TestWriteTogetherThatDoesNotBegin(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, far := accepted(t)
		go func() { _ = s.WriteMessage(websocket.TextMessage, []byte("stuck")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("my cause"))
		defer cancel()
		if begun, err := s.WriteTogether(ctx, nil, []byte("x"), nil); begun || err == nil || err.Error() != "my cause" {
			t.Error(begun, err)
		}
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		if begun, err := s.WriteTogether(t.Context(), stop, []byte("x"), nil); begun || err != nil {
			t.Error(begun, err)
		}
		_ = far.Close()
		if begun, err := s.WriteTogether(t.Context(), nil, []byte("x"), nil); begun || err == nil {
			t.Error(begun, err)
		}
	})
}

// Pings are answered and sent here; they are no messages.
func TestPings(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, far := accepted(t)
		var pings, pongs []string
		answer := far.PingHandler()
		far.SetPingHandler(func(data string) error { pings = append(pings, data); return answer(data) })
		far.SetPongHandler(func(data string) error { pongs = append(pongs, data); return nil })
		got, closed := hearing(far)
		ended := make(chan error, 1)
		go func() {
			_, _, err := s.Next()
			ended <- err
		}()
		for _, data := range []string{"", "x", strings.Repeat("x", 125)} {
			_ = far.WriteControl(websocket.PingMessage, []byte(data), time.Now().Add(time.Second))
		}
		time.Sleep(10 * time.Minute)
		if err := s.WriteMessage(websocket.TextMessage, []byte("still here")); err != nil {
			t.Fatal(err)
		}
		<-got
		sendClose(far, 1000, "")
		if err := <-ended; !websocket.IsCloseError(err, 1000) {
			t.Error(err)
		}
		_ = s.WriteClose(1000, "")
		wantClose(t, closed, 1000, "")
		if len(pongs) != 3 || len(pongs[2]) != 125 || len(pings) < 19 || len(pings) > 20 {
			t.Errorf("%d pings, pongs %q", len(pings), pongs)
		}
	})
}

// Of whom nothing comes any more is dead; not so while nobody reads.
func TestSilence(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, far := accepted(t)
		far.SetPingHandler(func(string) error { return nil })
		hearing(far)
		begun := time.Now()
		_, _, err := s.Next()
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() || !about(time.Since(begun), duplex.DeadAfter) {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
	t.Run("of the reader", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			s, far := accepted(t)
			far.SetPingHandler(func(string) error { return nil })
			hearing(far)
			go func() { _ = far.WriteMessage(websocket.BinaryMessage, content(100_000)) }()
			_, r, err := s.Next()
			n := 0
			for b := make([]byte, 10_000); err == nil; {
				time.Sleep(2 * duplex.DeadAfter)
				var more int
				more, err = r.Read(b)
				n += more
			}
			if err != io.EOF || n != 100_000 {
				t.Errorf("%v after %d bytes", err, n)
			}
		})
	})
}

// Who takes nothing of a write has StallTimeout.
func TestStall(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, _ := accepted(t)
		begun := time.Now()
		if err := s.WriteMessage(websocket.TextMessage, []byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(begun); !about(took, duplex.StallTimeout) {
			t.Errorf("it took %v", took)
		}
		if err := s.WriteMessage(websocket.TextMessage, []byte("x")); err == nil || time.Since(begun) > 61*time.Second {
			t.Errorf("another write: %v after %v", err, time.Since(begun))
		}
		if _, _, err := s.Next(); err == nil || time.Since(begun) > 70*time.Second {
			t.Errorf("a read: %v after %v", err, time.Since(begun))
		}
	})
}

// However long a reason is, the other end can read it.
func TestCloseReasons(t *testing.T) {
	for _, reason := range []string{"", "x", strings.Repeat("x", 124), strings.Repeat("ü", 100), "x" + strings.Repeat("𝄞", 50)} {
		inBubbleNamed(t, fmt.Sprintf("%.10q", reason), func(t *testing.T) {
			s, far := accepted(t)
			_, closed := hearing(far)
			if err := s.WriteClose(4000, reason); err != nil {
				t.Error(err)
			}
			err := <-closed
			is, ok := errors.AsType[*websocket.CloseError](err)
			if !ok || is.Code != 4000 || !utf8.ValidString(is.Text) || len(is.Text) < min(len(reason), 119) && utf8.ValidString(reason) {
				t.Errorf("%v", err)
			}
			if err := s.WriteMessage(websocket.TextMessage, nil); !errors.Is(err, duplex.ErrClosed) {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

// CloseWith comes to an end, whatever the other end does.
func TestCloseWith(t *testing.T) {
	for name, c := range map[string]struct {
		far  func(*testing.T, *websocket.Conn)
		want time.Duration
	}{
		"it answers":  {func(t *testing.T, far *websocket.Conn) { hearing(far) }, 0},
		"it has gone": {func(t *testing.T, far *websocket.Conn) { _ = far.Close() }, 0},
		"it reads only": {func(t *testing.T, far *websocket.Conn) {
			far.SetCloseHandler(func(int, string) error { return nil })
			go drain(far)
		}, duplex.CloseTimeout},
		"it reads nothing":     {func(*testing.T, *websocket.Conn) {}, 2 * duplex.CloseTimeout},
		"it does not stop":     {func(t *testing.T, far *websocket.Conn) { go drain(far); babble(t, far) }, duplex.CloseTimeout},
		"it closed beforehand": {func(t *testing.T, far *websocket.Conn) { go sendClose(far, 1000, ""); go drain(far) }, 0},
	} {
		inBubbleNamed(t, name, func(t *testing.T) {
			s, far := accepted(t)
			c.far(t, far)
			synctest.Wait()
			begun := time.Now()
			s.CloseWith(1000, "")
			if took := time.Since(begun); !about(took, c.want) {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func inBubbleNamed(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) { inBubble(t, test) })
}

func drain(far *websocket.Conn) { _, _ = io.Copy(io.Discard, far.NetConn()) }

func babble(t *testing.T, far *websocket.Conn) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for far.WriteMessage(websocket.TextMessage, []byte("x")) == nil {
			time.Sleep(time.Second)
		}
	}()
	t.Cleanup(func() { <-ended })
}
