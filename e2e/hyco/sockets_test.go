package hyco_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestSocket has text and bytes go to the listener and back, small and large.
// [L1]
func TestSocket(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/echo")
	listener := b.run("listen.js", "echo")
	listener.await("listening")
	sender := b.run("connect.js", "echo/a/room?color=red&sb-hc-id=mine")
	sender.await("open ")
	query := listener.await(`open /\$hc/echo/a/room \?(\S*) `)[0]
	if !strings.Contains(query, "color=red") || strings.Contains(query, "sb-hc-id=mine") {
		t.Errorf("the listener sees the query %s, want the argument color and not the sender's own sb-hc-id", query)
	}
	for _, line := range []string{
		"hello", "Grüße, 世界", "/binary 1", "/binary 125", "/binary 126", "/binary 65535", "/binary 65536",
		"/text 70000", "/text 500000", "/binary 1048576", "/binary 0", "and again",
	} {
		sender.say("%s", line)
		sent := sender.await(`sent (.+)`)[0]
		if got := sender.await(`got (.+)`)[0]; got != sent {
			t.Errorf("%s: sent %s, got %s", line, sent, got)
		}
	}
}

// TestClose has the code and the reason of a close reach the other end, and that
// an end vanishes.
func TestClose(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/echo")
	for _, tt := range []struct {
		name string
		do   func(sender *script)
		want string // what both print
	}{
		{"BySender", func(s *script) { s.say("/close 4000 that is all") }, "closed 4000 that is all"},
		{"ByListener", func(s *script) { s.say("close 4001 enough now") }, "closed 4001 enough now"},
		{"WithoutReason", func(s *script) { s.say("/close 1000") }, "closed 1000 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sender, listener := b.pair(t)
			tt.do(sender)
			sender.await(tt.want)
			listener.await(tt.want)
		})
	}
	t.Run("SenderKilled", func(t *testing.T) {
		sender, listener := b.pair(t)
		sender.kill()
		listener.await("closed 1011 .*")
	})
	t.Run("ListenerKilled", func(t *testing.T) {
		sender, listener := b.pair(t)
		listener.kill()
		sender.await("closed 1011 .*")
	})
}

// pair returns a sender and a listener that have a socket in common.
func (b *broker) pair(t *testing.T) (sender, listener *script) {
	t.Helper()
	listener = b.within(t).run("listen.js", "echo")
	listener.await("listening")
	sender = b.within(t).run("connect.js", "echo")
	sender.await("open ")
	listener.await("open .*")
	return sender, listener
}

// TestProtocol has the listener choose a sub-protocol, of which the sender hears.
func TestProtocol(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	for _, tt := range []struct {
		name    string
		listen  []string
		connect []string
		want    string
	}{
		{"First", nil, []string{"--protocol=chat", "--protocol=v2"}, "chat"},
		{"Chosen", []string{"--choose=v2"}, []string{"--protocol=chat", "--protocol=v2"}, "v2"},
		{"None", nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := b.within(t)
			b.point("/" + tt.name)
			listener := b.run("listen.js", tt.name, tt.listen...)
			listener.await("listening")
			b.run("connect.js", tt.name, tt.connect...).await("open " + tt.want)
			listener.await(`open \S+ \S+ ` + tt.want)
		})
	}
}

// TestManySockets has twenty senders at one listener, each of whom gets its own.
func TestManySockets(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/echo")
	b.run("listen.js", "echo").await("listening")
	conns := make([]*websocket.Conn, 20)
	for i := range conns {
		conn, err := b.dial("/$hc/echo?sb-hc-action=connect")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	for round := range 10 {
		for i, conn := range conns {
			if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "%d of %d", round, i)); err != nil {
				t.Fatal(err)
			}
		}
		for i, conn := range conns {
			if got, err := read(conn); got != fmt.Sprintf("%d of %d", round, i) {
				t.Errorf("socket %d, round %d: got %q, %v", i, round, got, err)
			}
		}
	}
}

// TestBalance has two listeners at one point, both of whom get senders.
func TestBalance(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/echo")
	first := b.run("listen.js", "echo", "--name=first")
	second := b.run("listen.js", "echo", "--name=second")
	first.await("listening")
	second.await("listening")
	count := map[string]int{}
	for range 40 { // all at one of them: once in 2^39 runs
		count[b.who()]++
	}
	if count["first"] == 0 || count["second"] == 0 || len(count) != 2 {
		t.Errorf("40 senders met %v, want both", count)
	}
	second.kill()
	inTurn := 0
	b.poll("the first answers ten times in turn", func() bool {
		if name, err := b.ask(); name != "first" || err != nil {
			inTurn = 0
			return false
		}
		inTurn++
		return inTurn == 10
	})
}

// who asks whoever listens at /echo for its name.
func (b *broker) who() string {
	b.Helper()
	name, err := b.ask()
	if err != nil {
		b.Fatal(err)
	}
	return name
}

func (b *broker) ask() (name string, err error) {
	conn, err := b.dial("/$hc/echo?sb-hc-action=connect")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte("who")); err != nil {
		return "", err
	}
	return read(conn)
}

// TestReject has a listener reject a socket, with the status that the sender gets.
func TestReject(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/closed")
	listener := b.run("reject.js", "closed", "403", "not", "today")
	listener.await("listening")
	for range 3 {
		b.run("connect.js", "closed").await("refused 403 .*not today.*")
		listener.await("answered 410")
	}
}

// TestRejectByPackage has hyco-ws reject a socket, of which it dies: its code
// for that uses a variable that is not there. The sender hears of it at once.
func TestRejectByPackage(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/picky")
	listener := b.run("listen.js", "picky", "--choose=v2")
	listener.await("listening")
	b.run("connect.js", "picky", "--protocol=v1").await("refused 502 .*")
	listener.ended()
}

// TestNobody has senders where nobody listens, and where there is nothing.
func TestNobody(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/empty")
	b.run("connect.js", "empty").await("refused 502 .*")
	b.run("connect.js", "nowhere").await("refused 404 .*")
}

// dial opens a socket at the broker.
func (b *broker) dial(path string) (*websocket.Conn, error) {
	conn, response, err := websocket.DefaultDialer.Dial("ws://"+b.address+path, nil)
	if response != nil && err != nil {
		err = fmt.Errorf("%w: %s", err, response.Status)
	}
	return conn, err
}

func read(conn *websocket.Conn) (string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	_, text, err := conn.ReadMessage()
	return string(text), err
}
