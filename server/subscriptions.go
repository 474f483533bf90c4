package server

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// subscriptionsWord is the segment below which the subscriptions of a router stand.
const subscriptionsWord = "subscriptions"

// subscribe makes a subscription at a router: 201, or 200 if it is there with
// the same policy [S1].
func (x *exchange) subscribe() error {
	p, err := x.readSubscription()
	if err != nil {
		return err
	}
	id, err := x.slug()
	if err != nil {
		return err
	}
	e, created, err := x.server.broker.Subscribe(x.r.Context(), x.name, id, p)
	if e != nil && (err == nil || errors.Is(err, broker.ErrHasRole)) {
		x.Header().Set("Location", e.Name.Path())
	}
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return x.writePolicy(status, e)
}

// slug is the id that a client proposes (RFC 5023, 9.7).
func (x *exchange) slug() (string, error) {
	list := x.r.Header["Slug"]
	if len(list) == 0 {
		return "", nil
	}
	if len(list) > 1 {
		return "", problem.NewField("Slug", list[1], "the header once")
	}
	id, err := namespace.ParsePath("/" + list[0])
	if err != nil || id.Len() != 1 {
		return "", problem.NewField("Slug", list[0], "an id of up to %d characters that can be a segment of a name, percent-encoded",
			broker.MaxSubscriptionID)
	}
	return id.After(0)[0], nil
}

func (x *exchange) readSubscription() (policy.Subscription, error) {
	entry, err := x.readEntry()
	if err != nil {
		return policy.Subscription{}, err
	}
	return policy.SubscriptionFromEntry(entry, "")
}

// subscriptionLinks are the routers that an entry with a policy is to be
// subscribed at [S4].
func subscriptionLinks(entry *atom.Entry) ([]namespace.Name, error) {
	var at []namespace.Name
	for _, l := range entry.Links {
		if l.Rel != "subscription" {
			continue
		}
		n, err := namespace.Parse(l.Href)
		if err != nil || n.IsRoot() {
			return nil, problem.NewField("link", l.Href, "the path of a router, such as /jobs")
		}
		if at = append(at, n); len(at) > maxSubscriptionLinks {
			return nil, problem.NewField("link", l.Href, "at most %d subscriptions", maxSubscriptionLinks)
		}
	}
	for i, n := range at {
		if slices.ContainsFunc(at[:i], n.Equal) {
			return nil, problem.NewField("link", n.String(), "each router once")
		}
	}
	return at, nil
}

// maxSubscriptionLinks bounds the routers that a name is subscribed at with its role.
const maxSubscriptionLinks = 32

// listSubscriptions answers the feed of a router's subscriptions [S1].
func (x *exchange) listSubscriptions() error {
	n, err := x.name.Child(subscriptionsWord)
	if err != nil {
		return err
	}
	return x.feed(n, x.name.Path()+"/"+subscriptionsWord)
}

// showRouter answers a router's entry with what it has done, or the names below
// it [N4].
func (x *exchange) showRouter() error {
	below, err := x.isAsked("below")
	if err != nil {
		return err
	}
	if below {
		return x.listNames()
	}
	stats := x.router.Stats()
	counts, err := x.queue.Counts()
	if err != nil {
		return err
	}
	entry := policyEntry(x.entry)
	details := element("RouterDetails", atom.Object, "")
	for _, c := range []struct {
		name  string
		count uint64
	}{
		{"SubscriptionCount", uint64(stats.Subscriptions)}, {"MessageCount", stats.Messages}, {"DeliveryCount", stats.Deliveries},
		{"FilteredCount", stats.Filtered}, {"UnroutedMessageCount", stats.Unrouted},
	} {
		details.Children = append(details.Children, element(c.name, atom.Number, strconv.FormatUint(c.count, 10)))
	}
	entry.Extensions = append(entry.Extensions, details, countDetails(&counts))
	return x.writeEntry(http.StatusOK, &entry, jsonType)
}

// refuseSubscription says why a message cannot be sent to a subscription.
func (x *exchange) refuseSubscription() error {
	return fmt.Errorf("%w: %s is a subscription, and gets the messages that its router sends it", broker.ErrWrongRole, x.entry.Name)
}
