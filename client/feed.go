package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
)

// Listing is one name of a feed.
type Listing struct {
	Name   string        // as it was first assigned
	Policy policy.Policy // nil: no role, but something lies below
	Entry  *atom.Entry   // the feed's entry
}

// Below is what Feed lists the names below it by.
func (l *Listing) Below() string {
	if l.Policy != nil && l.Policy.Kind() == policy.ConnectionPointKind {
		return l.Name + "/$policy" // all else below it is relayed
	}
	return l.Name
}

// Feed lists the names directly below a name that have a role or lead to one;
// the whole namespace's are below /. See Below for connection points. Pages are
// fetched while the caller goes on. An error ends the list.
func (c *Client) Feed(ctx context.Context, name string) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		c.yieldFeed(ctx, escape(name)+"?below=true", yield)
	}
}

// yieldFeed yields the entries of a feed whose first page has a path.
func (c *Client) yieldFeed(ctx context.Context, next string, yield func(Listing, error) bool) {
	for next != "" {
		page, err := c.feedPage(ctx, next)
		if err != nil {
			yield(Listing{}, err)
			return
		}
		if !c.yieldPage(page, yield) {
			return
		}
		if next, err = c.next(page.Link("next")); err != nil {
			yield(Listing{}, err)
			return
		}
	}
}

func (c *Client) feedPage(ctx context.Context, path string) (*atom.Feed, error) {
	r := &request{method: http.MethodGet, path: path, header: headers("Accept", atom.FeedType)}
	document, _, err := c.document(ctx, r, atom.MaxFeed)
	if err != nil {
		return nil, err
	}
	feed, err := atom.ParseFeed(document)
	if err != nil {
		return nil, fmt.Errorf("the broker's feed cannot be read: %w", err)
	}
	return feed, nil
}

// yieldPage reports whether the caller wants the page after this one.
func (c *Client) yieldPage(page *atom.Feed, yield func(Listing, error) bool) bool {
	for i := range page.Entries {
		listing, err := c.listing(&page.Entries[i])
		if !yield(listing, err) || err != nil {
			return false
		}
	}
	return true
}

func (c *Client) listing(entry *atom.Entry) (Listing, error) {
	name, err := c.name(entry.Link("alternate"))
	if err != nil {
		return Listing{}, fmt.Errorf("the broker's feed has a bad link: %w", err)
	}
	listing := Listing{Name: name, Entry: entry}
	if p, err := policy.FromEntry(entry); err == nil {
		listing.Policy = p // one that cannot be read counts as none: names are listed all the same
	}
	return listing, nil
}

// next returns the path of the page that a link leads to, or "".
func (c *Client) next(link string) (string, error) {
	if link == "" {
		return "", nil
	}
	path, err := c.local(link)
	if err != nil {
		return "", fmt.Errorf("the broker's next link: %w", err)
	}
	return path, nil
}
