//go:build linux

// Package faultfs mounts a directory through FUSE so that a test can make its writes and syncs fail, record their
// order, and build the files that a loss of power would have left. It is for tests, on Linux only.
//
// The mounted directory is flat: files can be created, renamed, removed, cut, read, written, locked and mapped, and
// nothing else. A sync is recorded but not passed on to the directory beneath, which keeps tests fast.
//
// The file system runs in a process of its own, started from the test's own binary. Served from the testing process it
// could hang: a goroutine that waits for a page of a mapped file cannot be stopped by the garbage collector, and the
// server, stopped already, cannot bring the page. So every test package that calls [Mount] has
//
//	func TestMain(m *testing.M) {
//		faultfs.Main()
//		os.Exit(m.Run())
//	}
package faultfs

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
)

// ErrUnavailable is returned by Mount where FUSE cannot be mounted: no /dev/fuse, or not the right to.
var ErrUnavailable = errors.New("faultfs: FUSE cannot be mounted here")

// An FS is a mounted directory. Its methods may be called from several goroutines.
type FS struct {
	path    string
	unmount func() error

	mu     sync.Mutex // mu protects all below; one request is under way at a time
	server *exec.Cmd
	stdin  io.Closer
	enc    *gob.Encoder
	dec    *gob.Decoder
	marks  []Mark
}

// Mount shows the directory dir under the path that Path tells. What dir holds, which must be files only, is the
// durable state that the history starts from. The caller calls Unmount. The error wraps ErrUnavailable if the machine
// is to blame and not dir.
func Mount(dir string) (*FS, error) {
	if os.Getenv(mountPointEnv) != "" {
		return nil, errors.New("faultfs: TestMain has to call faultfs.Main first")
	}
	mountPoint, err := os.MkdirTemp("", "faultfs-")
	if err != nil {
		return nil, err
	}
	f := &FS{path: mountPoint}
	f.unmount = sync.OnceValue(f.stop)
	if err := f.start(dir); err != nil {
		return nil, errors.Join(err, f.Unmount())
	}
	return f, nil
}

// Path returns the directory that the test works in.
func (f *FS) Path() string { return f.path }

// Unmount takes the file system away and waits until its process has ended. All files on it have to be closed and
// unmapped before; if some are not after about 300 ms, it is taken away from under them and an error is returned.
// Further calls return what the first returned.
func (f *FS) Unmount() error { return f.unmount() }

// Fail arms a fault in place of the one armed before and sets both counters of Counts to zero.
func (f *FS) Fail(fault Fault) error {
	return f.call(request{Fault: &fault}, func(reply) {})
}

// Counts returns how many calls the fault armed last has counted and how many of them it has hit. A scenario that ends
// with no hit has run undisturbed.
func (f *FS) Counts() (calls, hits int, err error) {
	err = f.call(request{}, func(r reply) { calls, hits = r.Calls, r.Hits })
	return calls, hits, err
}

// Mark drops v into the history: every operation that has returned is before it, every one that starts later behind.
func (f *FS) Mark(v any) error {
	return f.call(request{}, func(r reply) { f.marks = append(f.marks, Mark{At: r.OpCount, Value: v}) })
}

// History returns what happened since Mount. It does not change when more happens.
func (f *FS) History() (*History, error) {
	var h History
	err := f.call(request{WithHistory: true}, func(r reply) {
		h = r.History
		h.Marks = slices.Clone(f.marks)
	})
	return &h, err
}

// call sends q and calls use, with mu held, with the answer.
func (f *FS) call(q request, use func(reply)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enc.Encode(q); err != nil {
		return fmt.Errorf("faultfs: ask the server: %w", err)
	}
	r, err := f.receive()
	if err == nil {
		use(r)
	}
	return err
}

func (f *FS) receive() (reply, error) {
	var r reply
	if err := f.dec.Decode(&r); err != nil {
		return r, fmt.Errorf("faultfs: no answer from the server (does TestMain call faultfs.Main first?): %w", err)
	}
	return r, nil
}

func (f *FS) start(dir string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, "-test.run=^$") // without Main in TestMain it runs no test and ends
	cmd.Env = append(os.Environ(), directoryEnv+"="+dir, mountPointEnv+"="+f.path,
		"GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0") // else Unmount takes a second under the race detector
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt ends the test first, then the server unmounts
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		return fmt.Errorf("faultfs: start the server: %w", err)
	}
	f.server, f.stdin, f.enc, f.dec = cmd, stdin, gob.NewEncoder(stdin), gob.NewDecoder(stdout)
	return f.greet()
}

// greet waits for the server's word that it has mounted.
func (f *FS) greet() error {
	r, err := f.receive()
	switch {
	case err != nil:
		return err
	case r.Refusal != "":
		return fmt.Errorf("faultfs: %s", r.Refusal)
	case r.Unavailable != "":
		return fmt.Errorf("%w: %s", ErrUnavailable, r.Unavailable)
	}
	return nil
}

func (f *FS) stop() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.server != nil {
		err = errors.Join(f.stdin.Close(), f.server.Wait())
	}
	if err != nil {
		err = fmt.Errorf("faultfs: unmount %s: %w", f.path, err)
		_ = syscall.Unmount(f.path, syscall.MNT_DETACH) // in case the server died before it could
	}
	if removeErr := os.Remove(f.path); !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}
