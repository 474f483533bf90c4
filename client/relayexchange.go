package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/jitney-mq/jitney/relay/control"
)

// A relayExchange is one request with its response.
type relayExchange struct {
	channel *relayChannel
	ctx     context.Context // ends with the exchange
	end     context.CancelFunc
	message *control.RequestMessage
	meeting *rendezvous // nil while there is none
	forget  func() bool // lets ctx end without breaking the meeting off
	part    func() bool // lets the channel end without ctx
	late    *time.Timer // ends ctx when the broker does not wait for a response any more
}

// serve has the handler answer a request that has come, or was announced.
func (c *relayChannel) serve(m *control.RequestMessage, body []byte) {
	x := &relayExchange{channel: c, message: m, forget: func() bool { return true }}
	x.ctx, x.end = context.WithCancel(c.serving)
	x.part = context.AfterFunc(c.live, x.end)
	x.late = time.AfterFunc(control.ResponseTimeout, x.end)
	defer x.close()
	request, err := x.request(body)
	if err != nil {
		c.opts.Logger.Warn("a relayed request cannot be read", "id", m.ID, "error", err)
		c.refuse(m.ID, http.StatusBadGateway, "the listener could not read the request")
		return
	}
	x.answer(request)
}

// close ends what is left of the exchange.
func (x *relayExchange) close() {
	x.late.Stop()
	x.part()
	x.end()
	if x.forget(); x.meeting != nil {
		x.meeting.socket.Close()
	}
}

// request returns the request, fetched if it was only announced.
func (x *relayExchange) request(body []byte) (*http.Request, error) {
	if x.message.IsAnnouncement() {
		return x.fetch()
	}
	request, err := x.channel.client.newRelayedRequest(x.ctx, x.message)
	if err == nil {
		takeBody(request, body)
	}
	return request, err
}

// fetch gets the request that was announced. Its body comes as it is read.
func (x *relayExchange) fetch() (*http.Request, error) {
	if err := x.meet(); err != nil {
		return nil, err
	}
	m, err := x.meeting.readRequest()
	if err != nil {
		return nil, err
	}
	x.message = m
	request, err := x.channel.client.newRelayedRequest(x.ctx, m)
	if err != nil {
		return nil, err
	}
	if m.HasBody() {
		x.meeting.receiveBody(request)
	}
	x.watch()
	return request, nil
}

// meet opens the rendezvous socket. It is broken off when the exchange ends
// before it is complete.
func (x *relayExchange) meet() (err error) {
	if x.meeting, err = x.channel.openRendezvous(x.ctx, x.message.Address); err == nil {
		x.forget = context.AfterFunc(x.ctx, x.meeting.socket.Close)
		x.part() // there is a socket of its own, by which the broker says when it gives up
		x.late.Stop()
	}
	return err
}

// watch ends the exchange when the broker gives it up.
func (x *relayExchange) watch() {
	x.channel.work.Go(func() { x.meeting.watch(x.end) })
}

// answer calls the handler and completes its response.
func (x *relayExchange) answer(request *http.Request) {
	w := &relayResponse{exchange: x, method: request.Method, header: http.Header{}, declared: -1}
	well := x.call(w, request)
	_ = request.Body.Close() // it never fails
	if x.ctx.Err() != nil {
		return // the handler has stopped short, perhaps
	}
	if !well && !w.restart("the handler failed") {
		return
	}
	if w.finish() && x.meeting != nil {
		<-x.meeting.ended // the broker closes it when it has got all; what is on the way would be lost before
	}
}

// call reports whether the handler has returned as it should.
func (x *relayExchange) call(w *relayResponse, request *http.Request) (well bool) {
	defer func() {
		if reason := recover(); reason != nil && reason != any(http.ErrAbortHandler) {
			x.channel.opts.Logger.Error("a handler of relayed requests panicked",
				"panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
		}
	}()
	handler := x.channel.handler.HTTP
	if handler == nil {
		handler = http.HandlerFunc(notImplemented)
	}
	handler.ServeHTTP(w, request)
	return true
}

func notImplemented(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "this listener takes no requests", http.StatusNotImplemented)
}

// say writes a whole response: to the rendezvous socket, if there is one.
func (x *relayExchange) say(m *control.ResponseMessage, body []byte) error {
	x.late.Stop()
	said := x.channel.say
	if x.meeting != nil {
		said = x.meeting.say
	}
	err := said(control.Message{Response: m}, body)
	if errors.Is(err, control.ErrLarge) {
		x.channel.opts.Logger.Warn("a response cannot be relayed", "id", m.RequestID, "error", err)
		err = said(control.Message{Response: tooLarge(m.RequestID)}, []byte("the header of the response is too large to be relayed\n"))
	}
	return err
}

// tooLarge stands in for a response whose header the broker would not take.
func tooLarge(id string) *control.ResponseMessage {
	return &control.ResponseMessage{
		RequestID: id, StatusCode: http.StatusBadGateway, Body: true,
		Headers: control.Header{"Content-Type": {"text/plain; charset=utf-8"}},
	}
}

// stream writes the beginning of a response to the rendezvous socket.
func (x *relayExchange) stream(m *control.ResponseMessage) (*relayStream, error) {
	if x.meeting == nil {
		if err := x.meet(); err != nil {
			x.channel.refuse(m.RequestID, http.StatusBadGateway, "the listener could not open a socket for its response")
			return nil, err
		}
		x.watch()
	}
	if err := x.meeting.say(control.Message{Response: m}, nil); err != nil {
		if errors.Is(err, control.ErrLarge) {
			_ = x.say(m, nil) // says so
		}
		return nil, err
	}
	return x.meeting.stream(), nil
}
