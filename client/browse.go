package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jitney-mq/jitney/message"
)

// BrowseOptions say what to look at. The zero value is every message.
type BrowseOptions struct {
	From     int64  // the lowest sequence number to show; 0: all
	Status   string // only messages with it; empty: any
	PageSize int    // messages fetched at a time; 0: 100
}

// maxPage bounds a page that is read, in bytes.
const maxPage = 256 << 20

// Browse looks at a queue's messages without locking them, page by page while
// the caller goes on: each page is of one instant, messages that come and go
// between two pages may be missed. An error ends the list.
func (c *Client) Browse(ctx context.Context, queue string, o BrowseOptions) iter.Seq2[*message.Received, error] {
	return func(yield func(*message.Received, error) bool) {
		next := escape(queue) + "/messages?" + o.query().Encode()
		for next != "" {
			page, err := c.browsePage(ctx, next)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, m := range page.messages {
				if !yield(m, nil) {
					return
				}
			}
			next = page.next
		}
	}
}

func (o BrowseOptions) query() url.Values {
	if o.PageSize <= 0 {
		o.PageSize = 100
	}
	q := url.Values{"count": {strconv.Itoa(o.PageSize)}}
	if o.From > 0 {
		q.Set("from", strconv.FormatInt(o.From, 10))
	}
	if o.Status != "" {
		q.Set("status", o.Status)
	}
	return q
}

type page struct {
	messages []*message.Received
	next     string // the path of the page after this one; empty: it is the last
}

func (c *Client) browsePage(ctx context.Context, path string) (page, error) {
	answer, _, err := c.document(ctx, &request{
		method: http.MethodGet,
		path:   path,
		header: headers("Accept", "application/json"),
	}, maxPage)
	if err != nil {
		return page{}, err
	}
	return c.readPage(answer)
}

func (c *Client) readPage(answer []byte) (page, error) {
	var document struct {
		Messages []json.RawMessage
		Next     string
	}
	if err := json.Unmarshal(answer, &document); err != nil {
		return page{}, fmt.Errorf("the broker's page cannot be read: %w", err)
	}
	next, err := c.next(document.Next)
	if err != nil {
		return page{}, err
	}
	p := page{next: next}
	for _, raw := range document.Messages {
		m, err := message.ParseReceived(raw)
		if err != nil {
			return page{}, fmt.Errorf("the broker's message cannot be read: %w", err)
		}
		p.messages = append(p.messages, m)
	}
	return p, nil
}
