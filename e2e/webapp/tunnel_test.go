package webapp_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A tunnel is a broker and a listener that exposes an address of this machine
// under a name.
type tunnel struct {
	name     string // of the connection point, without its slash
	url      string // of the broker
	host     string // by which the connection point has an origin of its own
	broker   *process
	listener *process
}

// newTunnel runs a broker, and a listener at a name for what is at a URL.
func newTunnel(t testing.TB, name, to string) tunnel {
	t.Helper()
	address, relayed := freeAddress(t), freeAddress(t)
	_, port, _ := strings.Cut(relayed, ":")
	tu := tunnel{name: name, url: "http://" + address, host: name + ".localhost:" + port}
	tu.broker = start(t, "msg=serving ", exec.Command(program, "serve", "--insecure", "--dir", t.TempDir(), "--listen", address, "--relay-listen", relayed))
	tu.listener = start(t, tu.url+"/"+name, exec.Command(program, "relay", "listen", "/"+name, "--to", to, "--url", tu.url))
	return tu
}

// connect returns the command that connects its standard input and output with
// what is exposed.
func (tu tunnel) connect() *exec.Cmd {
	return exec.Command(program, "relay", "connect", "/"+tu.name, "--url", tu.url)
}
