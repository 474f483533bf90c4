package duplex_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/duplex"
)

// A joined is two far ends, and what they hear of each other.
type joined struct {
	joint  *duplex.Joint
	far    [2]*websocket.Conn
	got    [2]chan heard
	closed [2]chan error
	over   chan struct{} // closed when Run has returned
}

// join joins two sockets. Those of deaf are not read.
func join(t *testing.T, deaf ...int) *joined {
	t.Helper()
	a, farA := accepted(t)
	b, farB := dialled(t)
	j := &joined{joint: duplex.Join(a, b), far: [2]*websocket.Conn{farA, farB}, over: make(chan struct{})}
	for i, far := range j.far {
		if len(deaf) == 0 || deaf[0] != i {
			j.got[i], j.closed[i] = hearing(far)
		}
	}
	go func() {
		defer close(j.over)
		j.joint.Run()
	}()
	return j
}

// bothWays runs a test for both directions.
func bothWays(t *testing.T, test func(t *testing.T, from, to int)) {
	t.Helper()
	for from := range 2 {
		inBubbleNamed(t, fmt.Sprint("from ", from), func(t *testing.T) { test(t, from, 1-from) })
	}
}

// [L1] Text stays text and binary binary, and a message is one whatever its frames.
func TestJoin(t *testing.T) {
	bothWays(t, func(t *testing.T, from, to int) {
		j := join(t)
		total := 0
		for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
			for _, size := range sizes {
				if err := j.far[from].WriteMessage(kind, content(size)); err != nil {
					t.Fatal(err)
				}
				if g := <-j.got[to]; g != (heard{kind, string(content(size))}) {
					t.Errorf("%d bytes of kind %d: %d bytes of kind %d", size, kind, len(g.data), g.kind)
				}
				total += size
			}
		}
		w, _ := j.far[from].NextWriter(websocket.TextMessage)
		for range 100 {
			_, _ = w.Write([]byte(strings.Repeat("ü", 2500))) // a frame each time
		}
		_ = w.Close()
		if g := <-j.got[to]; g.data != strings.Repeat("ü", 250_000) {
			t.Errorf("%d bytes of a message in pieces", len(g.data))
		}
		sendClose(j.far[from], 1000, "")
		<-j.over
		if got := j.joint.Bytes(); got != int64(total+500_000) {
			t.Errorf("%d bytes were passed on, want %d", got, total+500_000)
		}
	})
}

// [L1] The beginning of a large message does not wait for its end.
func TestJoinPassesPieces(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		j := join(t, 1)
		j.far[1].SetPingHandler(func(string) error { return nil })
		w, _ := j.far[0].NextWriter(websocket.BinaryMessage)
		var writing sync.WaitGroup
		writing.Go(func() { _, _ = w.Write(make([]byte, 100_000)) })
		_, r, err := j.far[1].NextReader()
		if err != nil {
			t.Fatal(err)
		}
		for n, b := 0, make([]byte, 8<<10); n < 64<<10; {
			more, err := r.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			n += more
		}
		j.far[1].Close()
		writing.Wait()
		<-j.over
	})
}

// [L1] Both ways at once, with pings of both that go no further.
func TestJoinBothWays(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		j := join(t)
		var writers sync.WaitGroup
		for i, far := range j.far {
			writers.Go(func() {
				for n := range 1000 {
					if err := far.WriteMessage(websocket.BinaryMessage, fmt.Append(nil, i, n)); err != nil {
						t.Error(err)
					}
					if n%100 == 0 {
						_ = far.WriteControl(websocket.PingMessage, []byte("mine"), time.Now().Add(time.Minute))
					}
				}
			})
		}
		writers.Wait()
		for i := range 2 {
			for n := range 1000 {
				if g := <-j.got[1-i]; g.data != fmt.Sprint(i, n) {
					t.Fatalf("message %q, want %d %d", g.data, i, n)
				}
			}
		}
		time.Sleep(time.Hour) // idle, but alive
		sendClose(j.far[0], 1000, "")
		<-j.over
		wantClose(t, j.closed[1], 1000, "")
	})
}

// [L1] The close of one end is the other's, and is answered.
func TestJoinCloses(t *testing.T) {
	for _, c := range []struct {
		code   int
		reason string
	}{
		{1000, ""}, {1000, "done"}, {1001, "x"}, {1007, ""}, {1011, ""}, {1012, ""}, {3000, "ü"}, {4999, strings.Repeat("x", 123)},
		{websocket.CloseNoStatusReceived, ""},
	} {
		t.Run(fmt.Sprint(c.code, c.reason), func(t *testing.T) {
			bothWays(t, func(t *testing.T, from, to int) {
				j := join(t)
				begun := time.Now()
				sendClose(j.far[from], c.code, c.reason)
				wantClose(t, j.closed[to], c.code, c.reason)
				wantClose(t, j.closed[from], c.code, "")
				<-j.over
				if took := time.Since(begun); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// [L1] What was said before a close comes before it.
func TestJoinClosesLast(t *testing.T) {
	bothWays(t, func(t *testing.T, from, to int) {
		j := join(t)
		for range 10 {
			_ = j.far[from].WriteMessage(websocket.BinaryMessage, make([]byte, 50_000))
		}
		sendClose(j.far[from], 1000, "")
		for range 10 {
			if g, ok := <-j.got[to]; !ok || len(g.data) != 50_000 {
				t.Fatalf("%d bytes, %t", len(g.data), ok)
			}
		}
		wantClose(t, j.closed[to], 1000, "")
		<-j.over
	})
}

// [L1] Of one that goes without a word, or breaks the protocol, the other is told 1011.
func TestJoinVanishes(t *testing.T) {
	for name, goes := range map[string]func(*websocket.Conn){
		"closed": func(far *websocket.Conn) { _ = far.NetConn().Close() },
		"half a message": func(far *websocket.Conn) {
			_, _ = far.NetConn().Write([]byte{0x01, 0x05, 'a'})
			_ = far.NetConn().Close()
		},
		"a bad frame": func(far *websocket.Conn) {
			_, _ = far.NetConn().Write([]byte{0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, from, to int) {
				j := join(t)
				begun := time.Now()
				goes(j.far[from])
				wantClose(t, j.closed[to], 1011, duplex.Vanished)
				if took := time.Since(begun); took > time.Second {
					t.Errorf("it took %v", took)
				}
				<-j.over
			})
		})
	}
	t.Run("silent", func(t *testing.T) {
		bothWays(t, func(t *testing.T, from, to int) {
			j := join(t, from)
			go drain(j.far[from])
			begun := time.Now()
			wantClose(t, j.closed[to], 1011, duplex.Vanished)
			if took := time.Since(begun); !about(took, duplex.DeadAfter) {
				t.Errorf("it took %v", took)
			}
			<-j.over
		})
	})
}

// [L1] One that reads nothing is waited for a minute; the other is told 1011.
func TestJoinStalls(t *testing.T) {
	bothWays(t, func(t *testing.T, from, to int) {
		j := join(t, to)
		begun := time.Now()
		go func() { _ = j.far[from].WriteMessage(websocket.BinaryMessage, make([]byte, 200_000)) }()
		wantClose(t, j.closed[from], 1011, duplex.Vanished)
		if took := time.Since(begun); took < duplex.StallTimeout || took > duplex.StallTimeout+2*duplex.CloseTimeout {
			t.Errorf("it was told after %v", took)
		}
		<-j.over
		if took := time.Since(begun); took > duplex.StallTimeout+3*duplex.CloseTimeout {
			t.Errorf("it was over after %v", took)
		}
	})
}

// [L1] End tells both, and comes to an end.
func TestJoinEnds(t *testing.T) {
	for name, deaf := range map[string][]int{"both read": nil, "one does not": {0}, "the other does not": {1}} {
		inBubbleNamed(t, name, func(t *testing.T) {
			j := join(t, deaf...)
			synctest.Wait()
			begun := time.Now()
			j.joint.End(1001, "over")
			for i := range 2 {
				if j.closed[i] == nil {
					continue
				}
				err := <-j.closed[i]
				if !websocket.IsCloseError(err, 1001) {
					t.Errorf("%d ended with %v", i, err)
				}
			}
			<-j.over
			if took := time.Since(begun); took > 2*duplex.CloseTimeout+time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
