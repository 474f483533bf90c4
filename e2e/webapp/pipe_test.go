package webapp_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// pipeTimeout bounds how long an end waits for the other.
const pipeTimeout = 5 * time.Minute

// What a sender writes while nobody reads: for how long, and how much it must
// not get rid of. The system's own buffers for six connections hold less.
const (
	stallTimeout = 2 * time.Second
	stallSize    = 1 << 30
)

// TestPipe sends a gigabyte to a TCP server that sends it back, and looks at
// how much memory that takes.
func TestPipe(t *testing.T) {
	t.Parallel()
	size := int64(1 << 30)
	if testing.Short() {
		size = 50 << 20
		t.Logf("short: %d MiB only", size>>20)
	}
	tu := newTunnel(t, "echo", "tcp://"+startEcho(t))
	end := openPipe(t, tu.connect())
	end.circulate(1)
	memory := newGauge(t, tu.broker, tu.listener, end.process)

	began := time.Now()
	end.circulate(size)
	t.Logf("%d MiB there and back in %s", size>>20, time.Since(began).Round(time.Millisecond))
	end.fill()
	memory.check()
	end.close()
}

// A pipe is what runs relay connect: both ends of its standard input and
// output.
type pipe struct {
	*process
	in  *os.File
	out *os.File
}

// openPipe runs a command.
func openPipe(t testing.TB, cmd *exec.Cmd) pipe {
	t.Helper()
	stdin, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close() })
	deadline := time.Now().Add(pipeTimeout)
	if err := errors.Join(in.SetDeadline(deadline), out.SetDeadline(deadline)); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	p := pipe{process: start(t, "", cmd), in: in, out: out}
	if err := errors.Join(stdin.Close(), stdout.Close()); err != nil {
		t.Fatal(err)
	}
	return p
}

// circulate sends noise, and compares it with what comes back.
func (p pipe) circulate(size int64) {
	p.Helper()
	sent, returned := sha256.New(), sha256.New()
	var sending sync.WaitGroup
	sending.Go(func() {
		if _, err := io.Copy(io.MultiWriter(p.in, sent), noise(size)); err != nil {
			p.Errorf("after it was written to: %v", err)
		}
	})
	if n, err := io.CopyN(returned, p.out, size); err != nil {
		p.Errorf("%d bytes came back of %d: %v", n, size, err)
	}
	sending.Wait()
	if got, want := hexSum(returned), hexSum(sent); got != want {
		p.Errorf("the SHA-256 of what came back is %s, want %s", got, want)
	}
}

// fill sends noise and reads nothing until nothing more is taken, which has to
// be soon. Then it reads what comes back.
func (p pipe) fill() {
	p.Helper()
	if err := p.in.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		p.Fatal(err)
	}
	n, err := io.Copy(p.in, noise(stallSize))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		p.Fatalf("%d bytes were taken of %d while nobody read: %v", n, stallSize, err)
	}
	p.Logf("%d KiB are taken while nobody reads", n>>10)
	returned, want := sha256.New(), sha256.New()
	_, err = io.CopyN(returned, p.out, n)
	if _, hashing := io.Copy(want, noise(n)); err != nil || hashing != nil {
		p.Errorf("after a time without a reader: %v", errors.Join(err, hashing))
	}
	if got, want := hexSum(returned), hexSum(want); got != want {
		p.Errorf("the SHA-256 of %d bytes after a time without a reader is %s, want %s", n, got, want)
	}
}

// close ends the input, which is to end the other direction, and the process
// well.
func (p pipe) close() {
	p.Helper()
	deadline := time.Now().Add(stopTimeout)
	if err := errors.Join(p.in.Close(), p.out.SetReadDeadline(deadline)); err != nil {
		p.Fatal(err)
	}
	if rest, err := io.ReadAll(p.out); err != nil || len(rest) > 0 {
		p.Fatalf("after the end of what was sent there come %d bytes, %v", len(rest), err)
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			p.Errorf("relay connect ended with %v", err)
		}
	case <-time.After(time.Until(deadline)):
		p.Error("relay connect does not end")
	}
}

// startEcho runs a TCP server that sends back what it gets.
func startEcho(t testing.TB) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}
