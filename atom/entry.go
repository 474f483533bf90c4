package atom

import "time"

// Entry is an atom:entry. Every field may be empty: an entry that a client
// sends often holds nothing but an extension.
type Entry struct {
	ID         string
	Title      string
	Published  time.Time
	Updated    time.Time
	Author     string // the name of the first author
	Links      []Link
	Summary    string
	Content    *Content  // nil: none, or one that held extensions only
	Extensions []Element // foreign elements, below the entry or inside its XML content
}

// Link is an atom:link.
type Link struct {
	Rel   string // the relation; empty means alternate
	Href  string // an IRI reference, as written
	Type  string // a media type, as a hint
	Title string
}

// Content is the textual content of an entry.
type Content struct {
	Type string // text, html or a media type of text; empty means text
	Text string
}

// Link returns the href of the first link with relation rel, or "".
func (e *Entry) Link(rel string) string {
	return href(e.Links, rel)
}

func href(links []Link, rel string) string {
	for _, l := range links {
		if l.Rel == rel || l.Rel == "" && rel == "alternate" {
			return l.Href
		}
	}
	return ""
}
