package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// writing is the goroutine that writes frames until the socket ends. Then it
// waits for what is under way, writes the answers, gives back what the client
// has not got or not settled, and says why [S9].
func (s *socket) writing() {
	defer close(s.written)
	if err := s.writeAll(); err != nil {
		s.fail(err)
	}
	<-s.ending
	<-s.read
	s.work.Wait()
	_ = s.writeReplies() // else the client has gone
	s.giveBack()
	s.writeClose()
}

// writeAll returns when the socket ends, or with why it has to.
func (s *socket) writeAll() error {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	var heard, gone <-chan struct{} = nil, s.queue.Gone()
	if s.listener != nil {
		heard = s.listener.News()
	}
	for {
		if err := s.writeWaiting(); err != nil {
			return err
		}
		var err error
		select {
		case <-s.news:
		case <-heard:
		case <-ping.C:
			err = s.ping()
		case <-gone:
			err = queue.ErrGone
		case <-s.server.draining.Done():
			err = errDraining
		case <-s.ending:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// writeWaiting writes what is there to be written.
func (s *socket) writeWaiting() error {
	if err := s.writeReplies(); err != nil {
		return err
	}
	if s.listener != nil {
		return s.writeHeard()
	}
	for d := s.nextDelivery(); d != nil; d = s.nextDelivery() {
		if err := s.writeDelivery(d); err != nil {
			return err
		}
		if err := s.writeReplies(); err != nil { // answers do not wait for a long list
			return err
		}
	}
	return nil
}

// ping asks the client whether it is there [S9].
func (s *socket) ping() error {
	if s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(socketWriteTimeout)) != nil {
		return errUnread
	}
	return nil
}

func (s *socket) writeReplies() error {
	s.mu.Lock()
	list := s.replies
	s.replies = nil
	s.mu.Unlock()
	for _, b := range list {
		if err := s.write(b); err != nil {
			return err
		}
		s.answered()
	}
	return nil
}

// nextDelivery takes the next message to be delivered, unless the socket ends.
func (s *socket) nextDelivery() *queue.Delivery {
	if s.isEnding() {
		return nil
	}
	s.mu.Lock()
	if len(s.deliveries) == 0 {
		s.deliveries = nil
		s.mu.Unlock()
		return nil
	}
	d := s.deliveries[0]
	s.deliveries[0] = nil
	s.deliveries = s.deliveries[1:]
	few := len(s.deliveries) == fewDeliveries
	s.mu.Unlock()
	if few {
		s.pull()
	}
	return d
}

// writeHeard writes what the listener has.
func (s *socket) writeHeard() error {
	for !s.isEnding() {
		h, ok, err := s.listener.Take()
		if err != nil || !ok {
			return err
		}
		if h.Delivery != nil {
			err = s.writeDelivery(h.Delivery)
		} else {
			err = s.writeLive(h.Live)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeLive writes a message that all subscribers get: what the first of them
// makes of it is written to all.
func (s *socket) writeLive(m *router.Live) error {
	form := m.Form(func(r *message.Received) any {
		b := append(message.AppendJSON([]byte(deliverStart), r), '}')
		prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, b)
		if err != nil {
			return err
		}
		return prepared
	})
	prepared, ok := form.(*websocket.PreparedMessage)
	if !ok {
		return form.(error)
	}
	s.bound(len(m.Body))
	return s.wrote(s.conn.WritePreparedMessage(prepared))
}

const deliverStart = `{"deliver":`

// writeDelivery writes a message with its lock. The memory that a large one
// takes is waited for.
func (s *socket) writeDelivery(d *queue.Delivery) error {
	defer d.Close()
	s.hold(d)
	weight := min(3*d.Size, maxReplyMemory)
	if err := s.server.replies.Acquire(s.taking, weight); err != nil {
		s.release(d)
		return nil // the socket ends
	}
	defer s.server.replies.Release(weight)
	if err := d.Load(); err != nil {
		s.release(d)
		return nil // it is gone, or put aside as damaged
	}
	d.Lock = s.locks + strconv.FormatInt(d.SequenceNumber, 10) + "/" + d.LockToken
	b := append(make([]byte, 0, 512+d.Size), deliverStart...)
	return s.write(append(message.AppendJSON(b, &d.Received), '}'))
}

// release gives back a message that the client has not got [R2].
func (s *socket) release(d *queue.Delivery) {
	s.settled(d.LockToken)
	_, _ = s.queue.Settle(context.Background(), queue.Settlement{Lock: d.LockToken, Disposition: queue.Release}) // else the lock ends by itself
	d.Close()
}

func (s *socket) write(b []byte) error {
	s.bound(len(b))
	return s.wrote(s.conn.WriteMessage(websocket.TextMessage, b))
}

// bound gives the client its time to read a frame of so many bytes: ten seconds
// for each MiB that has begun.
func (s *socket) bound(bytes int) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(socketWriteTimeout * time.Duration(1+bytes>>20))) // it only notes it
}

// wrote notes a frame that was written, or that the client has gone.
func (s *socket) wrote(err error) error {
	if err != nil {
		return errUnread
	}
	s.server.sockets.written.Inc()
	return nil
}

// fail ends the socket for a reason of the broker's.
func (s *socket) fail(err error) {
	switch k := kindOf(err); {
	case errors.Is(err, context.Canceled): // it ends
	case s.server.draining.Err() != nil:
		s.end(closing{code: websocket.CloseGoingAway, reason: "the broker is shutting down"})
	case errors.Is(err, router.ErrSlow), k.status == http.StatusServiceUnavailable:
		s.end(closing{code: websocket.CloseTryAgainLater, reason: err.Error()})
	case k.status == http.StatusForbidden, k.status == http.StatusNotFound:
		s.end(closing{code: closeStatus + k.status, reason: k.title})
	default:
		if !errors.Is(err, errUnread) {
			s.kindOf(err)
			s.end(closing{code: websocket.CloseInternalServerErr, reason: internalTitle})
		}
		s.end(closing{gone: true})
	}
}

// giveBack ends the locks that the client holds: what is under way to it may
// have been processed, and is abandoned; what is not, is released [R2].
func (s *socket) giveBack() {
	if s.listener != nil {
		s.listener.Close()
	}
	s.mu.Lock()
	list := s.deliveries
	all := make([]queue.Settlement, 0, len(list)+len(s.window.unsettled))
	for token := range s.window.unsettled {
		all = append(all, queue.Settlement{Lock: token, Disposition: queue.Abandon})
	}
	s.deliveries, s.window.unsettled = nil, nil
	s.mu.Unlock()
	for _, d := range list {
		all = append(all, queue.Settlement{Lock: d.LockToken, Disposition: queue.Release})
		d.Close()
	}
	if len(all) > 0 {
		_, _ = s.queue.Settle(context.Background(), all...) // else the locks end by themselves
	}
}

// writeClose says why the socket ends.
func (s *socket) writeClose() {
	s.server.sockets.closings.WithLabelValues(s.why.label()).Inc()
	if s.why.gone {
		return
	}
	reason := strings.ToValidUTF8(s.why.reason[:min(len(s.why.reason), maxCloseReason)], "")
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(s.why.code, reason), time.Now().Add(socketWriteTimeout))
}

func (c *closing) label() string {
	switch {
	case c.byClient:
		return "client"
	case c.gone:
		return "none"
	}
	return strconv.Itoa(c.code)
}
