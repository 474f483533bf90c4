//go:build linux

package faultfs

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// The environment of a server process.
const (
	directoryEnv  = "FAULTFS_DIRECTORY"
	mountPointEnv = "FAULTFS_MOUNT_POINT"
)

const maxWrite = 1 << 20 // bytes the kernel hands over in one write at most; a longer one becomes several operations

// The server says one reply when it has mounted or cannot, then one to each request, as gob values on its standard
// input and output. It unmounts and ends when its input does, be it by Unmount or by the death of the test.
type (
	request struct {
		Fault       *Fault // to be armed, if any
		WithHistory bool
	}
	reply struct {
		Unavailable string // why FUSE cannot be mounted
		Refusal     string // what is wrong with the directory
		OpCount     int
		Calls, Hits int
		History     History // if asked for
	}
)

// A server is the state of a mounted directory in the process that serves it.
type server struct {
	dir string

	mu      sync.Mutex // mu protects all below; it is held over each change, so that the history has one order
	history History
	trigger trigger
	fileID  int // given last
}

// Main serves a file system and ends the process if it was started by Mount, else it returns at once. It is the first
// call in the TestMain of a package that uses Mount.
func Main() {
	mountPoint := os.Getenv(mountPointEnv)
	if mountPoint == "" {
		return
	}
	if err := serve(os.Getenv(directoryEnv), mountPoint); err != nil {
		fmt.Fprintln(os.Stderr, "faultfs:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(dir, mountPoint string) error {
	enc, dec := gob.NewEncoder(os.Stdout), gob.NewDecoder(os.Stdin)
	root, err := newDirectory(dir)
	if err != nil {
		return enc.Encode(reply{Refusal: err.Error()})
	}
	mounted, err := gofs.Mount(mountPoint, root, mountOptions())
	if err != nil {
		return enc.Encode(reply{Unavailable: err.Error()})
	}
	for r := (reply{}); enc.Encode(r) == nil; {
		var q request
		if dec.Decode(&q) != nil {
			break
		}
		r = root.server.answer(q)
	}
	return end(mounted, mountPoint)
}

// end leaves nothing behind even if the test is dead and can clean up no more.
func end(mounted *fuse.Server, mountPoint string) error {
	err := mounted.Unmount()
	if err != nil {
		err = fmt.Errorf("are files still open? %w", err)
		_ = syscall.Unmount(mountPoint, syscall.MNT_DETACH)
	}
	return errors.Join(err, os.Remove(mountPoint))
}

func mountOptions() *gofs.Options {
	return &gofs.Options{MountOptions: fuse.MountOptions{
		Name:              "faultfs",
		DirectMountStrict: os.Geteuid() == 0, // others need the program fusermount3
		MaxWrite:          maxWrite,
		DisableXAttrs:     true,
		// All changes come through the kernel, so what it has cached is true. Without this a changed mtime would make it
		// drop every page of a mapped file.
		ExplicitDataCacheControl: true,
	}}
}

func (s *server) answer(q request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Fault != nil {
		s.trigger = trigger{fault: *q.Fault}
	}
	r := reply{OpCount: len(s.history.Ops), Calls: s.trigger.calls, Hits: s.trigger.hits}
	if q.WithHistory {
		r.History = s.history
	}
	return r
}

// do applies op to the directory beneath and records it, unless the armed fault hits it: then it fails and leaves
// nothing, or op.Data has been cut short.
func (s *server) do(op *Op, apply func() error) syscall.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errno := s.trigger.pull(op); errno != 0 {
		return errno
	}
	if err := apply(); err != nil {
		return gofs.ToErrno(err)
	}
	s.history.Ops = append(s.history.Ops, *op)
	return 0
}

// nextFileID returns a number that no file had before.
func (s *server) nextFileID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fileID++
	return s.fileID
}
