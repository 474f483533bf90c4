package main

import (
	"go/constant"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/message"
)

// The list of headers that never are properties is closed: the document has
// all of it and nothing else. [Q3]
func TestClosedHeaders(t *testing.T) {
	t.Parallel()
	document, code := protocol(t), parseSource(t, "message")
	var prefixes []string
	for _, e := range code.items(t, "message.closedPrefixes") {
		prefixes = append(prefixes, constant.StringVal(code.value("message", e)))
	}
	for language, want := range map[string][]string{
		"headers":  strings.Fields(code.text(t, "message.closedHeaders")),
		"words":    strings.Fields(code.text(t, "message.credentialWords")),
		"prefixes": prefixes,
	} {
		got := strings.Fields(strings.Join(blocks(document, language), "\n"))
		compareSets(t, language, got, want)
	}
}

// What the document says holds for the function that decides. [Q3]
func TestClosedHeadersHold(t *testing.T) {
	t.Parallel()
	document := protocol(t)
	for _, header := range strings.Fields(blocks(document, "headers")[0]) {
		if message.IsPropertyHeader(header) {
			t.Errorf("%s is a property", header)
		}
	}
	for _, prefix := range strings.Fields(blocks(document, "prefixes")[0]) {
		if message.IsPropertyHeader(prefix + "Anything") {
			t.Errorf("%sAnything is a property", prefix)
		}
	}
	for _, word := range strings.Fields(blocks(document, "words")[0]) {
		if message.IsPropertyHeader("My-" + word + "-Text") {
			t.Errorf("My-%s-Text is a property", word)
		}
	}
	for _, header := range []string{"Traceparent", "Tracestate", "Baggage", "Label", "Urgency", "Order-Id"} {
		if !message.IsPropertyHeader(header) {
			t.Errorf("%s is no property", header)
		}
	}
}

// compareSets reports what only one of two lists has, and what got has twice.
func compareSets(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s: the document lacks %s", what, w)
		}
	}
	for i, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s: the code lacks %s", what, g)
		}
		if slices.Contains(got[:i], g) {
			t.Errorf("%s: %s is there twice", what, g)
		}
	}
}
