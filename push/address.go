package push

import (
	"net"
	"net/netip"
)

// block is a range of addresses that are not pushed to.
type block struct {
	prefix netip.Prefix
	why    string
}

// blocks are the ranges of IPv4 and, within global, of IPv6 that do not lead
// to a host of the public internet: the special-purpose registries of IANA
// (RFC 6890 and its updates), and addresses at which clouds answer the
// machines that they run.
var blocks = []block{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's metadata service"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a relay's"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "reserved for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved or broadcast"},
	{netip.MustParsePrefix("2001::/23"), "reserved for protocols"}, // Teredo is among them
	{netip.MustParsePrefix("2001:db8::/32"), "reserved for documentation"},
	{netip.MustParsePrefix("2002::/16"), "a relay's"}, // 6to4, given up with RFC 7526
	{netip.MustParsePrefix("3fff::/20"), "reserved for documentation"},
}

var (
	// global is what has been given out of IPv6. Loopback, link-local, site-local,
	// unique-local and multicast addresses and those with an IPv4 address in
	// them are outside.
	global = netip.MustParsePrefix("2000::/3")

	// nat64 is how a network without IPv4 reaches it (RFC 6052); the last four
	// bytes are the address that is meant.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// refusal returns why an address is not pushed to, as a predicate: "loopback".
// Empty: it is. [S8]
func refusal(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	for i := range blocks {
		if blocks[i].prefix.Contains(addr) {
			return blocks[i].why
		}
	}
	switch {
	case addr.Is6() && addr.IsLoopback():
		return "loopback"
	case addr.Is6() && addr.IsLinkLocalUnicast():
		return "link-local"
	case addr.Is6() && addr.IsPrivate():
		return "private"
	case addr.Is6() && !global.Contains(addr):
		return "not of the public internet"
	}
	return ""
}

// isOwn reports whether the machine itself has the address: what listens on it
// may be behind a firewall that a connection from inside does not meet. A
// system that does not tell its addresses leaves this out.
func isOwn(addr netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(addr.AsSlice()) {
			return true
		}
	}
	return false
}
