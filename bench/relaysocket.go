package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// socketTurns is by how many short runs each long one is replaced. Three busy
// processes share the processors here, now well and now badly: it takes many turns
// for that to be the same for all sides.
const socketTurns = 5

// measureSockets measures what one socket carries, beside a pipe of two sockets and
// beside no relay at all.
func (r *relayed) measureSockets(ctx context.Context) error {
	short := r.sizes
	short.rounds, short.run = socketTurns*short.rounds, short.run/socketTurns
	long := r.sizes
	defer func() { r.sizes = long }()
	r.sizes = short
	for _, size := range []int{1 << 10, 64 << 10} {
		all, err := r.alternate(ctx, r.messages(r.broker, size), r.messages(r.pipe, size), r.messages(r.answerer, size))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("a socket, messages of %d KiB", size>>10)
		bytes := func(one Sample) float64 { return mebibytes(uint64(size)) * one.Rate() }
		r.report.add(
			all[0].withRate(0.4, name, "a bare WebSocket pipe", all[1])[rateRow],
			Row{Name: name + ", bytes", Value: all[0].median(bytes), Unit: "MiB/s"}.
				against("no relay at all", all[2].median(bytes)).atLeast(0.4),
		)
	}
	return nil
}

// messages has one socket send messages to a process, and a sink behind it count
// them. The run ends when all have come.
func (r *relayed) messages(to *partProcess, size int) contender {
	return func(ctx context.Context) (sample Sample, err error) {
		conn, answer, err := socketDialer.DialContext(ctx, "ws://"+to.address+answerPoint, nil)
		if err != nil {
			return sample, err
		}
		_ = answer.Body.Close() // it has been read
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		s := sending{conn: conn, message: make([]byte, size)}
		if err := s.run(r.warmUp); err != nil {
			return sample, err
		}
		before, start := s.count, time.Now()
		err = s.run(r.stage.run)
		return Sample{Messages: int(s.count - before), Elapsed: time.Since(start), Latency: &Histogram{}}, err
	}
}

// sending is the sender's end of a socket at whose other end is a sink.
type sending struct {
	conn    *websocket.Conn
	message []byte
	count   int64 // so far
}

// run sends for a while and returns when everything has come.
func (s *sending) run(length time.Duration) error {
	for end := time.Now().Add(length); time.Now().Before(end); s.count++ {
		if err := s.conn.WriteMessage(websocket.BinaryMessage, s.message); err != nil {
			return err
		}
	}
	if err := s.conn.WriteMessage(websocket.TextMessage, []byte("how many?")); err != nil {
		return err
	}
	_, text, err := s.conn.ReadMessage()
	if sent := sunk(s.count, s.count*int64(len(s.message))); err == nil && string(text) != string(sent) {
		err = fmt.Errorf("%w: %s were sent, %s came", ErrLost, sent, text)
	}
	return err
}
