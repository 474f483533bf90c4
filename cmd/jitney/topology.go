package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// Limits of a topology.
const (
	maxTopologyFile  = 16 << 20 // bytes of one file
	maxTopologyNames = 100_000  // names and subscriptions
)

// topology is what names and subscriptions there are to be.
type topology struct {
	wanted map[string]*assignment // by the key of the name
	sorted []*assignment          // by name
}

// assignment is what a topology says of one name.
type assignment struct {
	name   namespace.Name
	policy policy.Policy
}

// readTopology reads a file, standard input or a folder.
func (e *env) readTopology(path string) (*topology, error) {
	t := &topology{wanted: map[string]*assignment{}}
	if info, err := os.Stat(path); path != "-" && err == nil && info.IsDir() {
		err = t.readFolder(path)
		return t.done(path, err)
	}
	input, err := e.open(path)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	text, err := readTopologyFile(input)
	if err == nil {
		err = t.readDocument(text)
	}
	return t.done(path, err)
}

// done sorts what was read.
func (t *topology) done(path string, err error) (*topology, error) {
	if err != nil {
		return nil, marked{fmt.Errorf("%s: %w", path, err), client.ErrInvalid}
	}
	for _, w := range t.wanted {
		t.sorted = append(t.sorted, w)
	}
	slices.SortFunc(t.sorted, func(a, b *assignment) int { return a.name.Compare(b.name) })
	return t, nil
}

func readTopologyFile(input io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(input, maxTopologyFile+1))
	if len(text) > maxTopologyFile {
		return nil, fmt.Errorf("more than %d bytes", maxTopologyFile)
	}
	return text, err
}

// readDocument reads a file of names, TOML or JSON.
func (t *topology) readDocument(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) {
		return errors.New("want TOML or JSON with names; an Atom entry has its name from its place in a folder")
	}
	document, err := objectOf(text)
	if err != nil {
		return err
	}
	names, err := membersOf(document)
	if err != nil {
		return err
	}
	for _, m := range names {
		if !strings.HasPrefix(m.name, "/") {
			return problem.NewField("name", m.name, "a name, which begins with /")
		}
		name, err := namespace.FromSegments(strings.Split(m.name[1:], "/"))
		if err == nil {
			err = t.readName(name, m.value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// objectOf returns TOML or JSON as JSON.
func objectOf(text []byte) (json.RawMessage, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return text, json.Unmarshal(text, new(json.RawMessage))
	}
	var document map[string]any
	if _, err := toml.Decode(string(text), &document); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

// member is one of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf returns the members of a valid JSON object, none of them twice.
func membersOf(text json.RawMessage) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("want a table, in JSON an object")
	}
	var all []member
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: token.(string)} // a key always is
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		if seen[m.name] {
			return nil, problem.NewField("member", m.name, "each once")
		}
		seen[m.name] = true
		all = append(all, m)
	}
	return all, nil
}

// readName reads what a document says of a name: a policy, the subscriptions at
// it, or both.
func (t *topology) readName(name namespace.Name, text json.RawMessage) error {
	s, err := parseStated(text)
	if err != nil {
		return err
	}
	if isSubscriptionName(name) && s.isSubscription() {
		return t.addSubscription(name, s)
	}
	if s.to != "" || s.filter != "" {
		return problem.NewField("to", s.to, "none: only a subscription moves on what it gets; a queue has ForwardTo")
	}
	if len(s.entry.Extensions) > 0 || len(s.subscriptions) == 0 {
		if err := t.addEntry(name, s.entry); err != nil {
			return err
		}
	}
	for _, m := range s.subscriptions {
		if err := t.readSubscription(name, m); err != nil {
			return fmt.Errorf("subscription %s: %w", m.name, err)
		}
	}
	return nil
}

func (t *topology) readSubscription(router namespace.Name, m member) error {
	s, err := parseStated(m.value)
	if err != nil {
		return err
	}
	if len(s.subscriptions) > 0 {
		return problem.NewField("subscriptions", "", "none: a subscription has none of its own")
	}
	name, err := router.Child("subscriptions")
	if err == nil {
		name, err = name.Child(m.name)
	}
	if err != nil {
		return err
	}
	return t.addSubscription(name, s)
}

// stated is one table of a document, taken apart.
type stated struct {
	entry         *atom.Entry // with its policy, if there is one
	to, filter    string      // of a subscription
	subscriptions []member    // of a router, by id
}

func parseStated(text json.RawMessage) (*stated, error) {
	all, err := membersOf(text)
	if err != nil {
		return nil, err
	}
	s, rest := new(stated), map[string]json.RawMessage{}
	for _, m := range all {
		switch m.name {
		case "to":
			err = json.Unmarshal(m.value, &s.to)
		case "filter":
			err = json.Unmarshal(m.value, &s.filter)
		case "subscriptions":
			s.subscriptions, err = membersOf(m.value)
		default:
			rest[m.name] = m.value
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	document, err := json.Marshal(rest)
	if err != nil {
		return nil, err
	}
	s.entry, err = policy.ParseEntryJSON(document)
	return s, err
}

func (s *stated) isSubscription() bool {
	p := policyOf(s.entry)
	return p == nil || p.Name.Local == "SubscriptionPolicy"
}

// isSubscriptionName reports whether a name is that of a subscription, if there
// is a router above it.
func isSubscriptionName(n namespace.Name) bool {
	segments := n.Segments()
	return len(segments) >= 3 && strings.EqualFold(segments[len(segments)-2], "subscriptions")
}

func (t *topology) addEntry(name namespace.Name, entry *atom.Entry) error {
	p, err := policy.FromEntry(entry)
	if err != nil {
		return err
	}
	if p.Kind() == policy.SubscriptionKind {
		return problem.NewField("SubscriptionPolicy", "", "the policy of a name; a subscription stands in the table subscriptions of its router")
	}
	if href := entry.Link("subscription"); href != "" {
		return problem.NewField("link", href, "no link to a router, but a subscription there that has an id")
	}
	return t.add(name, p)
}

func (t *topology) addSubscription(name namespace.Name, s *stated) error {
	p, err := policy.SubscriptionFromEntry(s.entry, "")
	if err != nil {
		return err
	}
	flags := subscriptionFlags{to: s.to, rule: ruleFlags{filter: s.filter}}
	if err := flags.apply(&p); err != nil {
		return err
	}
	return t.add(name, p)
}

func (t *topology) add(name namespace.Name, p policy.Policy) error {
	if before := t.wanted[name.Key()]; before != nil {
		return problem.NewField("name", name.String(), "each name once; there is already %s", before.name)
	}
	if len(t.wanted) == maxTopologyNames {
		return fmt.Errorf("more than %d names", maxTopologyNames)
	}
	t.wanted[name.Key()] = &assignment{name, p}
	return nil
}
