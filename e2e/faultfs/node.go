//go:build linux

package faultfs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A node is what directory and file have in common.
type node struct {
	gofs.Inode
	server *server
}

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	var st syscall.Statfs_t
	err := syscall.Statfs(n.server.dir, &st)
	out.FromStatfsT(&st)
	return gofs.ToErrno(err)
}

// A directory is the root. go-fuse keeps the names in it.
type directory struct {
	node
	found map[string]*file // what was there when it was mounted
}

// newDirectory opens all that dir holds and makes it the beginning of the history.
func newDirectory(dir string) (*directory, error) {
	s := &server{dir: dir}
	d := &directory{node: node{server: s}, found: make(map[string]*file)}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		backing, openErr := os.OpenFile(d.beneath(e.Name()), os.O_RDWR, 0)
		data, readErr := os.ReadFile(d.beneath(e.Name()))
		err = errors.Join(err, openErr, readErr)
		f := &file{node: node{server: s}, id: s.nextFileID(), backing: backing}
		d.found[e.Name()] = f
		s.history.Start = append(s.history.Start, File{ID: f.id, Name: e.Name(), Data: data})
	}
	return d, err
}

func (d *directory) beneath(name string) string { return filepath.Join(d.server.dir, name) }

func (d *directory) inode(ctx context.Context, f *file) *gofs.Inode {
	return d.NewPersistentInode(ctx, f, gofs.StableAttr{Mode: syscall.S_IFREG})
}

// OnAdd is called by go-fuse once, before the first request.
func (d *directory) OnAdd(ctx context.Context) {
	for name, f := range d.found {
		d.AddChild(name, d.inode(ctx, f), false)
	}
}

func (d *directory) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (
	*gofs.Inode, gofs.FileHandle, uint32, syscall.Errno) {
	f := &file{node: node{server: d.server}, id: d.server.nextFileID()}
	errno := d.server.do(&Op{Kind: Create, Name: name, File: f.id}, func() (err error) {
		f.backing, err = os.OpenFile(d.beneath(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, os.FileMode(mode).Perm())
		return err
	})
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return d.inode(ctx, f), nil, 0, f.stat(&out.Attr)
}

func (d *directory) Unlink(_ context.Context, name string) syscall.Errno {
	return d.server.do(&Op{Kind: Remove, Name: name}, func() error { return os.Remove(d.beneath(name)) })
}

func (d *directory) Rename(_ context.Context, name string, _ gofs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	child := d.GetChild(name)
	if child == nil || flags != 0 {
		return syscall.EINVAL
	}
	op := &Op{Kind: Rename, Name: name, NewName: to, File: child.Operations().(*file).id}
	return d.server.do(op, func() error { return os.Rename(d.beneath(name), d.beneath(to)) })
}

func (d *directory) Fsync(context.Context, gofs.FileHandle, uint32) syscall.Errno {
	return d.server.do(&Op{Kind: SyncDir}, nothing)
}

// A file stays open beneath until the server ends, so that it outlives its name.
type file struct {
	node
	id      int
	backing *os.File
}

func (f *file) Open(context.Context, uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

func (f *file) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return f.stat(&out.Attr)
}

func (f *file) stat(out *fuse.Attr) syscall.Errno {
	var st syscall.Stat_t
	err := syscall.Fstat(int(f.backing.Fd()), &st)
	out.FromStat(&st)
	return gofs.ToErrno(err)
}

// Setattr changes the length and nothing else.
func (f *file) Setattr(_ context.Context, _ gofs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	size, ok := in.GetSize()
	if !ok {
		return syscall.ENOTSUP
	}
	op := &Op{Kind: Truncate, File: f.id, Offset: int64(size)}
	if errno := f.server.do(op, func() error { return f.backing.Truncate(op.Offset) }); errno != 0 {
		return errno
	}
	return f.stat(&out.Attr)
}

func (f *file) Read(_ context.Context, _ gofs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultFd(f.backing.Fd(), off, len(dest)), 0
}

func (f *file) Write(_ context.Context, _ gofs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	op := &Op{Kind: Write, File: f.id, Offset: off, Data: slices.Clone(data)}
	errno := f.server.do(op, func() error {
		_, err := f.backing.WriteAt(op.Data, off)
		return err
	})
	return uint32(len(op.Data)), errno
}

func (f *file) Fsync(context.Context, gofs.FileHandle, uint32) syscall.Errno {
	return f.server.do(&Op{Kind: Sync, File: f.id}, nothing)
}

// nothing is how a sync is carried out: the files beneath are as durable as the test needs them.
func nothing() error { return nil }
