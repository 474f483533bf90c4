package webapp_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// sshSize is how many bytes go through a session of ssh, both ways.
const sshSize = 20 << 20

// TestSSH has ssh reach an sshd by relay connect alone.
func TestSSH(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it needs OpenSSH's server")
	}
	t.Parallel()
	s := startSSHD(t)
	tu := newTunnel(t, "ssh", "tcp://"+s.address)

	out, err := s.command(t, tu, "exit 7").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Fatalf("ssh ended with %v, want 7\n%s", err, out)
	}
	cat, returned := s.command(t, tu, "cat"), sha256.New()
	var complaints bytes.Buffer
	cat.Stdin, cat.Stdout, cat.Stderr = noise(sshSize), returned, &complaints
	if err := cat.Run(); err != nil {
		t.Fatalf("ssh: %v\n%s", err, &complaints)
	}
	want := sha256.New()
	if _, err := io.Copy(want, noise(sshSize)); err != nil {
		t.Fatal(err)
	}
	if got, want := hexSum(returned), hexSum(want); got != want {
		t.Errorf("the SHA-256 of what came back is %s, want %s", got, want)
	}
}

// sshd is a server for the user of the test, with keys of its own.
type sshd struct {
	address string
	dir     string // of the keys
}

// startSSHD fails where there is none.
func startSSHD(t testing.TB) sshd {
	t.Helper()
	s := sshd{address: freeAddress(t), dir: t.TempDir()}
	for _, name := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.path(name)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v: apt-get install openssh-client, or run the tests with -short\n%s", err, out)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // it wants the folder, which its service makes
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	start(t, "Server listening", exec.Command(findSSHD(t), "-D", "-e", "-f", os.DevNull, "-h", s.path("host"), "-p", port,
		"-o", "ListenAddress="+host, "-o", "AuthorizedKeysFile="+s.path("user.pub"), "-o", "StrictModes=no", "-o", "PidFile=none"))
	return s
}

func (s sshd) path(name string) string { return filepath.Join(s.dir, name) }

// findSSHD returns the path of sshd, which has to be started by it.
func findSSHD(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"sshd", "/usr/sbin/sshd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no sshd: apt-get install openssh-server, or run the tests with -short")
	return ""
}

// command returns ssh with a command for the other end, which it reaches
// through the tunnel.
func (s sshd) command(t testing.TB, tu tunnel, command string) *exec.Cmd {
	t.Helper()
	key, err := os.ReadFile(s.path("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	known := s.path("known")
	if err := os.WriteFile(known, fmt.Appendf(nil, "relayed %s", key), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command("ssh", "-F", "none", "-i", s.path("user"), "-o", "UserKnownHostsFile="+known, "-o", "BatchMode=yes",
		"-o", "ProxyCommand="+strings.Join(tu.connect().Args, " "), "-l", u.Username, "relayed", command)
}
