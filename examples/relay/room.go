package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"
)

// Limits of a room.
const (
	maxGuests = 50
	maxName   = 40      // characters
	maxLine   = 2 << 10 // bytes
)

// Why somebody is turned away.
var (
	errName  = fmt.Errorf("a name has 1 to %d characters", maxName)
	errTaken = errors.New("somebody of that name is here already")
	errFull  = errors.New("the room is full")
)

// An event is what all who are in the room get to know: who is there, or what
// somebody says.
type event struct {
	Here []string `json:"here,omitempty"`
	From string   `json:"from,omitempty"`
	Text string   `json:"text,omitempty"`
}

// A room is who is there. Its methods may be called from any goroutine.
type room struct {
	mu     sync.Mutex // guards guests
	guests map[string]*guest
}

func newRoom() *room { return &room{guests: map[string]*guest{}} }

// enter lets somebody in, and tells all: errName, errTaken, errFull.
func (r *room) enter(name string) (*guest, error) {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName {
		return nil, errName
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.guests[name] != nil:
		return nil, errTaken
	case len(r.guests) >= maxGuests:
		return nil, errFull
	}
	g := newGuest(name)
	r.guests[name] = g
	r.tell(event{Here: r.names()})
	return g, nil
}

// leave has a guest be gone, and tells all who are left.
func (r *room) leave(g *guest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(g)
	r.tell(event{Here: r.names()})
}

// say tells all what somebody says.
func (r *room) say(from, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(event{From: from, Text: text})
}

func (r *room) people() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names()
}

// tell tells all. Who does not listen is removed. The caller holds mu.
func (r *room) tell(e event) {
	for _, g := range r.guests {
		select {
		case g.events <- e:
		default:
			r.remove(g)
		}
	}
}

// remove ends what a guest is told, unless it has ended. The caller holds mu.
func (r *room) remove(g *guest) {
	if r.guests[g.name] == g {
		delete(r.guests, g.name)
		close(g.events)
	}
}

// names are in their order, and never nil. The caller holds mu.
func (r *room) names() []string {
	return append([]string{}, slices.Sorted(maps.Keys(r.guests))...)
}
