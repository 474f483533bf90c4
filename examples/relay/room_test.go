package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRoomRefuses(t *testing.T) {
	t.Parallel()
	r := newRoom()
	for n := range maxGuests {
		if _, err := r.enter(fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]error{
		"": errName, strings.Repeat("é", maxName+1): errName, "\xff": errName, "7": errTaken, strings.Repeat("é", maxName): errFull,
	} {
		if _, err := r.enter(name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
}

// A guest who hears nothing is no longer there, and holds up nobody.
func TestRoomSlowGuest(t *testing.T) {
	t.Parallel()
	r := newRoom()
	slow, err := r.enter("slow")
	if err != nil {
		t.Fatal(err)
	}
	for range maxBehind {
		r.say("somebody", "something")
	}
	if people := r.people(); len(people) != 0 {
		t.Errorf("%v are here", people)
	}
	heard := 0
	for range slow.events {
		heard++
	}
	if heard != maxBehind {
		t.Errorf("it was told %d events, want %d", heard, maxBehind)
	}
	r.leave(slow)
	again, err := r.enter("slow")
	if err != nil {
		t.Fatal(err)
	}
	r.leave(slow) // of a socket that ends late
	if people := r.people(); len(people) != 1 {
		t.Errorf("%v are here, want who came again", people)
	}
	r.leave(again)
}
