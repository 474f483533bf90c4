//go:build linux

package faultfs

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

const sectorSize = 512 // bytes that reach a disk together or not at all

// Syncs says what a Disk makes of the syncs in a history.
type Syncs int

// What a Disk makes of syncs.
const (
	HonourSyncs Syncs = iota // all that a sync covers is durable
	IgnoreSyncs              // nothing is: the control that shows that a test can fail
)

// A Disk is what survives a loss of power in the course of a history. It follows POSIX to the letter: a file's sync
// makes its bytes and length durable, but its name only the directory's sync. What no sync covered may be there or not,
// each operation by itself, and a write also in part. A Disk is for one goroutine; a history can have many Disks.
type Disk struct {
	history *History
	syncs   Syncs
	at      int    // operations that have been replayed
	durable volume // what they left for sure
	pending []Op   // those of them that no sync covered
}

// Disk returns the disk beneath the history.
func (h *History) Disk(s Syncs) *Disk {
	d := &Disk{history: h, syncs: s}
	d.rewind()
	return d
}

// Image makes the directory dir, or empties it, and puts there what is left when power was lost after k operations.
// rng decides about all that no sync covered; with HonourSyncs and no such thing all images of k are equal. It is
// quickest when k does not fall from call to call.
func (d *Disk) Image(dir string, rng *rand.Rand, k int) error {
	d.seek(k)
	left := d.durable.fork()
	for _, op := range d.pending {
		left.hit(op, rng)
	}
	return left.writeTo(dir)
}

func (d *Disk) rewind() {
	d.at, d.pending = 0, nil
	d.durable = volume{names: map[string]int{}, contents: map[int]*content{}}
	for _, f := range d.history.Start {
		d.durable.names[f.Name] = f.ID
		d.durable.contents[f.ID] = &content{data: slices.Clone(f.Data), size: int64(len(f.Data))}
	}
}

func (d *Disk) seek(k int) {
	if k < d.at {
		d.rewind()
	}
	for _, op := range d.history.Ops[d.at:k] {
		switch {
		case op.Kind&(Sync|SyncDir) == 0:
			d.pending = append(d.pending, op)
		case d.syncs == HonourSyncs:
			d.sync(op)
		}
	}
	d.at = k
}

func (d *Disk) sync(sync Op) {
	d.pending = slices.DeleteFunc(d.pending, func(op Op) bool {
		if !sync.covers(op) {
			return false
		}
		d.durable.apply(op)
		return true
	})
}

// A volume is a directory with its files.
type volume struct {
	names    map[string]int
	contents map[int]*content // by the file's number; names come and go
}

// fork returns a copy to be changed. It shares bytes with v, which must not change before the copy is done with.
func (v *volume) fork() volume {
	w := volume{names: maps.Clone(v.names), contents: make(map[int]*content)}
	for file, c := range v.contents {
		w.contents[file] = &content{data: c.data, size: c.size, shared: true}
	}
	return w
}

func (v *volume) apply(op Op) {
	switch op.Kind {
	case Write:
		v.content(op.File).write(op.Offset, op.Data)
	case Truncate:
		v.content(op.File).truncate(op.Offset)
	case Create:
		v.names[op.Name] = op.File
	case Rename:
		delete(v.names, op.Name)
		v.names[op.NewName] = op.File
	case Remove:
		delete(v.names, op.Name)
	}
}

// hit applies op as a loss of power leaves it. Writes are lost, kept or torn, each as likely, because a write of many
// sectors would next to never be whole if each were drawn alone.
func (v *volume) hit(op Op, rng *rand.Rand) {
	switch {
	case op.Kind == Write && rng.IntN(3) == 0:
		v.tear(op, rng)
	case rng.IntN(2) == 0:
		v.apply(op)
	}
}

// tear keeps or loses each sector of a write, and the growth of the file, by themselves.
func (v *volume) tear(op Op, rng *rand.Rand) {
	c := v.content(op.File)
	if rng.IntN(2) == 0 {
		c.size = max(c.size, op.end())
	}
	for off := op.Offset; off < op.end(); {
		next := min(off-off%sectorSize+sectorSize, op.end())
		if rng.IntN(2) == 0 {
			c.write(off, op.Data[off-op.Offset:next-op.Offset])
		}
		off = next
	}
}

func (v *volume) content(file int) *content {
	c := v.contents[file]
	if c == nil {
		c = &content{}
		v.contents[file] = c
	}
	return c
}

func (v *volume) writeTo(dir string) error {
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return err
	}
	for name, file := range v.names {
		if err := v.content(file).writeTo(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// A content is the bytes of a file. Those from len(data) up to size are zeros, which keeps sparse files small.
type content struct {
	data   []byte
	size   int64
	shared bool // data belongs to another content, and is copied before it is written to
}

func (c *content) write(off int64, p []byte) {
	length, end := int64(len(c.data)), off+int64(len(p))
	if c.shared {
		c.data, c.shared = append(make([]byte, 0, max(length, end)), c.data...), false
	}
	if end > length {
		c.data = append(c.data, make([]byte, end-length)...)
	}
	copy(c.data[off:], p)
	c.size = max(c.size, end)
}

func (c *content) truncate(size int64) {
	c.data = c.data[:min(int64(len(c.data)), size)]
	c.size = size
}

func (c *content) writeTo(path string) error {
	if err := os.WriteFile(path, c.data, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, c.size)
}
