package webapp_test

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Addresses are chosen below the ports that systems give to connections.
const (
	firstPort = 10_000
	portCount = 10_000
)

// given holds the ports that are in use by these tests.
var given sync.Map

// freeAddress returns an address of this machine where nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := firstPort + rand.IntN(portCount)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
