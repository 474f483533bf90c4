package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard keeps web pages of others away from a broker that the same browser can
// reach: by the name that a request calls it by, which ends DNS rebinding, and
// by the origin of the page [N7].
type guard struct {
	hosts   map[string]bool
	origins map[string]bool
}

func newGuard(hosts, origins []string) guard {
	g := guard{hosts: make(map[string]bool), origins: make(map[string]bool)}
	for _, h := range hosts {
		g.hosts[strings.ToLower(hostname(h))] = true
	}
	for _, o := range origins {
		g.origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	return g
}

// check refuses what does not come from a friend. [N7]
func (g guard) check(x *exchange) error {
	if !g.knows(x.r.Host) && !(x.relayOnly && g.below(x.r.Host) != "") {
		return errHost
	}
	origins := x.r.Header["Origin"]
	if len(origins) == 0 || len(origins) == 1 && isSame(x.r, origins[0]) {
		return nil
	}
	if len(origins) > 1 || !g.origins[strings.ToLower(origins[0])] {
		return errOrigin
	}
	x.share(origins[0])
	return nil
}

func (g guard) knows(host string) bool {
	name := hostname(host)
	return isLoopback(name) || len(g.hosts) > 0 && g.hosts[strings.ToLower(name)]
}

// below returns the path that a host stands for which is below one that the broker
// is known by: wiki.team.localhost is /team/wiki. It is empty for all others.
func (g guard) below(host string) string {
	name := strings.ToLower(hostname(host))
	base := ""
	for known := range g.hosts {
		if strings.HasSuffix(name, "."+known) && len(known) > len(base) {
			base = known
		}
	}
	if base == "" {
		base = localhost
	}
	labels, is := strings.CutSuffix(name, "."+base)
	if !is || labels == "" {
		return ""
	}
	segments := strings.Split(labels, ".")
	slices.Reverse(segments)
	return "/" + strings.Join(segments, "/")
}

// hostname returns a host without its port and without the brackets of IPv6.
func hostname(host string) string {
	if strings.HasPrefix(host, "[") {
		name, _, _ := strings.Cut(host[1:], "]")
		return name
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		return host[:i]
	}
	return host
}

// localhost is this machine, and all below it are (RFC 6761, 6.3).
const localhost = "localhost"

func isLoopback(name string) bool {
	if name == "" {
		return false
	}
	if last := name[len(name)-1]; '0' <= last && last <= '9' || strings.IndexByte(name, ':') >= 0 {
		address, err := netip.ParseAddr(name)
		return err == nil && address.Zone() == "" && address.IsLoopback()
	}
	return len(name) >= len(localhost) && strings.EqualFold(name[len(name)-len(localhost):], localhost) &&
		(len(name) == len(localhost) || name[len(name)-len(localhost)-1] == '.')
}

// isSame reports whether origin is the broker's own, as this request calls it.
func isSame(r *http.Request, origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(scheme, schemeOf(r)) && strings.EqualFold(host, r.Host)
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// exposed are the headers of replies that a page of another origin may read.
const exposed = "Allow, BrokerProperties, ETag, Jitney-Outcome, Jitney-Properties, Link, Location, Retry-After, X-Request-Id"

// share lets a page of an origin that is allowed read the reply (Fetch
// standard, CORS protocol).
func (x *exchange) share(origin string) {
	h := x.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", exposed)
	h.Add("Vary", "Origin")
}

// options answers which methods a resource has.
func (x *exchange) options(allow string) error {
	h := x.Header()
	h.Set("Allow", allow)
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", allow)
		if asked := x.r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}
