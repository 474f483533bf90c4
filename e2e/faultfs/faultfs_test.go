//go:build linux

package faultfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/jitney-mq/jitney/e2e/faultfs"
)

func TestMain(m *testing.M) {
	faultfs.Main()
	goleak.VerifyTestMain(m)
}

// mount mounts dir until the test ends.
func mount(t testing.TB, dir string) *faultfs.FS {
	t.Helper()
	f := mountOnly(t, dir)
	t.Cleanup(func() { ok(t, f.Unmount()) })
	return f
}

func mountOnly(t testing.TB, dir string) *faultfs.FS {
	t.Helper()
	f, err := faultfs.Mount(dir)
	if errors.Is(err, faultfs.ErrUnavailable) {
		t.Skip("NOT TESTED:", err)
	}
	ok(t, err)
	return f
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func history(t testing.TB, f *faultfs.FS) *faultfs.History {
	t.Helper()
	h, err := f.History()
	ok(t, err)
	return h
}

func syncDir(t testing.TB, dir string) {
	t.Helper()
	d, err := os.Open(dir)
	ok(t, err)
	ok(t, errors.Join(d.Sync(), d.Close()))
}

func TestHistoryHasEachChangeInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "old"), []byte("before"), 0o600))
	fs := mount(t, dir)
	f, err := os.Create(filepath.Join(fs.Path(), "new"))
	ok(t, err)
	ok(t, fs.Mark("created"))
	_, err = f.WriteAt([]byte("data"), 10)
	ok(t, errors.Join(err, f.Sync(), f.Truncate(12)))
	ok(t, os.Rename(f.Name(), filepath.Join(fs.Path(), "old")))
	syncDir(t, fs.Path())
	ok(t, os.Remove(filepath.Join(fs.Path(), "old")))
	ok(t, errors.Join(syscall.Fdatasync(int(f.Fd())), f.Close())) // outlives its name

	h := history(t, fs)
	kinds := []faultfs.Kind{faultfs.Create, faultfs.Write, faultfs.Sync, faultfs.Truncate, faultfs.Rename,
		faultfs.SyncDir, faultfs.Remove, faultfs.Sync}
	if got := kindsOf(h.Ops); !slices.Equal(got, kinds) {
		t.Errorf("kinds %v, want %v", got, kinds)
	}
	if w := h.Ops[1]; w.Offset != 10 || string(w.Data) != "data" || h.Ops[3].Offset != 12 {
		t.Errorf("write %+v, truncate %+v", w, h.Ops[3])
	}
	if len(h.Start) != 1 || h.Start[0].Name != "old" || string(h.Start[0].Data) != "before" {
		t.Errorf("start %+v", h.Start)
	}
	if len(h.Before(0)) != 0 || len(h.Before(1)) != 1 || h.Before(1)[0].Value != "created" {
		t.Errorf("marks %+v", h.Marks)
	}
}

func kindsOf(ops []faultfs.Op) []faultfs.Kind {
	var kinds []faultfs.Kind
	for _, op := range ops {
		kinds = append(kinds, op.Kind)
	}
	return kinds
}

func TestFaultHitsTheCallItNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault faultfs.Fault
		want  []syscall.Errno // of write, sync, write, sync
	}{
		"none":         {faultfs.Fault{}, []syscall.Errno{0, 0, 0, 0}},
		"over both":    {faultfs.Fault{N: 2}, []syscall.Errno{0, syscall.EIO, 0, 0}},
		"second write": {faultfs.Fault{N: 2, On: faultfs.Write, Errno: syscall.ENOSPC}, []syscall.Errno{0, 0, syscall.ENOSPC, 0}},
		"lasting":      {faultfs.Fault{N: 2, Lasting: true}, []syscall.Errno{0, syscall.EIO, syscall.EIO, syscall.EIO}},
		"lasting sync": {faultfs.Fault{N: 1, On: faultfs.Sync, Lasting: true}, []syscall.Errno{0, syscall.EIO, 0, syscall.EIO}},
		"beyond":       {faultfs.Fault{N: 5}, []syscall.Errno{0, 0, 0, 0}},
	}
	fs := mount(t, t.TempDir())
	for name, tt := range tests {
		f, err := os.Create(filepath.Join(fs.Path(), "f"))
		ok(t, errors.Join(err, fs.Fail(tt.fault)))
		var hitCount int
		for i, want := range tt.want {
			if i%2 == 0 {
				_, err = f.WriteAt([]byte("data"), 0)
			} else {
				err = f.Sync()
			}
			if want != 0 {
				hitCount++
			}
			if (want == 0) != (err == nil) || want != 0 && !errors.Is(err, want) {
				t.Errorf("%s: call %d: %v, want %v", name, i+1, err, want)
			}
		}
		ok(t, f.Close())
		if _, hits, err := fs.Counts(); hits != hitCount || err != nil {
			t.Errorf("%s: %d hits, %v, want %d", name, hits, err, hitCount)
		}
	}
}

func TestShortWriteLeavesTheFirstHalf(t *testing.T) {
	t.Parallel()
	fs := mount(t, t.TempDir())
	f, err := os.Create(filepath.Join(fs.Path(), "f"))
	ok(t, errors.Join(err, fs.Fail(faultfs.Fault{N: 1, Errno: syscall.ENOSPC, Short: true})))
	if _, err := f.WriteAt([]byte("12345678"), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, want no space", err)
	}
	ok(t, f.Close())
	if got, err := os.ReadFile(f.Name()); string(got) != "1234" || err != nil {
		t.Errorf("left %q, %v", got, err)
	}
}

func TestUnmountLeavesNothing(t *testing.T) {
	t.Parallel()
	fs := mount(t, t.TempDir())
	ok(t, errors.Join(fs.Unmount(), fs.Unmount()))
	if _, err := os.Stat(fs.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("mount point: %v, want it gone", err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	ok(t, err)
	if strings.Contains(string(mounts), fs.Path()) {
		t.Error("still mounted")
	}
}

func TestUnmountTellsOfOpenFiles(t *testing.T) {
	t.Parallel()
	fs := mountOnly(t, t.TempDir())
	f, err := os.Create(filepath.Join(fs.Path(), "f"))
	ok(t, err)
	if err := fs.Unmount(); err == nil {
		t.Error("no error")
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, syscall.ENOTCONN) {
		t.Errorf("write: %v, want not connected", err)
	}
	_ = f.Close()
}

func TestMountRefusesWhatIsNoFlatDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ok(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	for _, dir := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := faultfs.Mount(dir); err == nil || errors.Is(err, faultfs.ErrUnavailable) {
			t.Errorf("%v, want an error that blames the directory", err)
		}
	}
}
