//go:build linux

package faultfs_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/jitney-mq/jitney/e2e/faultfs"
)

// outcomes returns how often each state of the directory came out of 200 crashes at the end of h, as "name=content" in
// the order of names, with dots for zeros.
func outcomes(t *testing.T, h *faultfs.History) map[string]int {
	t.Helper()
	disk, dir, rng := h.Disk(faultfs.HonourSyncs), filepath.Join(t.TempDir(), "image"), rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for range 200 {
		ok(t, disk.Image(dir, rng, len(h.Ops)))
		entries, err := os.ReadDir(dir)
		ok(t, err)
		var state string
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			ok(t, err)
			state += e.Name() + "=" + string(bytes.ReplaceAll(data, []byte{0}, []byte("."))) + " "
		}
		seen[state]++
	}
	return seen
}

func TestImageHoldsWhatMaySurvive(t *testing.T) {
	t.Parallel()
	create := faultfs.Op{Kind: faultfs.Create, File: 2, Name: "t"}
	write := faultfs.Op{Kind: faultfs.Write, File: 2, Data: []byte("new")}
	sync := faultfs.Op{Kind: faultfs.Sync, File: 2}
	rename := faultfs.Op{Kind: faultfs.Rename, File: 2, Name: "t", NewName: "f"}
	syncDir := faultfs.Op{Kind: faultfs.SyncDir}
	overwrite := faultfs.Op{Kind: faultfs.Write, File: 1, Offset: 1, Data: []byte("LD")}
	truncate := faultfs.Op{Kind: faultfs.Truncate, File: 1, Offset: 1}
	remove := faultfs.Op{Kind: faultfs.Remove, Name: "f"}
	tests := map[string]struct {
		ops  []faultfs.Op
		want []string
	}{
		"nothing done":                {nil, []string{"f=old "}},
		"created":                     {[]faultfs.Op{create}, []string{"f=old ", "f=old t= "}},
		"written, lost, grown or not": {[]faultfs.Op{create, syncDir, write}, []string{"f=old t= ", "f=old t=... ", "f=old t=new "}},
		"sync keeps no name":          {[]faultfs.Op{create, write, sync}, []string{"f=old ", "f=old t=new "}},
		"sync of the directory":       {[]faultfs.Op{create, write, sync, syncDir}, []string{"f=old t=new "}},
		"replaced":                    {[]faultfs.Op{create, write, sync, syncDir, rename}, []string{"f=old t=new ", "f=new "}},
		"replaced for good":           {[]faultfs.Op{create, write, sync, rename, syncDir}, []string{"f=new "}},
		"replaced too early":          {[]faultfs.Op{create, write, rename, syncDir}, []string{"f= ", "f=... ", "f=new "}},
		"in place":                    {[]faultfs.Op{overwrite}, []string{"f=old ", "f=oLD "}},
		"cut and rewritten": {[]faultfs.Op{truncate, overwrite},
			[]string{"f=old ", "f=o ", "f=oLD ", "f=o.. "}},
		"sync of another file": {[]faultfs.Op{overwrite, sync}, []string{"f=old ", "f=oLD "}},
		"removed":              {[]faultfs.Op{remove}, []string{"", "f=old "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &faultfs.History{Start: []faultfs.File{{ID: 1, Name: "f", Data: []byte("old")}}, Ops: tt.ops}
			got := outcomes(t, h)
			want := map[string]int{}
			for _, state := range tt.want {
				want[state] = got[state]
			}
			for state, n := range want {
				if n == 0 {
					t.Errorf("never %q", state)
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%v, want only %q", got, tt.want)
			}
		})
	}
}

func TestDiskGoesBackInTime(t *testing.T) {
	t.Parallel()
	h := &faultfs.History{Start: []faultfs.File{{ID: 1, Name: "f", Data: []byte("old")}},
		Ops: []faultfs.Op{{Kind: faultfs.Write, File: 1, Data: []byte("newer")}, {Kind: faultfs.Sync, File: 1}}}
	disk, dir := h.Disk(faultfs.HonourSyncs), filepath.Join(t.TempDir(), "image")
	for i, want := range []string{"newer", "old"} {
		k := 2 - 2*i
		ok(t, disk.Image(dir, rand.New(rand.NewPCG(1, 2)), k))
		if got, err := os.ReadFile(filepath.Join(dir, "f")); string(got) != want || err != nil {
			t.Errorf("after %d operations: %q, %v, want %q", k, got, err, want)
		}
	}
}

func TestWritesAreTornAtSectors(t *testing.T) {
	t.Parallel()
	const size = 4096
	h := &faultfs.History{Start: []faultfs.File{{ID: 1, Name: "f", Data: make([]byte, size)}},
		Ops: []faultfs.Op{{Kind: faultfs.Write, File: 1, Offset: 100, Data: bytes.Repeat([]byte{1}, size-100)}}}
	disk, dir, rng := h.Disk(faultfs.HonourSyncs), filepath.Join(t.TempDir(), "image"), rand.New(rand.NewPCG(1, 2))
	var torn int
	for range 100 {
		ok(t, disk.Image(dir, rng, 1))
		data, err := os.ReadFile(filepath.Join(dir, "f"))
		ok(t, err)
		ok(t, wholeSectors(data[100:512], data[512:]))
		if bytes.Contains(data, []byte{0, 1}) && bytes.Contains(data, []byte{1, 0}) {
			torn++
		}
	}
	if torn == 0 {
		t.Error("no write was torn")
	}
}

// wholeSectors checks that each sector was written altogether or not at all.
func wholeSectors(first, rest []byte) error {
	sectors := [][]byte{first}
	for ; len(rest) > 0; rest = rest[512:] {
		sectors = append(sectors, rest[:512])
	}
	for _, s := range sectors {
		if n := bytes.Count(s, []byte{1}); n != 0 && n != len(s) {
			return errors.New("a sector is torn in itself")
		}
	}
	return nil
}
