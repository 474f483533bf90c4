package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
)

// Subscribed is a subscription, as it is in force.
type Subscribed struct {
	Name string // of its queue: /router/subscriptions/id
	Assigned
}

// Subscribe makes a subscription at a router and gives it an id; with an empty
// one the broker finds one. If a subscription with this id and the very same
// policy is there nothing changes; with another policy it is ErrConflict, see
// PutPolicy. With an id, repeating a call without an answer is harmless.
func (c *Client) Subscribe(ctx context.Context, router, id string, p policy.Subscription) (*Subscribed, error) {
	r := &request{
		method: http.MethodPost,
		path:   subscriptionsPath(router),
		header: headers("Content-Type", atom.EntryType, "Accept", atom.EntryType),
		body:   documentOf(p),
	}
	if id != "" {
		r.header.Set("Slug", url.PathEscape(id))
	}
	assigned, err := c.assigned(ctx, r)
	if err != nil {
		return nil, c.whyNotSubscribed(ctx, router, err)
	}
	name, err := c.name(assigned.Entry.Link("alternate"))
	if err != nil {
		return nil, fmt.Errorf("the broker's entry has a bad link: %w", err)
	}
	return &Subscribed{name, *assigned}, nil
}

// whyNotSubscribed returns the error of a refused subscription: that the name is
// no router if that is why.
func (c *Client) whyNotSubscribed(ctx context.Context, router string, err error) error {
	if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
		return err
	}
	if why := c.checkRouter(ctx, router); errors.Is(why, ErrNotFound) || errors.Is(why, ErrConflict) {
		return why
	}
	return err
}

// Subscriptions lists the subscriptions at a router. Pages are fetched while
// the caller goes on. An error ends the list: ErrNotFound if there is no such
// name, ErrConflict if it is no router.
func (c *Client) Subscriptions(ctx context.Context, router string) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		if err := c.checkRouter(ctx, router); err != nil {
			yield(Listing{}, err)
			return
		}
		c.yieldFeed(ctx, subscriptionsPath(router), yield)
	}
}

// checkRouter makes sure that a name is a router: the feed of any other one's
// subscriptions would just be empty.
func (c *Client) checkRouter(ctx context.Context, name string) error {
	assigned, err := c.Policy(ctx, name)
	if err != nil {
		return err
	}
	if kind := assigned.Policy.Kind(); kind != policy.RouterKind {
		return fmt.Errorf("%w: %s is a %s, no router", ErrConflict, name, kind)
	}
	return nil
}

func subscriptionsPath(router string) string { return escape(router) + "/subscriptions" }
