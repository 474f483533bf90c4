package push

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/jitney-mq/jitney/problem"
)

// A Rule names targets that the operator allows: their address is not checked
// and they are not asked for consent. Only ParseRule makes one.
type Rule struct {
	host   string       // a host name, allowed whatever it resolves to; empty: prefix is meant
	prefix netip.Prefix // addresses, allowed by whatever name they are reached
	port   uint16       // 0: any
}

// ParseRule reads a rule: a host name, an IP address, either with :port (an
// IPv6 address then in brackets), or addresses as a CIDR block such as
// 10.0.0.0/8. Errors are *problem.Field. [S8]
func ParseRule(text string) (Rule, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil && !prefix.Addr().Is4In6() {
		return Rule{prefix: prefix.Masked()}, nil
	}
	name, port, ok := cutPort(text)
	if ok {
		if host, ok := cleanHost(name); ok {
			return newRule(host, port), nil
		}
	}
	return Rule{}, problem.NewField("rule", text, "a host, host:port, an IP address, or a block of them such as 10.0.0.0/8")
}

func newRule(host string, port uint16) Rule {
	if addr, err := netip.ParseAddr(host); err == nil {
		return Rule{prefix: netip.PrefixFrom(addr, addr.BitLen()), port: port}
	}
	return Rule{host: host, port: port}
}

// cutPort splits host:port; port is 0 where there is none.
func cutPort(text string) (host string, port uint16, ok bool) {
	if inner, rest, found := strings.Cut(strings.TrimPrefix(text, "["), "]"); found && text[0] == '[' {
		if rest == "" {
			return inner, 0, true
		}
		port, ok = parsePort(strings.TrimPrefix(rest, ":"))
		return inner, port, ok && rest[0] == ':'
	}
	if host, digits, found := strings.Cut(text, ":"); found && !strings.Contains(digits, ":") {
		port, ok = parsePort(digits)
		return host, port, ok
	}
	return text, 0, true
}

// String returns the rule as ParseRule reads it.
func (r Rule) String() string {
	switch {
	case r.host == "" && r.port == 0 && r.prefix.IsSingleIP():
		return r.prefix.Addr().String()
	case r.host == "" && r.port == 0:
		return r.prefix.String()
	case r.host == "":
		return join(r.prefix.Addr().String(), r.port)
	case r.port == 0:
		return r.host
	default:
		return join(r.host, r.port)
	}
}

// rules are what the operator allows.
type rules []Rule

// allowName reports whether a rule has the host by this name.
func (rs rules) allowName(host string, port uint16) bool {
	return slices.ContainsFunc(rs, func(r Rule) bool {
		return r.host != "" && r.host == host && (r.port == 0 || r.port == port)
	})
}

// allowAddr reports whether a rule has the address.
func (rs rules) allowAddr(addr netip.Addr, port uint16) bool {
	return slices.ContainsFunc(rs, func(r Rule) bool {
		return r.host == "" && r.prefix.Contains(addr) && (r.port == 0 || r.port == port)
	})
}

// allowURL reports whether a rule has the host of a URL, as it is spelled
// there: a name that merely resolves to an address that is allowed is not.
func (rs rules) allowURL(u *url.URL) bool {
	host := u.Hostname()
	port, ok := portOf(u)
	if !ok {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return rs.allowAddr(addr, port)
	}
	return rs.allowName(host, port)
}
