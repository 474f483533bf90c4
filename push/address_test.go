package push_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/push"
)

// canary listens on all addresses of the machine and counts who comes.
type canary struct {
	port  string
	count atomic.Int64
}

func newCanary(t testing.TB) *canary {
	c := &canary{}
	address := listen(t, ":0", func(conn net.Conn) {
		c.count.Add(1)
		readHead(conn)
		_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\nWebHook-Allowed-Origin: *\r\nConnection: close\r\n\r\n"))
	})
	_, c.port, _ = net.SplitHostPort(address)
	return c
}

// check holds that nobody has come. It comes itself, as the rules let it, and
// must be the first one counted.
func (c *canary) check(t testing.TB) {
	t.Helper()
	if r := send(newClient(t, push.Options{}, "127.0.0.1"), "http://127.0.0.1:"+c.port); r.Verdict != push.Delivered {
		t.Fatalf("the canary did not count who may come: %+v", r)
	}
	if n := c.count.Load(); n != 1 {
		t.Errorf("the canary counted %d connections, want 1", n)
	}
}

// hosts are spellings of addresses that must not be reached, which a C
// library, a browser or net/http might understand.
var hosts = []string{
	// Loopback as it is written.
	"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[0000:0000:0000:0000:0000:0000:0000:0001]",
	// Names of it.
	"localhost", "LOCALHOST", "LocalHost", "localhost.", "localhost..", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "foo.localhost",
	// IPv4 as inet_aton reads it.
	"127.1", "127.0.1", "127.0.0.1.", "127.0.0.1..", "2130706433", "2130706433.", "0x7f000001", "0X7F000001", "0x7f.0x0.0x0.0x1", "0x7f.0.0.1",
	"0x7f.1", "017700000001", "0177.0.0.1", "0177.0.0.01", "0177.1", "127.0.0.01", "127.00.00.01", "127.0.0.0x1", "127.0x1", "0x7f.0x000001",
	"00000177.0.0.1", "0x00000000007f.0.0.1", "4294967297", "127.0.0.257", "383.0.0.1", "127.0.0.1.0x0", "08.0.0.1",
	// This machine without a name.
	"0.0.0.0", "0", "0.", "00", "0x0", "0.0", "0.0.0", "[::]", "[0::0]", "[::0.0.0.0]",
	// IPv4 in IPv6.
	"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::FFFF:127.0.0.1]", "[::127.0.0.1]", "[::7f00:1]",
	"[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:1::1]",
	"[2002:a00:1::]", "[2001:0:7f00:1::]", "[2001:0000:4136:e378:8000:63bf:80ff:fffe]", "[::ffff:0.0.0.0]", "[::ffff:10.0.0.1]",
	"[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
	// Zones.
	"[::1%25lo]", "[::1%25]", "[::1%251]", "[fe80::1%25lo]", "[fe80::1%25eth0]", "[::ffff:127.0.0.1%25lo]", "[::1%lo]",
	// The network around.
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.254", "169.254.0.1",
	"198.18.0.1", "198.19.255.255", "192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255",
	"240.0.0.1", "255.255.255.255", "0.1.2.3",
	"[fe80::1]", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[2001:2::1]",
	// Clouds' metadata.
	"169.254.169.254", "169.254.170.2", "[fd00:ec2::254]", "100.100.100.200", "192.0.0.192", "168.63.129.16", "2852039166", "0xa9fea9fe",
	"0251.0376.0251.0376",
	// User information.
	"example.com@127.0.0.1", "example.com:80@127.0.0.1", "example.com%40127.0.0.1", "@127.0.0.1", ":@127.0.0.1", "a:b@127.0.0.1",
	"example.com\\@127.0.0.1", "127.0.0.1\\@example.com", "example.com#@127.0.0.1", "example.com?@127.0.0.1",
	// Percent signs, other digits, and what is not there.
	"%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%6c%6f%63%61%6c%68%6f%73%74", "127.0.0.1%00.example.com", "127.0.0.1%0d%0a", "127.0.0.1%20",
	"１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ", "loc\u00adalhost", "locaℓhost", "127.0.0.1\u200b", "l\u043ecalhost",
	"127.0.0.1\t", " 127.0.0.1", "127.0.0.1\r\nHost: a", "127.0.0.1\x00", "[127.0.0.1]", "::1", "[::1", "[[::1]]", "[::1].", "[::1]x", "",
	// Names whose server says so.
	"loop.test", "loop.test.", "LOOP.test", "loop6.test", "private.test", "mapped.test", "nat64.test", "both.test", "metadata.test", "any.test", "none.test",
}

// zoneOfTraps has names that resolve to what must not be reached.
var zoneOfTraps = map[string]func(int) []string{
	"loop.test":     always("127.0.0.1"),
	"loop6.test":    always("::1"),
	"private.test":  always("10.0.0.1", "fc00::1"),
	"mapped.test":   always("::ffff:127.0.0.1"),
	"nat64.test":    always("64:ff9b::7f00:1"),
	"both.test":     always("127.0.0.1", "::1", "0.0.0.0"),
	"metadata.test": always("169.254.169.254"),
	"any.test":      always("0.0.0.0", "::"),
}

// templates are URLs with a trap elsewhere than in the host as such.
var templates = []string{
	"http:127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}/", "//127.0.0.1:{port}/",
	"127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "https://[::1]:{port}/", "ftp://127.0.0.1:{port}/",
	"gopher://127.0.0.1:{port}/", "file://127.0.0.1:{port}/etc/passwd", "http+unix://127.0.0.1:{port}/", "javascript:127.0.0.1:{port}",
	"http://127.0.0.1:0{port}/", "http://127.0.0.1:{port}#", "http://127.0.0.1:{port}#@example.com/", "http://127.0.0.1:{port}?@example.com/",
	"http://127.0.0.1:{port}/../", "http://127.0.0.1:{port}\t/", "ht\ntp://127.0.0.1:{port}/", "\x01http://127.0.0.1:{port}/",
	" http://127.0.0.1:{port}/", "http://127.0.0.1:+{port}/", "http://127.0.0.1:{port}:80/", "http://127.0.0.1::{port}/",
}

// TestAddresses pushes to each spelling and asks each for consent. [S8]
func TestAddresses(t *testing.T) {
	t.Parallel()
	c := newClient(t, push.Options{Resolver: newResolver(t, zoneOfTraps)}, "allowed.test", "192.0.2.7")
	trap := newCanary(t)
	urls := make([]string, 0, len(hosts)+len(templates))
	for _, host := range hosts {
		urls = append(urls, "http://"+host+":"+trap.port+"/")
	}
	for _, template := range templates {
		urls = append(urls, strings.ReplaceAll(template, "{port}", trap.port))
	}
	if len(urls) < 80 {
		t.Fatalf("%d spellings", len(urls))
	}
	for _, url := range urls {
		checkRefused(t, c, url)
	}
	trap.check(t)
}

// checkRefused holds that nothing is sent to a URL: it cannot be read, or its
// host has no address, or one that is refused.
func checkRefused(t *testing.T, c *push.Client, url string) {
	t.Helper()
	e := push.Endpoint{URL: url, Timeout: long}
	r := c.Push(context.Background(), e, "msg_1", order(), nil)
	if r.Verdict != push.Retry || r.Sent || r.Status != 0 || !isRefusal(r.Err) {
		t.Errorf("push to %q: %+v", url, r)
	}
	if err := c.Consent(context.Background(), e); !isRefusal(err) {
		t.Errorf("consent of %q: %v", url, err)
	}
	if !c.NeedsConsent(url) {
		t.Errorf("%q needs no consent", url)
	}
}

func isRefusal(err error) bool {
	var wrong *problem.Field
	var unknown *net.DNSError
	return errors.Is(err, push.ErrAddress) || errors.As(err, &wrong) || errors.As(err, &unknown) && unknown.IsNotFound
}

// TestAddressError holds that the reason is told and the address is not. [S8]
func TestAddressError(t *testing.T) {
	t.Parallel()
	c := newClient(t, push.Options{Resolver: newResolver(t, zoneOfTraps)})
	for url, why := range map[string]string{
		"http://private.test/":            "private.test is private",
		"https://loop.test/":              "loop.test is loopback",
		"http://metadata.test/":           "metadata.test is link-local",
		"http://168.63.129.16/":           "168.63.129.16 is a cloud's metadata service",
		"http://[::ffff:7f00:1]:8/":       "127.0.0.1 is loopback",
		"http://[fe80::1]/":               "fe80::1 is link-local",
		"http://[fd00::1]/":               "fd00::1 is private",
		"http://[ff02::1]/":               "ff02::1 is not of the public internet",
		"http://[::1]/":                   "::1 is loopback",
		"http://[64:ff9b::10.0.0.1]:443/": "64:ff9b::a00:1 is private",
	} {
		r := send(c, url)
		if !errors.Is(r.Err, push.ErrAddress) || !strings.HasSuffix(r.Err.Error(), ": "+why) {
			t.Errorf("push to %s: %v, want %q", url, r.Err, why)
		}
	}
}

// TestAddressLog holds that the operator can read what the subscriber cannot.
func TestAddressLog(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	o := push.Options{Resolver: newResolver(t, zoneOfTraps), Logger: slog.New(slog.NewTextHandler(&lines, nil))}
	if r := send(newClient(t, o), "http://metadata.test:81/"); strings.Contains(r.Err.Error(), "169.254") {
		t.Errorf("the error tells the address: %v", r.Err)
	}
	if got := lines.String(); !strings.Contains(got, "target=metadata.test:81 address=169.254.169.254 because=link-local") {
		t.Errorf("the log: %s", got)
	}
}

// TestChangingName asks a host for consent at an address that is allowed and
// pushes to it when its name has another. [S8]
func TestChangingName(t *testing.T) {
	t.Parallel()
	trap := newLoopbackCanary(t)
	listen(t, "127.0.0.2:"+trap.port, func(conn net.Conn) {
		readHead(conn)
		_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\nWebHook-Allowed-Origin: *\r\nConnection: close\r\n\r\n"))
	})
	resolver := newResolver(t, map[string]func(int) []string{"change.test": func(time int) []string {
		if time == 1 {
			return []string{"127.0.0.2"}
		}
		return []string{"127.0.0.1"}
	}})
	c := newClient(t, push.Options{Resolver: resolver}, "127.0.0.2")
	e := push.Endpoint{URL: "http://change.test:" + trap.port, Timeout: long}
	if err := c.Consent(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	if r := c.Push(context.Background(), e, "msg_1", order(), nil); !errors.Is(r.Err, push.ErrAddress) || r.Sent {
		t.Errorf("push to the second address: %+v", r)
	}
	trap.check(t)
}

// newLoopbackCanary leaves the port free on other addresses.
func newLoopbackCanary(t testing.TB) *canary {
	c := &canary{}
	address := listen(t, "127.0.0.1:0", func(conn net.Conn) {
		c.count.Add(1)
		readHead(conn)
		_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
	})
	_, c.port, _ = net.SplitHostPort(address)
	return c
}

// TestRedirect holds that no redirect is followed, whatever its status. [S7] [S8]
func TestRedirect(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:"+trap.port+"/")
			w.Header().Set("WebHook-Allowed-Origin", "*")
			w.WriteHeader(status)
		})
		c := newClient(t, push.Options{}, "127.0.0.1") // the trap as well
		if r := send(c, s.URL); r.Verdict != push.Retry || r.Status != status || !r.Sent || !errors.Is(r.Err, push.ErrAnswer) {
			t.Errorf("push answered %d: %+v", status, r)
		}
		if err := c.Consent(context.Background(), push.Endpoint{URL: s.URL, Timeout: long}); !errors.Is(err, push.ErrConsent) {
			t.Errorf("consent answered %d: %v", status, err)
		}
	}
	trap.check(t)
}

// TestProxy holds that the environment does not say where to connect. It sets
// the environment before any other test can have read it.
func TestProxy(t *testing.T) {
	trap := newCanary(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+trap.port)
	}
	c := newClient(t, push.Options{Resolver: newResolver(t, zoneOfTraps)}, "127.0.0.1")
	for _, url := range []string{"http://none.test/", "https://none.test/", "http://loop6.test/"} {
		if r := send(c, url); r.Verdict != push.Retry || r.Sent {
			t.Errorf("push to %s: %+v", url, r)
		}
	}
	trap.check(t)
}

// TestRefusal asks about addresses without connecting: what is next to a range
// that is refused is not. [S8]
func TestRefusal(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		"1.0.0.0": false, "0.255.255.255": true, "9.255.255.255": false, "11.0.0.0": false, "10.128.0.0": true,
		"100.63.255.255": false, "100.64.0.0": true, "100.127.255.255": true, "100.128.0.0": false,
		"126.255.255.255": false, "128.0.0.0": false, "169.253.255.255": false, "169.255.0.0": false,
		"172.15.255.255": false, "172.32.0.0": false, "192.0.1.0": false, "192.0.3.0": false, "192.167.255.255": false, "192.169.0.0": false,
		"198.17.255.255": false, "198.20.0.0": false, "198.51.99.255": false, "203.0.114.0": false, "223.255.255.255": false, "224.0.0.0": true,
		"168.63.129.15": false, "168.63.129.17": false, "8.8.8.8": false, "::ffff:8.8.8.8": false, "::8.8.8.8": true,
		"2606:4700::1111": false, "2a00:1450::1": false, "2001:200::1": false, "2001:1ff:ffff::": true, "2001:db7::1": false, "2001:db9::1": false,
		"2002::": true, "2003::1": false, "3ffe::1": false, "3fff:1000::": false, "4000::1": true, "1fff::1": true,
		"64:ff9b::8.8.8.8": false, "64:ff9b::127.0.0.1": true, "64:ff9b::1:0:0": true, "fe80::1%eth0": true,
	} {
		if why := push.Refusal(netip.MustParseAddr(text)); (why != "") != refused {
			t.Errorf("%s is refused as %q, want refused %t", text, why, refused)
		}
	}
}

// TestOwnAddress asks about the machine's own addresses, of which a test
// machine has none that is public. [S8]
func TestOwnAddress(t *testing.T) {
	t.Parallel()
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Skip(err)
	}
	for _, a := range own {
		addr, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if !push.IsOwn(addr.Unmap()) {
			t.Errorf("%s is not known as the machine's own", addr)
		}
	}
	if push.IsOwn(netip.MustParseAddr("8.8.8.8")) {
		t.Error("8.8.8.8 is taken for the machine's own")
	}
}
