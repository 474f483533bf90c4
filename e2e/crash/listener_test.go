package crash_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// Bounds of what a listener does.
const (
	listenAtMost = 3 * time.Second
	shakeAtMost  = 5 * time.Second // hands
	maxCredit    = 20
	dropSlack    = time.Second // until the broker knows that a listener has gone
)

// A listener competes with the endpoints for what waits in the buffer of a
// router, over a WebSocket [S9].
type listener struct {
	*worker
	at *place

	conn       *websocket.Conn
	generation int                    // of the broker
	held       map[string]*delivery   // by token: not settled
	asked      map[string]*settlement // by lock: not answered
}

func (l *listener) work() {
	for l.next() {
		if l.connect() {
			l.listen()
		}
		l.pause(l.between(0, 50*time.Millisecond))
	}
}

// connect reports whether there is a socket, and it is known at which broker.
func (l *listener) connect() bool {
	before := l.turns.Load()
	d := websocket.Dialer{Subprotocols: []string{"jitney.push.v1"}, HandshakeTimeout: shakeAtMost}
	conn, answer, err := d.Dial(strings.Replace(l.broker.url(), "http", "ws", 1)+l.at.name, nil)
	if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		l.surprise("open", fmt.Errorf("%s", answer.Status))
	}
	if err != nil {
		return false
	}
	if before%2 == 1 || l.turns.Load() != before {
		conn.Close()
		return false
	}
	l.conn, l.generation = conn, int(before/2)
	l.held, l.asked = map[string]*delivery{}, map[string]*settlement{}
	return true
}

// listen takes messages for a while, and then goes without a word, or as one
// should: the broker takes back what is not settled.
func (l *listener) listen() {
	defer l.conn.Close()
	until := time.Now().Add(l.between(20*time.Millisecond, listenAtMost))
	err := l.conn.SetReadDeadline(until)
	for open := maxCredit; err == nil; {
		if err = l.grant(&open); err == nil {
			err = l.hear(&open)
		}
	}
	dropped := l.now()
	if l.chance(50) {
		_ = l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second)) // if it still can be told
	}
	l.conn.Close()
	l.leave(dropped)
}

// grant gives the credit that has come free, some at a time.
func (l *listener) grant(open *int) error {
	if *open < maxCredit/4 {
		return nil
	}
	n := *open
	*open = 0
	return l.conn.WriteJSON(map[string]int{"credit": n})
}

// hear reads a frame.
func (l *listener) hear(open *int) error {
	_, data, err := l.conn.ReadMessage()
	if err != nil {
		if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
			l.surprise("listen", err)
		}
		return err
	}
	var f struct {
		Deliver json.RawMessage
		Settled []struct {
			Lock   string
			Status int
		}
	}
	if err := json.Unmarshal(data, &f); err != nil || f.Deliver == nil && f.Settled == nil {
		l.surprise("listen", fmt.Errorf("it was told %.300q", data))
		return errors.New("no frame that anybody expects")
	}
	for _, s := range f.Settled {
		l.settled(s.Lock, s.Status)
	}
	if f.Deliver == nil {
		return nil
	}
	*open++
	return l.take(f.Deliver)
}

func (l *listener) surprise(what string, err error) {
	l.write(func(h *history) {
		h.surprises = append(h.surprises, fmt.Sprintf("%s, %s at %v: %v", l.name, what, l.now(), err))
	})
}

// take writes a message down, and mostly settles it.
func (l *listener) take(data []byte) error {
	r, err := message.ParseReceived(data)
	if err != nil {
		l.surprise("read", err)
		return err
	}
	d := l.newDelivery(call{start: l.now(), end: l.now()}, l.at, heard, r)
	d.generation = l.generation
	d.until = l.told(r.LockedUntil)
	d.untilBy = d.until
	d.given = d.until - l.at.lock
	d.givenBy = d.given
	d.start = d.given
	l.noteDelivery(d)
	l.held[d.token] = d
	what := client.Complete
	switch drawn := l.random.IntN(100); {
	case drawn < 3:
		return nil // it keeps it as long as it lives
	case drawn < 10:
		what = client.Abandon
	case drawn < 15:
		what = client.Release
	}
	l.asked[r.Lock] = &settlement{call: call{start: l.now()}, token: path.Base(r.Lock), what: what}
	return l.conn.WriteJSON(map[string]any{"settle": []map[string]string{{"lock": r.Lock, "disposition": string(what)}}})
}

// settled takes the answer to a settlement.
func (l *listener) settled(lock string, status int) {
	s := l.asked[lock]
	if s == nil {
		l.surprise("settle", fmt.Errorf("nobody asked about %s", lock))
		return
	}
	delete(l.asked, lock)
	delete(l.held, s.token)
	s.end = l.now()
	switch status {
	case http.StatusOK:
	case http.StatusGone:
		s.outcome = refused
	default:
		l.surprise(string(s.what), fmt.Errorf("status %d", status))
	}
	l.noteSettlement(*s)
}

// leave writes down what nobody knows any more.
func (l *listener) leave(at time.Duration) {
	for _, s := range l.asked {
		s.end, s.outcome = at, unknown
		l.noteSettlement(*s)
	}
	for token := range l.held { // they are given back
		l.noteSettlement(settlement{call: call{at - clockSlack, at + dropSlack, unknown}, token: token, what: client.Abandon})
	}
	l.write(func(h *history) {
		h.blinds = append(h.blinds, blind{call{at - clockSlack, at + dropSlack, unknown}, l.at, 1})
	})
}
