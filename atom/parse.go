package atom

import (
	"mime"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// ParseEntry reads one entry from an XML document of at most MaxEntry bytes.
// A foreign element becomes an Extension whether it stands below the entry or
// in its XML content, so that nobody else needs to care [P1]. An element of Atom
// that Entry has no field for is skipped. Every error is a *problem.Field.
func ParseEntry(body []byte) (*Entry, error) {
	root, err := readXML("entry", body, MaxEntry)
	if err != nil {
		return nil, err
	}
	return entryOf(root)
}

// ParseFeed reads a feed from an XML document of at most MaxFeed bytes; errors
// as of ParseEntry.
func ParseFeed(body []byte) (*Feed, error) {
	root, err := readXML("feed", body, MaxFeed)
	if err != nil {
		return nil, err
	}
	return feedOf(root)
}

func entryOf(root Element) (*Entry, error) {
	entry, seen := new(Entry), once{}
	for _, e := range root.Children {
		if e.Name.Space != Namespace {
			entry.Extensions = append(entry.Extensions, e)
			continue
		}
		if err := seen.check(e); err != nil {
			return nil, err
		}
		if err := entry.take(e); err != nil {
			return nil, err
		}
	}
	return entry, nil
}

// take reads one Atom element into its field.
func (entry *Entry) take(e Element) (err error) {
	switch e.Name.Local {
	case "id":
		entry.ID, err = word(e)
	case "title":
		entry.Title, err = plainText(e)
	case "summary":
		entry.Summary, err = plainText(e)
	case "published":
		entry.Published, err = instant(e)
	case "updated":
		entry.Updated, err = instant(e)
	case "author":
		if entry.Author == "" {
			entry.Author, err = author(e)
		}
	case "link":
		entry.Links, err = appendLink(entry.Links, e)
	case "content":
		err = entry.takeContent(e)
	case "category", "contributor", "rights", "source":
	default:
		// Most likely a foreign element whose namespace was forgotten: its
		// reader can say which one.
		entry.Extensions = append(entry.Extensions, e)
	}
	return err
}

func (entry *Entry) takeContent(e Element) error {
	kind := e.Attr("type")
	if isXML(kind) {
		if !blank(e.Text) {
			return problem.NewField("content", e.Text, "elements only, as its type is of XML")
		}
		entry.Extensions = append(entry.Extensions, e.Children...)
		return nil
	}
	if len(e.Children) > 0 {
		return problem.NewField("content", kind, `type="application/xml" for the element %s inside`, e.Children[0].Name.Local)
	}
	entry.Content = &Content{Type: kind, Text: e.Text}
	return nil
}

// isXML reports whether a content of this type holds elements (RFC 4287,
// section 4.1.3.3; RFC 7303).
func isXML(kind string) bool {
	media, _, err := mime.ParseMediaType(kind)
	return err == nil && (strings.HasSuffix(media, "/xml") || strings.HasSuffix(media, "+xml"))
}

func feedOf(root Element) (*Feed, error) {
	feed, seen := new(Feed), once{}
	for _, e := range root.Children {
		if e.Name.Space != Namespace {
			continue
		}
		if err := seen.check(e); err != nil {
			return nil, err
		}
		if err := feed.take(e); err != nil {
			return nil, err
		}
	}
	return feed, nil
}

func (feed *Feed) take(e Element) (err error) {
	switch e.Name.Local {
	case "id":
		feed.ID, err = word(e)
	case "title":
		feed.Title, err = plainText(e)
	case "updated":
		feed.Updated, err = instant(e)
	case "author":
		if feed.Author == "" {
			feed.Author, err = author(e)
		}
	case "link":
		feed.Links, err = appendLink(feed.Links, e)
	case "entry":
		var entry *Entry
		if entry, err = entryOf(e); err == nil {
			feed.Entries = append(feed.Entries, *entry)
		}
	}
	return err
}

// once remembers which elements there were of those that may be there once
// (RFC 4287, sections 4.1.1 and 4.1.2).
type once map[string]bool

func (o once) check(e Element) error {
	name := e.Name.Local
	switch name {
	case "id", "title", "summary", "published", "updated", "content":
		if o[name] {
			return problem.NewField(name, e.Text, "the element at most once")
		}
		o[name] = true
	}
	return nil
}

// word returns the text of an element without the white space around it.
func word(e Element) (string, error) {
	text, err := plainText(e)
	return strings.Trim(text, whiteSpace), err
}

// plainText returns the text of an element that may hold nothing else.
func plainText(e Element) (string, error) {
	if len(e.Children) > 0 {
		return "", problem.NewField(e.Name.Local, e.Children[0].Name.Local, "text without elements inside")
	}
	return e.Text, nil
}

// instant reads a date construct (RFC 4287, section 3.3).
func instant(e Element) (time.Time, error) {
	text, err := word(e)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, problem.NewField(e.Name.Local, text, "an instant such as 2030-01-31T12:00:00Z")
	}
	return at.UTC(), nil
}

// author returns the name in a person construct (RFC 4287, section 3.2).
func author(e Element) (string, error) {
	for _, c := range e.Children {
		if c.Name.Space == Namespace && c.Name.Local == "name" {
			return word(c)
		}
	}
	return "", problem.NewField("author", e.Text, "an element name inside")
}

func appendLink(links []Link, e Element) ([]Link, error) {
	l := Link{Rel: e.Attr("rel"), Href: e.Attr("href"), Type: e.Attr("type"), Title: e.Attr("title")}
	if l.Href == "" {
		return nil, problem.NewField("link", l.Rel, "an attribute href")
	}
	return append(links, l), nil
}
