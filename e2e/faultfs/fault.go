//go:build linux

package faultfs

import (
	"cmp"
	"syscall"
)

// A Fault spoils one call, or all from one on. The zero Fault spoils none.
type Fault struct {
	N       int           // which call of the kinds in On is hit, the next one being 1; 0 for none
	On      Kind          // kinds that are counted, or-ed; zero means Write|Sync|SyncDir
	Errno   syscall.Errno // what the call returns; zero means EIO
	Lasting bool          // all counted calls after the N-th fail too

	// Short lets a write that is hit put down the first half of its bytes and say so. The next counted call, which is
	// the attempt at the second half, fails. Calls other than writes fail at once.
	Short bool
}

// A trigger counts calls towards its fault.
type trigger struct {
	fault     Fault
	calls     int
	hits      int
	shortened bool // the last counted call was a write that became short
}

// pull counts op and returns the error it has to fail with, or 0. It cuts op.Data if the write has to be short.
func (t *trigger) pull(op *Op) syscall.Errno {
	if op.Kind&cmp.Or(t.fault.On, Write|Sync|SyncDir) == 0 {
		return 0
	}
	t.calls++
	hit := t.calls == t.fault.N
	due := hit || t.shortened || t.fault.Lasting && t.fault.N > 0 && t.calls > t.fault.N
	t.shortened = hit && t.fault.Short && op.Kind == Write
	if !due {
		return 0
	}
	t.hits++
	if t.shortened {
		op.Data = op.Data[:len(op.Data)/2]
		return 0
	}
	return cmp.Or(t.fault.Errno, syscall.EIO)
}
