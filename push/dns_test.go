package push_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// zone is a name server's: the addresses of each name, and how often it was
// asked for those of IPv4.
type zone struct {
	mu    sync.Mutex // guards asked
	asked map[string]int
	names map[string]func(time int) []string // from the first, 1
}

// always answers the same each time.
func always(addresses ...string) func(int) []string { return func(int) []string { return addresses } }

// newResolver runs a name server for a test and returns who asks it.
func newResolver(t testing.TB, names map[string]func(int) []string) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{asked: map[string]int{}, names: names}
	done := make(chan struct{})
	go func() {
		defer close(done)
		z.serve(socket)
	}()
	t.Cleanup(func() {
		_ = socket.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

func (z *zone) serve(socket net.PacketConn) {
	query := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(query)
		if err != nil {
			return
		}
		_, _ = socket.WriteTo(z.answer(query[:n]), from)
	}
}

// Types of a record (RFC 1035, RFC 3596).
const (
	typeA    = 1
	typeAAAA = 28
)

// answer returns the reply to a query of one question (RFC 1035, 4).
func (z *zone) answer(query []byte) []byte {
	name, end := question(query)
	kind := binary.BigEndian.Uint16(query[end:])
	reply := append([]byte{}, query[:end+4]...)
	copy(reply[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) // an answer, 1 question
	answers, ok := z.lookUp(name, kind)
	if !ok {
		reply[3] |= 3 // no such name
	}
	for _, text := range answers {
		addr := netip.MustParseAddr(text)
		if addr.Is4() != (kind == typeA) {
			continue
		}
		reply[7]++
		reply = append(reply, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(addr.BitLen()/8))
		reply = append(reply, addr.AsSlice()...)
	}
	return reply
}

func (z *zone) lookUp(name string, kind uint16) (addresses []string, ok bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if kind == typeA {
		z.asked[name]++
	}
	of, ok := z.names[name]
	if !ok || kind != typeA && kind != typeAAAA {
		return nil, ok
	}
	return of(max(z.asked[name], 1)), true
}

// question returns the name that is asked for and where it ends.
func question(query []byte) (name string, end int) {
	var labels []string
	end = 12
	for query[end] != 0 {
		n := int(query[end])
		labels = append(labels, string(query[end+1:end+1+n]))
		end += 1 + n
	}
	return strings.ToLower(strings.Join(labels, ".")), end + 1
}
