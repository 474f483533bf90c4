package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
)

// The names of the chat. What is relayed has the connection point's name in
// front, whatever host it was asked for by.
const (
	chatPoint  = "/chat"
	chatSocket = chatPoint + "/socket" // ?name= is who wants to come in
)

//go:embed page.html
var page []byte

// A chat is a web server with one page and one room. It listens at no port.
type chat struct{ room *room }

func newChat() *chat { return &chat{newRoom()} }

// handler is the chat as a listener has it work.
func (c *chat) handler() client.RelayHandler {
	m := http.NewServeMux()
	m.HandleFunc("GET "+chatPoint+"/{$}", c.page)
	m.HandleFunc("GET "+chatPoint+"/people", c.people)
	m.HandleFunc("POST "+chatPoint+"/say", c.say)
	return client.RelayHandler{HTTP: m, Socket: c.socket}
}

func (c *chat) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // a browser that has gone needs no page
}

// people answers who is in the room.
func (c *chat) people(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(c.room.people()) // whoever has gone needs no answer
}

// say says a line for somebody who has no socket.
func (c *chat) say(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLine))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	c.room.say("a passer-by", string(text))
	w.WriteHeader(http.StatusNoContent)
}

// socket lets somebody in, until the socket ends.
func (c *chat) socket(s *client.RelayedSocket) {
	if s.Request.URL.Path != chatSocket {
		_ = s.Reject(http.StatusNotFound, "sockets are opened at "+chatSocket) // the broker gives up in its time
		return
	}
	g, err := c.room.enter(s.Request.URL.Query().Get("name"))
	if err != nil {
		_ = s.Reject(statusFor(err), err.Error()) // as above
		return
	}
	var telling sync.WaitGroup
	defer telling.Wait()
	defer c.room.leave(g) // which has telling end
	conn, err := s.Accept("")
	if err != nil {
		return // whoever wanted to come in has gone
	}
	telling.Go(func() { g.tell(conn) })
	c.hear(g, conn)
}

// hear takes what a guest says, until the socket ends.
func (c *chat) hear(g *guest, conn *websocket.Conn) {
	conn.SetReadLimit(maxLine)
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil || kind != websocket.TextMessage {
			return
		}
		c.room.say(g.name, string(text))
	}
}

// statusFor returns by which status somebody is turned away.
func statusFor(err error) int {
	switch {
	case errors.Is(err, errTaken):
		return http.StatusConflict
	case errors.Is(err, errFull):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
