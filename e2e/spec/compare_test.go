package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
)

// Substitutions are the ids that the document shows, with those that a broker
// gave in their place. An id that comes again has to be the same again.
type substitutions map[string]string

func (s substitutions) learn(shown, given string) {
	if _, ok := s[shown]; !ok {
		s[shown] = given
	}
}

// apply puts the given ids in the place of those shown, all at once: one that
// was given can look like another one that is shown.
func (s substitutions) apply(text string) string {
	var pairs []string
	for shown, given := range s {
		pairs = append(pairs, shown, given)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

var (
	guid    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`)
)

// compareTexts compares texts but for instants and new ids.
func (s substitutions) compareTexts(want, got string) error {
	shown, given := guid.FindAllString(want, -1), guid.FindAllString(got, -1)
	for i := range min(len(shown), len(given)) {
		s.learn(shown[i], given[i])
	}
	if instant.ReplaceAllString(s.apply(want), "now") != instant.ReplaceAllString(got, "now") {
		return fmt.Errorf("%q is %q", want, got)
	}
	return nil
}

// anything stands for what an example does not show.
const anything = "…"

func (s substitutions) compareBodies(contentType, want, got string) error {
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case want == anything:
		return nil
	case media == "application/x-ndjson":
		return s.compareLines(want, got)
	case strings.HasSuffix(media, "json") && got != "" && want != "":
		return s.compareJSON(want, got)
	case strings.HasSuffix(media, "xml"):
		return s.compareTexts(betweenTags.ReplaceAllString(want, "><"), got)
	}
	return s.compareTexts(want, strings.TrimSuffix(got, "\n"))
}

var betweenTags = regexp.MustCompile(`>\s+<`)

// compareLines compares JSON lines. Of the progress of a stream only the last
// line is certain.
func (s substitutions) compareLines(want, got string) error {
	wanted := strings.Split(strings.ReplaceAll(want, "\n  ", " "), "\n")
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	for len(lines) > 1 && strings.HasPrefix(lines[1], `{"committed"`) {
		lines = lines[1:]
	}
	if len(wanted) != len(lines) {
		return fmt.Errorf("%d lines, want %d", len(lines), len(wanted))
	}
	for i := range wanted {
		if err := s.compareJSON(wanted[i], lines[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s substitutions) compareJSON(want, got string) error {
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		return fmt.Errorf("the example: %w", err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return err
	}
	return s.compareValues(w, g)
}

func (s substitutions) compareValues(want, got any) error {
	switch want := want.(type) {
	case string:
		if got, ok := got.(string); ok {
			return s.compareTexts(want, got)
		}
	case []any:
		if got, ok := got.([]any); ok {
			return s.compareItems(want, got)
		}
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return s.compareMembers(want, got)
		}
	default:
		if want == got {
			return nil
		}
	}
	return fmt.Errorf("%v is %v", want, got)
}

func (s substitutions) compareItems(want, got []any) error {
	if len(want) == 1 && want[0] == anything {
		return nil
	}
	if len(want) != len(got) {
		return fmt.Errorf("%d items, want %d", len(got), len(want))
	}
	for i := range want {
		if err := s.compareValues(want[i], got[i]); err != nil {
			return err
		}
	}
	return nil
}

// compareMembers compares objects. An instance is another one each time.
func (s substitutions) compareMembers(want, got map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, ok := got[name]
		switch {
		case name == anything, name == "instance" && ok:
			continue
		case !ok:
			return fmt.Errorf("%s is not there", name)
		}
		if err := s.compareValues(want[name], value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name := range got {
		if want[name] == nil && want[anything] == nil {
			return fmt.Errorf("%s is not in the example", name)
		}
	}
	return nil
}
