package server

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// idPrefix begins the id of every Atom document: a name is the same thing
// under whatever host it is asked for.
const idPrefix = "urn:jitney:name:"

const author = "jitney"

// listNames answers the feed of the names below one [N3].
func (x *exchange) listNames() error {
	return x.feed(x.name, x.name.Path()+"?below=true")
}

// feed answers the feed of the names below n, whose first page has a path.
func (x *exchange) feed(n namespace.Name, self string) error {
	after, err := x.argument("after")
	if err != nil {
		return err
	}
	children, more, err := x.server.broker.Children(n, after, maxFeed)
	if err != nil {
		return err
	}
	f := &atom.Feed{
		ID:      idPrefix + n.Path(),
		Title:   n.String(),
		Updated: x.server.startedAt,
		Author:  author,
		Links: []atom.Link{
			{Rel: "self", Href: pageOf(self, after), Type: atom.FeedType},
			{Rel: "first", Href: pageOf(self, ""), Type: atom.FeedType},
		},
	}
	elements := 0
	for i := range children {
		entry := x.childEntry(&children[i])
		if elements += countElements(entry.Extensions); elements > maxFeedElements && i > 0 {
			children, more = children[:i], true
			break
		}
		f.Entries = append(f.Entries, entry)
		if at := f.Entries[i].Updated; at.After(f.Updated) {
			f.Updated = at
		}
	}
	if more {
		last := children[len(children)-1].Name.Base()
		f.Links = append(f.Links, atom.Link{Rel: "next", Href: pageOf(self, last), Type: atom.FeedType}) // RFC 5005
	}
	return x.writeFeed(f)
}

// countElements counts elements with all that is inside them.
func countElements(list []atom.Element) int {
	count := len(list)
	for i := range list {
		count += countElements(list[i].Children)
	}
	return count
}

// pageOf is the page of a feed that begins behind a segment.
func pageOf(first, after string) string {
	if after == "" {
		return first
	}
	separator := "?"
	if strings.Contains(first, "?") {
		separator = "&"
	}
	return first + separator + "after=" + url.QueryEscape(after)
}

// childEntry is the entry of a name in a feed.
func (x *exchange) childEntry(c *namespace.Child) atom.Entry {
	if c.Entry != nil {
		return policyEntry(c.Entry)
	}
	path := c.Name.Path()
	return atom.Entry{
		ID:      idPrefix + path,
		Title:   c.Name.String(),
		Updated: x.server.startedAt,
		Author:  author,
		Links:   []atom.Link{{Rel: "self", Href: path}, {Rel: "alternate", Href: path}},
	}
}

// policyEntry is the entry of a name with a role: its policy and where
// everything is [P1].
func policyEntry(e *namespace.Entry) atom.Entry {
	path := e.Name.Path()
	entry := atom.Entry{
		ID:        idPrefix + path,
		Title:     e.Name.String(),
		Published: e.CreatedAt,
		Updated:   e.UpdatedAt,
		Author:    author,
		Links: []atom.Link{
			{Rel: "self", Href: path + "/" + policyWord, Type: atom.EntryType},
			{Rel: "edit", Href: path + "/" + policyWord, Type: atom.EntryType},
			{Rel: "alternate", Href: path},
		},
		Extensions: []atom.Element{policy.Element(e.Policy)},
	}
	switch e.Policy.Kind() {
	case policy.QueueKind, policy.SubscriptionKind:
		entry.Links = append(entry.Links, atom.Link{Rel: "head", Href: path + "/messages/head"})
	case policy.RouterKind:
		entry.Links = append(entry.Links, atom.Link{Rel: subscriptionsWord, Href: path + "/" + subscriptionsWord, Type: atom.FeedType})
	}
	return entry
}

// showQueue answers a queue's entry with what it holds, or the names below it [N4].
func (x *exchange) showQueue() error {
	below, err := x.isAsked("below")
	if err != nil {
		return err
	}
	if below {
		return x.listNames()
	}
	counts, err := x.queue.Counts()
	if err != nil {
		return err
	}
	entry := policyEntry(x.entry)
	entry.Extensions = append(entry.Extensions, countDetails(&counts))
	if s := x.server.broker.Subscription(x.entry); s != nil {
		if h, pushed := s.Health(); pushed {
			entry.Extensions = append(entry.Extensions, pushDetails(&h))
		}
	}
	return x.writeEntry(http.StatusOK, &entry, jsonType)
}

// pushDetails are how the endpoint of a subscription behaves [S8].
func pushDetails(h *router.Health) atom.Element {
	details := element("PushDetails", atom.Object, "")
	add := func(name string, t atom.Type, text string) {
		details.Children = append(details.Children, element(name, t, text))
	}
	instant := func(name string, at time.Time) {
		if !at.IsZero() {
			add(name, atom.String, at.UTC().Format(time.RFC3339))
		}
	}
	circuit := "Closed"
	if h.Open {
		circuit = "Open"
	}
	add("Circuit", atom.String, circuit)
	add("Consented", atom.Boolean, strconv.FormatBool(h.Consented))
	add("FailureCount", atom.Number, strconv.Itoa(h.Failures))
	instant("RetryAt", h.RetryAt)
	instant("LastFailureAt", h.FailedAt)
	if h.LastStatus > 0 {
		add("LastStatus", atom.Number, strconv.Itoa(h.LastStatus))
	}
	if h.LastError != "" {
		add("LastError", atom.String, h.LastError)
	}
	return details
}

// countDetails are Azure's, with what else a queue holds.
func countDetails(c *queue.Counts) atom.Element {
	details := element("CountDetails", atom.Object, "")
	add := func(name string, n uint64) {
		details.Children = append(details.Children, element(name, atom.Number, strconv.FormatUint(n, 10)))
	}
	add("ActiveMessageCount", c.Active)
	add("LockedMessageCount", c.Locked)
	add("ScheduledMessageCount", c.Scheduled)
	add("DeferredMessageCount", c.Deferred)
	add("DeadLetterMessageCount", c.DeadLetter)
	add("TransferMessageCount", 0) // what moves on does so in the commit that it came in
	add("TransferDeadLetterMessageCount", c.TransferDeadLetter)
	add("ExpiredMessageCount", c.Expired)
	add("DiscardedMessageCount", c.Discarded)
	add("SizeInBytes", c.Bytes)
	if !c.OldestAt.IsZero() {
		details.Children = append(details.Children,
			element("OldestEnqueuedTimeUtc", atom.String, c.OldestAt.UTC().Format(time.RFC3339Nano)))
	}
	return details
}

func element(name string, t atom.Type, text string) atom.Element {
	return atom.Element{Name: xml.Name{Space: policy.Namespace, Local: name}, Type: t, Text: text}
}

// showDeadLetters answers the entry of a dead-letter sub-queue: where its
// messages are and how many [R8].
func (x *exchange) showDeadLetters() error {
	counts, err := x.queue.Counts()
	if err != nil {
		return err
	}
	n := counts.DeadLetter
	if x.sub == queue.Transfer {
		n = counts.TransferDeadLetter
	}
	path := x.queuePath()
	details := element("CountDetails", atom.Object, "")
	details.Children = []atom.Element{element("MessageCount", atom.Number, strconv.FormatUint(n, 10))}
	return x.writeEntry(http.StatusOK, &atom.Entry{
		ID:      idPrefix + path,
		Title:   x.entry.Name.String() + path[len(x.entry.Name.Path()):],
		Updated: x.entry.UpdatedAt,
		Author:  author,
		Links: []atom.Link{
			{Rel: "self", Href: path, Type: atom.EntryType},
			{Rel: "up", Href: x.entry.Name.Path()},
			{Rel: "head", Href: path + "/messages/head"},
		},
		Extensions: []atom.Element{details},
	}, jsonType)
}

// refer sends a client to what a metadata name refers to, or shows the entry
// if it asks for one.
func (x *exchange) refer() error {
	below, err := x.isAsked("below")
	if err != nil {
		return err
	}
	if below {
		return x.listNames()
	}
	if names(x.r.Header, atomType) || names(x.r.Header, jsonType) || names(x.r.Header, policy.MediaType) {
		entry := policyEntry(x.entry)
		return x.writeEntry(http.StatusOK, &entry, jsonType)
	}
	x.Header()["Vary"] = []string{"Accept"}
	x.Header()["Location"] = []string{x.entry.Policy.(policy.Metadata).Address}
	x.WriteHeader(http.StatusSeeOther)
	return nil
}
