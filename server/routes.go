package server

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// A role is what a path leads to. Several are a set.
type role uint8

const (
	unassigned       role = 1 << iota // a name without a role
	aQueue                            // a queue, its main sub-queue
	deadLetters                       // a dead-letter sub-queue of a queue
	reference                         // a name with a metadata policy
	aRouter                           // a router
	aSubscription                     // a subscription at a router, its main sub-queue
	aConnectionPoint                  // all but its policy is relayed
)

// routeTable is every resource of the namespace with its methods: what has the
// role, the path below it, and who answers. HEAD is where GET is, OPTIONS
// everywhere [N4] [N5].
func routeTable() []route {
	const queues = aQueue | aSubscription | deadLetters
	type m = methods
	return compile([]route{
		{of: unassigned, label: "/{name}", methods: m{"GET": (*exchange).listNames, "POST": (*exchange).assign}},
		{of: aQueue, label: "/{queue}", methods: m{"GET": (*exchange).showQueue, "POST": (*exchange).sendOrAssign}},
		{of: aRouter, label: "/{router}", methods: m{"GET": (*exchange).showRouter, "POST": (*exchange).sendOrAssign}},
		{of: aRouter, path: "messages", methods: m{"POST": (*exchange).send}},
		{of: aRouter, path: "subscriptions", methods: m{"GET": (*exchange).listSubscriptions, "POST": (*exchange).subscribe}},
		{of: aSubscription, label: "/{router}/subscriptions/{id}", methods: m{
			"GET": (*exchange).showQueue, "PUT": (*exchange).changePolicy, "DELETE": (*exchange).unassign, "POST": (*exchange).refuseSubscription}},
		{of: deadLetters, label: "/{queue}/{dead}", methods: m{"GET": (*exchange).showDeadLetters}},
		{of: reference, label: "/{name}", methods: m{"GET": (*exchange).refer, "POST": (*exchange).assign}},
		{of: aConnectionPoint, label: relayLabel, methods: m{"POST": (*exchange).assign}},
		{of: aQueue | aRouter | aSubscription | reference | aConnectionPoint, path: "$policy", methods: m{"GET": (*exchange).showPolicy, "PUT": (*exchange).changePolicy, "DELETE": (*exchange).unassign}},
		{of: aQueue, path: "messages", methods: m{"GET": (*exchange).browse, "POST": (*exchange).send}},
		{of: aSubscription | deadLetters, path: "messages", methods: m{"GET": (*exchange).browse}},
		{of: queues, path: "messages/head", methods: m{"POST": (*exchange).receive, "DELETE": (*exchange).receiveAndDelete}},
		{of: queues, path: "messages/settle", methods: m{"POST": (*exchange).settleMany}},
		{of: deadLetters, path: "messages/redrive", methods: m{"POST": (*exchange).redrive}},
		{of: queues, path: "messages/{number}", methods: m{"GET": (*exchange).find, "POST": (*exchange).lock, "DELETE": (*exchange).cancel}},
		{of: queues | aRouter, path: "messages/{message}/{lock}", methods: m{"DELETE": (*exchange).complete, "PUT": (*exchange).settle, "POST": (*exchange).renew}},
		{of: aQueue, path: "sessions", methods: m{"GET": (*exchange).sessions}},
		{of: aQueue, path: "sessions/state", methods: m{"GET": (*exchange).sessions, "PUT": (*exchange).sessions}},
	})
}

// relayLabel is of all that is relayed.
const relayLabel = "/{connection point}"

type methods map[string]handler

// A route is a resource: words in the form in which segments are compared, and
// {number}, {message} and {lock} for what the segment in their place says.
type route struct {
	of      role
	path    string
	methods methods
	label   string // in metrics and logs; default /{queue}/ and the path

	words []string
	allow string // the methods, as a header
	meter *meter
}

func compile(table []route) []route {
	for i := range table {
		t := &table[i]
		if t.path != "" {
			t.words = strings.Split(t.path, "/")
		}
		if t.label == "" {
			t.label = "/{queue}/" + t.path
		}
		allow := []string{"OPTIONS"}
		for m := range t.methods {
			if allow = append(allow, m); m == "GET" {
				allow = append(allow, "HEAD")
			}
		}
		slices.Sort(allow)
		t.allow = strings.Join(allow, ", ")
	}
	return table
}

// match reports whether the route leads to rest, which is folded, and notes in
// x what its segments say.
func (t *route) match(x *exchange, of role, rest []string) bool {
	if t.of&of == 0 || len(t.words) != len(rest) {
		return false
	}
	for i, word := range t.words {
		switch word {
		case "{number}":
			var err error
			if x.number, err = strconv.ParseUint(rest[i], 10, 63); err != nil {
				return false
			}
		case "{message}":
		case "{lock}":
			x.token = rest[i]
		default:
			if rest[i] != word {
				return false
			}
		}
	}
	return true
}

// inNamespace answers a request for a name or what is below it.
func (x *exchange) inNamespace() error {
	text := x.r.URL.EscapedPath()
	if rest, is := hybridRest(text); is {
		return x.hybrid(rest)
	}
	path, err := namespace.ParsePath(text) // [N1]
	if err != nil {
		if y := x.relayed(text); y != nil {
			return y.pass() // whatever is below a connection point need not be a name
		}
		return err
	}
	of, rest, err := x.locate(path)
	if err != nil {
		return err
	}
	if of == aConnectionPoint && !x.isOfPoint(rest) {
		return x.relayed(text).pass()
	}
	x.route = x.server.find(x, of, rest)
	assigns := x.r.Method == http.MethodPost && contentKindOf(x.r.Header).isPolicy()
	switch {
	case x.route != nil && isUpgrade(x.r):
		return x.openSocket()
	case x.route != nil && (!assigns || x.route.methods[http.MethodPost] != nil):
		return x.dispatch()
	case assigns:
		return x.assignBelow(path)
	}
	return fmt.Errorf("%w: %s has no %s", errNoResource, x.entry.Name, strings.Join(rest, "/"))
}

// isOfPoint reports whether a request is about a connection point and not for its
// listeners: it is about the policy [N5] [P1].
func (x *exchange) isOfPoint(rest []string) bool {
	if len(rest) == 0 {
		return x.r.Method == http.MethodPost && contentKindOf(x.r.Header).isPolicy()
	}
	return len(rest) == 1 && rest[0] == policyWord
}

// locate finds out what the path leads to and what is left of it, folded.
func (x *exchange) locate(path namespace.Path) (of role, rest []string, err error) {
	e, rest := x.server.broker.Resolve(path) // [N5]
	if e == nil || !isPart(e, rest) {
		x.name, err = path.Name(path.Len())
		return unassigned, nil, noRole(path, err)
	}
	x.entry, x.name = e, e.Name
	rest = folded(rest)
	switch e.Policy.Kind() {
	case policy.MetadataKind:
		return reference, rest, nil
	case policy.ConnectionPointKind:
		return aConnectionPoint, rest, nil
	}
	if x.queue, err = x.server.broker.Queue(e); err != nil {
		return 0, nil, err
	}
	x.sub, rest = subQueue(rest)
	if x.sub != queue.Main {
		return deadLetters, rest, nil
	}
	switch e.Policy.Kind() {
	case policy.RouterKind:
		x.router, err = x.server.broker.Router(e)
		x.to = toRouter{x.router}
		return aRouter, rest, err
	case policy.SubscriptionKind:
		return aSubscription, rest, nil
	}
	x.to = toQueue{x.queue}
	return aQueue, rest, nil
}

// isPart reports whether what is below the name of an entry is a part of it,
// and not a name of its own [N5].
func isPart(e *namespace.Entry, rest []string) bool {
	if len(rest) == 0 || rest[0][0] == '$' {
		return true
	}
	switch e.Policy.Kind() {
	case policy.ConnectionPointKind:
		return true
	case policy.MetadataKind:
		return false
	}
	switch namespace.FoldSegment(rest[0]) {
	case "messages", "subscriptions", "sessions":
		return true
	}
	return false
}

// The segments of the sub-queues, folded [R8].
const (
	policyWord     = "$policy"
	deadLetterWord = "$deadletterqueue"
	transferWord   = "$transfer"
)

// noRole returns err, why a path is no name, or that it is what would be below
// a name if that had a role.
func noRole(path namespace.Path, err error) error {
	if err == nil {
		return nil
	}
	name := path.Longest()
	if name.Depth() < path.Len() {
		switch namespace.FoldSegment(path.After(name.Depth())[0]) {
		case policyWord, deadLetterWord, transferWord:
			return fmt.Errorf("%w: %s", broker.ErrNoRole, name)
		}
	}
	return err
}

func folded(segments []string) []string {
	for i, s := range segments {
		f := namespace.FoldSegment(s)
		if f == s {
			continue
		}
		segments = slices.Clone(segments)
		segments[i] = f
		for j := i + 1; j < len(segments); j++ {
			segments[j] = namespace.FoldSegment(segments[j])
		}
		break
	}
	return segments
}

// subQueue splits off the segments that say which sub-queue is meant.
func subQueue(rest []string) (queue.SubQueue, []string) {
	switch {
	case len(rest) > 0 && rest[0] == deadLetterWord:
		return queue.DeadLetter, rest[1:]
	case len(rest) > 1 && rest[0] == transferWord && rest[1] == deadLetterWord:
		return queue.Transfer, rest[2:]
	}
	return queue.Main, rest
}

// path is the path of a queue's messages, with the sub-queue.
func (x *exchange) queuePath() string {
	switch name := x.entry.Name.Path(); x.sub {
	case queue.DeadLetter:
		return name + "/$DeadLetterQueue"
	case queue.Transfer:
		return name + "/$Transfer/$DeadLetterQueue"
	default:
		return name
	}
}

func (s *Server) find(x *exchange, of role, rest []string) *route {
	for i := range s.routes {
		if s.routes[i].match(x, of, rest) {
			return &s.routes[i]
		}
	}
	return nil
}

// dispatch has the route answer.
func (x *exchange) dispatch() error {
	method := x.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := x.route.methods[method]; h != nil {
		return h(x)
	}
	if method == http.MethodOptions {
		return x.options(x.route.allow)
	}
	x.Header().Set("Allow", x.route.allow)
	return errMethod
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	for _, to := range r.Header["Upgrade"] {
		if strings.EqualFold(to, "websocket") {
			return true
		}
	}
	return false
}

// sessions answers for what is about sessions.
func (x *exchange) sessions() error {
	return notYet("path", x.r.URL.Path, "another resource: sessions are not available yet")
}
