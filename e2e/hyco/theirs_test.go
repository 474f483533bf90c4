package hyco_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// TestTheirs runs the tests that hyco-https comes with, unmodified. They have
// names of hosts without ports, hence the front. One behind the other: each has a
// listener of its own, all at one path. (hyco-ws comes without tests.)
func TestTheirs(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	certificate := startFront(t, b)
	b.point("/a2")
	for _, name := range []string{"get", "post", "chunkedpost", "pipe"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "--no-deprecation", "--require", "./jest.js", "--test-force-exit", installed.tests(name))
			cmd.Dir = string(installed)
			cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+certificate,
				"SB_HC_NAMESPACE=127.0.0.1", "SB_HC_PATH=a2", "SB_HC_KEYRULE=root", "SB_HC_KEY=secret")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
