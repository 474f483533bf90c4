package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// A sender is somebody in the chat who has no browser.
type sender struct {
	name string
	conn *websocket.Conn
}

// enter opens a socket through the relay.
func (b *bus) enter(ctx context.Context, name string) (*sender, error) {
	conn, err := b.client.DialRelay(ctx, chatSocket+"?name="+url.QueryEscape(name), nil)
	if err != nil {
		return nil, err
	}
	return &sender{name, conn}, nil
}

func (s *sender) say(text string) error {
	return s.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// hearTimeout bounds how long something takes to be heard.
const hearTimeout = 20 * time.Second

// hear returns what happens next.
func (s *sender) hear() (e event, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(hearTimeout)) // the read says it
	err = s.conn.ReadJSON(&e)
	return e, err
}

// sees makes sure that the next event is who is there.
func (s *sender) sees(names ...string) error {
	e, err := s.hear()
	if err == nil && !slices.Equal(e.Here, names) {
		err = fmt.Errorf("%s heard %+v, want that %q are there", s.name, e, names)
	}
	return err
}

// hears makes sure that the next event is what somebody says.
func (s *sender) hears(from, text string) error {
	e, err := s.hear()
	if err == nil && (e.From != from || e.Text != text) {
		err = fmt.Errorf("%s heard %+v, want %q from %s", s.name, e, text, from)
	}
	return err
}

// leave ends the socket, and says so.
func (s *sender) leave() error {
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := s.conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(hearTimeout)); err != nil {
		return err
	}
	for {
		if _, err := s.hear(); err != nil {
			_ = s.conn.Close() // it has ended
			if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				return nil
			}
			return err
		}
	}
}
