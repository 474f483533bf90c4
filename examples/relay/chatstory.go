package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/jitney-mq/jitney/client"
)

// A chatStory is what two senders have to say to each other.
type chatStory struct {
	*bus
	out io.Writer
}

func (s *chatStory) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// tell is the whole of it.
func (s *chatStory) tell(ctx context.Context) (err error) {
	s.say("1. A broker runs at %s, and relays at %s.", s.broker.URL, s.broker.RelayURL)
	chat, err := s.listen(ctx, chatPoint, newChat().handler())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chat.stop()) }()
	if err := s.look(ctx); err != nil {
		return err
	}
	ada, bo, err := s.gather(ctx)
	if err != nil {
		return err
	}
	if err := s.talk(ada, bo); err != nil {
		return err
	}
	if err := s.turnAway(ctx); err != nil {
		return err
	}
	return s.part(ada, bo)
}

// look gets the page, as a browser would.
func (s *chatStory) look(ctx context.Context) error {
	origin, err := s.origin(chatPoint)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.broker.RelayURL+"/", nil)
	if err != nil {
		return err
	}
	r.Host = strings.TrimPrefix(origin, "http://") // not every system finds names below localhost
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	size, err := io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s/: %s, %w", origin, response.Status, err)
	}
	s.say("2. The chat listens at no port, and %s/ is a page of %d bytes.", origin, size)
	return nil
}

// gather has both come in.
func (s *chatStory) gather(ctx context.Context) (ada, bo *sender, err error) {
	if ada, err = s.enter(ctx, "Ada"); err != nil {
		return nil, nil, err
	}
	if bo, err = s.enter(ctx, "Bo"); err != nil {
		return nil, nil, err
	}
	s.say("3. Ada and Bo come in, each over a WebSocket through the relay.")
	return ada, bo, errors.Join(ada.sees("Ada"), ada.sees("Ada", "Bo"), bo.sees("Ada", "Bo"))
}

// talk has them speak in turn. Both hear it.
func (s *chatStory) talk(ada, bo *sender) error {
	for _, line := range []struct {
		by   *sender
		text string
	}{
		{ada, "Is anybody here?"},
		{bo, "I am. Where is here?"},
		{ada, "Nowhere that you could connect to."},
	} {
		if err := line.by.say(line.text); err != nil {
			return err
		}
		if err := errors.Join(ada.hears(line.by.name, line.text), bo.hears(line.by.name, line.text)); err != nil {
			return err
		}
		s.say("   %s: %s", line.by.name, line.text)
	}
	return nil
}

// turnAway has somebody want to come in by a name that is taken.
func (s *chatStory) turnAway(ctx context.Context) error {
	second, err := s.enter(ctx, "Ada")
	if err == nil {
		return errors.Join(errors.New("two of the same name are in the room"), second.leave())
	}
	if refused, is := errors.AsType[*client.Error](err); !is || refused.Status != http.StatusConflict {
		return err
	}
	s.say("4. Another Ada is turned away by the chat: %v", err)
	return nil
}

// part has them go.
func (s *chatStory) part(ada, bo *sender) error {
	if err := errors.Join(bo.leave(), ada.sees("Ada"), ada.leave()); err != nil {
		return err
	}
	s.say("5. Bo leaves, which Ada sees, and leaves too.")
	return nil
}
