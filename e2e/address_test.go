package e2e_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Addresses are chosen below the ports that systems give to connections, so
// that one is still free when a broker is started there again.
const (
	firstPort = 20_000
	portCount = 10_000
)

// given holds the ports that are in use by this test.
var given sync.Map

// freeAddress returns an address of this machine where nobody listens.
func freeAddress() (string, error) {
	for range 100 {
		port := firstPort + rand.IntN(portCount)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port")
}
