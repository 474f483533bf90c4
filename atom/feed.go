package atom

import "time"

// Feed is an atom:feed, whole or one page of it: a page's links carry the
// relations first, next, previous and last (RFC 5005).
type Feed struct {
	ID      string
	Title   string
	Updated time.Time
	Author  string
	Links   []Link
	Entries []Entry
}

// Link returns the href of the first link with relation rel, or "".
func (f *Feed) Link(rel string) string {
	return href(f.Links, rel)
}
