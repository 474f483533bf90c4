package push

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/problem"
)

// Limits of a URL and its host name, in bytes.
const (
	MaxURLBytes   = 2048
	maxHostBytes  = 253 // RFC 1035, without the last dot
	maxLabelBytes = 63
)

// CheckURL reads the URL of an endpoint: absolute, http or https, with a host,
// without user information and fragment. What it returns is spelled in one
// way: scheme and host in lower case, the host without a last dot, an address
// as netip writes it, no default port, at least a slash for a path. Errors are
// *problem.Field. That a URL passes says nothing about whether its host may be
// reached. [S8]
func CheckURL(text string) (*url.URL, error) {
	if len(text) > MaxURLBytes {
		return nil, wrongURL(text, "at most %d bytes", MaxURLBytes)
	}
	if !isGraphic(text) || strings.ContainsRune(text, '\\') {
		return nil, wrongURL(text, "printable ASCII characters without spaces and backslashes; percent-encode others, and write a host as xn--…")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "":
		return nil, wrongURL(text, "an absolute http or https URL with a host")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, wrongURL(text, "a URL that begins with http:// or https://")
	case u.User != nil:
		return nil, problem.NewField("URL", "", "a URL without user name and password; use a header")
	case strings.ContainsRune(text, '#'):
		return nil, wrongURL(text, "a URL without a fragment")
	}
	if err := normalise(u); err != nil {
		return nil, err
	}
	return u, nil
}

func wrongURL(text, want string, args ...any) error {
	return problem.NewField("URL", text, want, args...)
}

func normalise(u *url.URL) error {
	host, ok := cleanHost(u.Hostname())
	if isIPv6 := strings.Contains(host, ":"); !ok || isIPv6 && u.Host[0] != '[' {
		return wrongURL(u.Host, "a host name, an IPv4 address as four decimal numbers, or an IPv6 address in brackets without a zone")
	}
	port, ok := portOf(u)
	if !ok {
		return wrongURL(u.Host, "a port from 1 to 65535")
	}
	u.Host = join(host, port)
	if port == defaultPort(u.Scheme) {
		u.Host = strings.TrimSuffix(u.Host, ":"+strconv.Itoa(int(port)))
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return nil
}

// join returns host:port, the host in brackets where it must be.
func join(host string, port uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(port))
}

// portOf returns the port that u names or means.
func portOf(u *url.URL) (port uint16, ok bool) {
	if text := u.Port(); text != "" {
		return parsePort(text)
	}
	return defaultPort(u.Scheme), true
}

func parsePort(text string) (port uint16, ok bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// cleanHost returns the one spelling of a host name or an address without
// brackets. Whatever a C library would read as an address and netip does not,
// such as 127.1, 0x7f000001 or 0177.0.0.1, is neither.
func cleanHost(host string) (clean string, ok bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String(), addr.Zone() == ""
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || len(host) > maxHostBytes {
		return "", false
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if !isLabel(label) {
			return "", false
		}
		last = label
	}
	return host, !isNumeric(last)
}

// isLabel allows for the underscore, which container networks use.
func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || 'z' < c) && (c < '0' || '9' < c) && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxLabelBytes
}

// isNumeric reports whether a label is a number in C's notation. No top-level
// domain is one.
func isNumeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// isGraphic reports whether s is printable ASCII without a space.
func isGraphic(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
