package main

import (
	"time"

	"github.com/gorilla/websocket"
)

// A guest is somebody in the room.
type guest struct {
	name   string
	events chan event // to be told; closed when the guest is no longer in the room
}

// maxBehind is how many events a guest may be behind: one who hears nothing is
// not waited for.
const maxBehind = 64

func newGuest(name string) *guest { return &guest{name, make(chan event, maxBehind)} }

// tellTimeout bounds how long an event takes to be written.
const tellTimeout = 10 * time.Second

// tell tells a guest what happens until it has left, and closes the socket.
func (g *guest) tell(conn *websocket.Conn) {
	defer conn.Close()
	for e := range g.events {
		_ = conn.SetWriteDeadline(time.Now().Add(tellTimeout)) // the write says it
		if conn.WriteJSON(e) != nil {
			return
		}
	}
	goodbye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
	_ = conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(tellTimeout)) // the guest may have gone first
}
