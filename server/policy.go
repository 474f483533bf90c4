package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// assign gives a name its role: 201, or 200 if it has the same one already
// [P1] [P4].
func (x *exchange) assign() error {
	if !contentKindOf(x.r.Header).isPolicy() {
		return x.refuseSend()
	}
	entry, err := x.readEntry()
	if err != nil {
		return err
	}
	p, err := policy.FromEntry(entry)
	if err != nil {
		return err
	}
	at, err := subscriptionLinks(entry)
	if err != nil {
		return err
	}
	e, created, err := x.server.broker.Assign(x.r.Context(), x.name, p, at...)
	if e != nil && (err == nil || errors.Is(err, broker.ErrHasRole)) {
		x.Header().Set("Location", e.Name.Path()+"/"+policyWord)
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

// assignBelow is assign for the path of a sub-resource: the broker says which
// name is in the way [N5].
func (x *exchange) assignBelow(path namespace.Path) (err error) {
	if x.name, err = path.Name(path.Len()); err != nil {
		return err
	}
	return x.assign()
}

// refuseSend says why a message cannot be sent here [Q5].
func (x *exchange) refuseSend() error {
	if x.entry != nil {
		return fmt.Errorf("%w: %s takes no messages", broker.ErrWrongRole, x.entry.Name)
	}
	return fmt.Errorf("%w: %s is not a queue; a policy of type %s;type=entry or %s makes it one",
		broker.ErrNoRole, x.name, atomType, policy.MediaType)
}

// readChange reads a policy that is to replace the one in force.
func (x *exchange) readChange() (policy.Policy, error) {
	entry, err := x.readEntry()
	if err != nil {
		return nil, err
	}
	p, err := policy.FromEntry(entry)
	if x.entry.Policy.Kind() == policy.SubscriptionKind && (err != nil || p.Kind() == policy.SubscriptionKind) {
		return policy.SubscriptionFromEntry(entry, x.name.Path())
	}
	return p, err
}

// readEntry reads the body as an entry or its twin.
func (x *exchange) readEntry() (*atom.Entry, error) {
	kind := contentKindOf(x.r.Header)
	if !kind.isPolicy() {
		return nil, fmt.Errorf("%w: %w", errMediaType, problem.NewField("Content-Type", x.r.Header.Get("Content-Type"),
			"%s;type=entry or %s", atomType, policy.MediaType))
	}
	if err := checkPlain(x.r.Header); err != nil {
		return nil, err
	}
	document, err := x.readDocument(maxPolicyBytes)
	if err != nil {
		return nil, err
	}
	if kind == aTwin {
		return policy.ParseEntryJSON(document)
	}
	return atom.ParseEntry(document)
}

// writePolicy answers with the entry of a name as it is in force.
func (x *exchange) writePolicy(status int, e *namespace.Entry) error {
	x.setTag(e)
	entry := policyEntry(e)
	return x.writeEntry(status, &entry, policy.MediaType)
}

// showPolicy answers the policy in force, or the names below: of a connection point
// they cannot be asked for elsewhere [P3] [N4].
func (x *exchange) showPolicy() error {
	below, err := x.isAsked("below")
	if err != nil {
		return err
	}
	if below {
		return x.feed(x.name, x.name.Path()+"/"+policyWord+"?below=true")
	}
	if matches(x.r.Header["If-None-Match"], x.entry.ETag()) {
		x.setTag(x.entry)
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	return x.writePolicy(http.StatusOK, x.entry)
}

// changePolicy replaces the policy in force [P3].
func (x *exchange) changePolicy() error {
	match := x.match()
	if match == "" {
		return fmt.Errorf("%w: %w", errNoMatch, problem.NewField("If-Match", "",
			"the ETag of the policy that is to be replaced, %s, or * for any", x.entry.ETag()))
	}
	p, err := x.readChange()
	if err != nil {
		return err
	}
	e, err := x.server.broker.Change(x.r.Context(), x.name, p, match)
	if err != nil {
		return x.stale(e, err)
	}
	return x.writePolicy(http.StatusOK, e)
}

// unassign takes the role of a name away [P3].
func (x *exchange) unassign() error {
	match := x.match()
	if match == "" {
		match = broker.AnyVersion
	}
	if err := x.server.broker.Unassign(x.r.Context(), x.name, match); err != nil {
		return x.stale(x.entry, err)
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// setTag sets the header under its usual name, which net/http spells Etag.
func (x *exchange) setTag(e *namespace.Entry) { x.Header()["ETag"] = []string{e.ETag()} }

// stale adds the tag of the policy in force if that is what err is about.
func (x *exchange) stale(e *namespace.Entry, err error) error {
	if e != nil && errors.Is(err, broker.ErrStale) {
		x.setTag(e)
	}
	return err
}

// match returns the tag that If-Match wants the policy in force to have: of
// several the one that it has. It is empty if there is no such header.
func (x *exchange) match() string {
	list := x.r.Header["If-Match"]
	if len(list) == 0 {
		return ""
	}
	for _, header := range list {
		if strings.TrimSpace(header) == broker.AnyVersion {
			return broker.AnyVersion
		}
		for tag := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(tag) == x.entry.ETag() {
				return x.entry.ETag()
			}
		}
	}
	return `"none of them"`
}

// matches reports whether a list of entity tags has one, strong or weak.
func matches(list []string, tag string) bool {
	for _, header := range list {
		for one := range strings.SplitSeq(header, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
