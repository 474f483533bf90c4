package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// Limits of a Socket.
const (
	maxInbox      = 10_000 // messages that wait for Next
	maxSocketRead = 256 << 20
	socketWrite   = 10 * time.Second // for a frame to leave
	socketSilence = 75 * time.Second // without a frame or ping of the broker's, who pings every 30 s
	socketBye     = 5 * time.Second  // for the broker to answer a close
)

// ErrSlow says that messages came faster than Next was called, and that some
// were missed.
var ErrSlow = errors.New("the receiver does not keep up, and has missed messages")

// A Socket is a WebSocket at a queue, a subscription, one of their dead-letter
// queues, or a router: whoever has one gets messages as they come, and can send
// and settle without waiting for the answer to the call before. Its methods may
// be called from any goroutine. When it has ended, all of them return why.
//
// Of a router that sends to all a Socket gets what is sent while it is open;
// nothing of that is locked. Of all else it gets as many messages as Credit
// allows, each under a lock that ends with the Socket: what has not been settled
// by then is delivered again.
type Socket struct {
	// Fixed after construction.
	client *Client
	conn   *websocket.Conn
	news   chan struct{} // holds one signal: the inbox has something
	ended  chan struct{} // closed when err is set

	writing sync.Mutex // one frame at a time

	mu      sync.Mutex // guards what follows
	inbox   []*message.Received
	lastRef uint64
	calls   map[uint64]chan answerFrame
	err     error
}

// answerFrame is what the broker says.
type answerFrame struct {
	Deliver json.RawMessage    `json:"deliver"`
	Sent    []SocketSent       `json:"sent"`
	Settled []problem.Document `json:"settled"`
	Renewed []renewedLock      `json:"renewed"`
	Error   *problem.Document  `json:"error"`
	Ref     uint64             `json:"ref"`
}

// SocketSent says what became of one message.
type SocketSent struct {
	SequenceNumber int64  `json:"sequenceNumber"` // in a queue
	Deliveries     int    `json:"deliveries"`     // from a router: subscriptions that have it on disk
	Outcome        string `json:"outcome"`        // "discarded" by a full queue, "unrouted" by a router; else empty
}

type renewedLock struct {
	problem.Document
	LockedUntilUtc time.Time
}

// Dial opens a Socket at a name. ctx bounds the opening only.
func (c *Client) Dial(ctx context.Context, name string) (*Socket, error) {
	conn, err := c.dialSocket(ctx, socketDial{path: escape(name), header: headers("User-Agent", c.agent), subprotocols: []string{subprotocol}})
	if err != nil {
		return nil, err
	}
	s := &Socket{
		client: c, conn: conn, calls: make(map[uint64]chan answerFrame),
		news: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	conn.SetReadLimit(maxSocketRead)
	conn.SetPingHandler(s.pinged)
	go s.read()
	return s, nil
}

// Close ends the Socket, once the broker has answered all that was called for
// before. Messages that were not settled are given back.
func (s *Socket) Close() error {
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(socketWrite))
	patience := time.NewTimer(socketBye)
	defer patience.Stop()
	select {
	case <-s.ended:
	case <-patience.C:
		_ = s.conn.Close()
		<-s.ended
	}
	return nil
}

// Ended is closed when the Socket has ended; Err says why.
func (s *Socket) Ended() <-chan struct{} { return s.ended }

// Err returns why the Socket has ended: an *Error of the broker's, ErrSlow, or
// one that wraps ErrNoAnswer; nil if it is open.
func (s *Socket) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Next returns the next message, when there is one. What has come is returned
// also after the Socket's end.
func (s *Socket) Next(ctx context.Context) (*message.Received, error) {
	for {
		if m, err := s.take(); m != nil || err != nil {
			return m, err
		}
		select {
		case <-s.news:
		case <-s.ended:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *Socket) take() (*message.Received, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inbox) == 0 {
		return nil, s.err
	}
	m := s.inbox[0]
	s.inbox[0] = nil
	if s.inbox = s.inbox[1:]; len(s.inbox) > 0 {
		s.signal() // there may be another who waits
	}
	return m, nil
}

func (s *Socket) signal() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// Credit has up to n more messages come under locks. At most 1,000 may be on
// their way: the broker ends a Socket that asks for more.
func (s *Socket) Credit(n int) error {
	return s.write(fmt.Appendf(nil, `{"credit":%d}`, n))
}

// Send sends messages in one commit: all of them or none. An *Error says that
// none was; without an answer it is unknown. Sends that are under way at one
// time are carried out in the order of the calls.
func (s *Socket) Send(ctx context.Context, messages ...*message.Message) ([]SocketSent, error) {
	frame := []byte(`{"send":[`)
	for i, m := range messages {
		if err := m.Validate(); err != nil {
			return nil, err
		}
		if i > 0 {
			frame = append(frame, ',')
		}
		frame = message.AppendJSON(frame, &message.Received{Message: m})
	}
	answer, err := s.call(ctx, append(frame, ']'))
	return answer.Sent, err
}

// Settle ends locks, in one commit, as [Client.Settle] does.
func (s *Socket) Settle(ctx context.Context, settlements ...Settlement) ([]error, error) {
	body, err := s.client.settleBody(settlements)
	if err != nil {
		return nil, err
	}
	answer, err := s.call(ctx, append([]byte(`{"settle":`), body...))
	if err != nil {
		return nil, err
	}
	return errorsOf(answer.Settled, len(settlements))
}

// Renew starts a lock's time anew, as [Client.Renew] does.
func (s *Socket) Renew(ctx context.Context, lock string, duration time.Duration) (time.Time, error) {
	path, err := s.client.lockPath(lock)
	if err != nil {
		return time.Time{}, err
	}
	frame := fmt.Appendf(nil, `{"renew":[{"lock":%q`, path)
	if duration > 0 {
		frame = fmt.Appendf(frame, `,"duration":%s`, seconds(duration))
	}
	answer, err := s.call(ctx, append(frame, "}]"...))
	if err != nil {
		return time.Time{}, err
	}
	if len(answer.Renewed) != 1 {
		return time.Time{}, fmt.Errorf("the broker answered %d results for one renewal", len(answer.Renewed))
	}
	errs, err := errorsOf([]problem.Document{answer.Renewed[0].Document}, 1)
	if err == nil {
		err = errs[0]
	}
	return answer.Renewed[0].LockedUntilUtc, err
}

// call writes a frame, an object without its end, and waits for its answer.
func (s *Socket) call(ctx context.Context, frame []byte) (answerFrame, error) {
	answered := make(chan answerFrame, 1)
	ref, err := s.register(answered)
	if err != nil {
		return answerFrame{}, err
	}
	defer s.forget(ref)
	frame = append(frame, `,"ref":`...)
	if err := s.write(append(strconv.AppendUint(frame, ref, 10), '}')); err != nil {
		return answerFrame{}, err
	}
	select {
	case a := <-answered:
		return a, a.err()
	case <-s.ended:
	case <-ctx.Done():
		return answerFrame{}, context.Cause(ctx)
	}
	select {
	case a := <-answered:
		return a, a.err()
	default:
		return answerFrame{}, s.Err()
	}
}

func (a *answerFrame) err() error {
	if a.Error == nil {
		return nil
	}
	e := &Error{Status: a.Error.Status, Document: *a.Error}
	return e.complete()
}

func (s *Socket) register(answered chan answerFrame) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastRef++
	s.calls[s.lastRef] = answered
	return s.lastRef, s.err
}

func (s *Socket) forget(ref uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, ref)
}

func (s *Socket) write(frame []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(socketWrite)) // it only notes it
	if err := s.conn.WriteMessage(websocket.TextMessage, frame); err != nil {
		_ = s.conn.Close() // the reader says why
		<-s.ended
		return s.Err()
	}
	return nil
}

// pinged answers the broker, who is alive.
func (s *Socket) pinged(data string) error {
	_ = s.conn.SetReadDeadline(time.Now().Add(socketSilence))
	_ = s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(socketWrite)) // a write that fails is noticed elsewhere
	return nil
}

// read takes frames until the Socket ends.
func (s *Socket) read() {
	err := s.readAll()
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	close(s.ended)
	_ = s.conn.Close()
}

func (s *Socket) readAll() error {
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(socketSilence))
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			return closedError(err)
		}
		if err := s.got(data); err != nil {
			return err
		}
	}
}

func (s *Socket) got(data []byte) error {
	var a answerFrame
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("the broker's frame cannot be read: %w", err)
	}
	if a.Deliver == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if answered := s.calls[a.Ref]; answered != nil {
			answered <- a
			delete(s.calls, a.Ref)
		}
		return nil
	}
	m, err := message.ParseReceived(a.Deliver)
	if err != nil {
		return fmt.Errorf("the broker's message cannot be read: %w", err)
	}
	m.Size = int64(len(m.Body))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inbox) >= maxInbox {
		return ErrSlow
	}
	s.inbox = append(s.inbox, m)
	s.signal()
	return nil
}

// closedError says why a Socket has ended: the broker's own reasons as the
// statuses that they stand for.
func closedError(err error) error {
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if !ok {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	e := &Error{Document: problem.Document{Detail: closed.Text}}
	switch code := closed.Code; {
	case code > 4400 && code < 4600:
		e.Status = code - 4000
	case code == websocket.CloseGoingAway, code == websocket.CloseTryAgainLater, code == websocket.CloseServiceRestart:
		e.Status = 503
	case code == websocket.CloseUnsupportedData, code == websocket.CloseInvalidFramePayloadData, code == websocket.ClosePolicyViolation:
		e.Status = 400
	case code == websocket.CloseMessageTooBig:
		e.Status = 413
	default:
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return e.complete()
}
