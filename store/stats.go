package store

import (
	"sync/atomic"
	"time"
)

type counters struct {
	commits     atomic.Uint64
	ops         atomic.Uint64
	reruns      atomic.Uint64
	quarantined atomic.Uint64
}

// Stats are sums since the store was opened, and a few present values.
type Stats struct {
	Commits     uint64    // transactions that wrote
	Syncs       uint64    // of the file: two a commit
	Ops         uint64    // run by the writer
	Reruns      uint64    // commits that were begun again because an op failed after it began to write
	Quarantined uint64    // damaged records put aside
	PageBytes   uint64    // written to the file: pages and the meta page of each commit
	FileBytes   int64     // the file's size
	FreeBytes   int64     // of the file's pages that hold nothing
	DiskFree    int64     // bytes of the disk that are free
	OpenViews   int       // read transactions that are open now
	LastCommit  uint64    // its number
	At          time.Time // when this was read
}

// Stats returns the figures of the moment.
func (s *Store) Stats() Stats {
	b := s.bolt.Stats()
	commits := s.stats.commits.Load()
	st := Stats{
		Commits:     commits,
		Syncs:       2 * commits,
		Ops:         s.stats.ops.Load(),
		Reruns:      s.stats.reruns.Load(),
		Quarantined: s.stats.quarantined.Load(),
		PageBytes:   uint64(b.TxStats.GetPageAlloc()) + uint64(s.disk.pageSize)*commits,
		FreeBytes:   int64(b.FreeAlloc),
		DiskFree:    s.disk.free.Load(),
		OpenViews:   b.OpenTxN,
		At:          time.Now(),
	}
	_ = s.View(func(r *Reader) error {
		st.FileBytes = r.bolt.Size()
		st.LastCommit, _, _ = r.lastCommit()
		return nil
	})
	return st
}
