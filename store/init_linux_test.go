package store_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/jitney-mq/jitney/e2e/faultfs"
	"github.com/jitney-mq/jitney/store"
)

// A crash while the folder is made leaves nothing or a file that opens, and
// once Open has returned the file stays what it is.
func TestCrashAtTheFirstOpening(t *testing.T) {
	t.Parallel()
	fs := mount(t)
	s, err := store.Open(fs.Path(), options())
	ok(t, err)
	secret, err := s.Secret()
	ok(t, errors.Join(err, fs.Mark("open"), s.Close()))
	h, err := fs.History()
	ok(t, err)
	disk, dir := h.Disk(faultfs.HonourSyncs), filepath.Join(scratch(t), "image")
	seeds := 50
	if testing.Short() || raceEnabled {
		seeds = 5
	}
	var there int
	for k := range len(h.Ops) + 1 {
		for seed := range seeds {
			ok(t, disk.Image(dir, rand.New(rand.NewPCG(uint64(k), uint64(seed))), k))
			if _, err := os.Stat(dataFile(dir)); err == nil {
				there++
			}
			_, last, err := inspect(dir)
			if err != nil || last != 0 {
				t.Fatalf("power was lost after operation %d of %d: commit %d, %v", k, len(h.Ops), last, err)
			}
			got := secretOf(t, dir)
			if len(h.Before(k)) > 0 && !bytes.Equal(got, secret) {
				t.Fatalf("power was lost after operation %d of %d: the folder is another one", k, len(h.Ops))
			}
			if _, _, err := reopened(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d images of %d operations, the file is there in %d", seeds*(len(h.Ops)+1), len(h.Ops), there)
}

func secretOf(t *testing.T, dir string) []byte {
	t.Helper()
	s, err := store.Open(dir, options())
	ok(t, err)
	secret, err := s.Secret()
	ok(t, errors.Join(err, s.Close()))
	return secret
}
