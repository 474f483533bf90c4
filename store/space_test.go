package store_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// fill puts records until one is refused, of which nothing may be there
// afterwards, and returns what is.
func fill(t *testing.T, s *store.Store, op func(key, value string) func(*store.Tx) error) content {
	t.Helper()
	want := content{}
	for i := 0; ; i++ {
		key, value := fmt.Sprintf("%06d", i), strings.Repeat("x", 4000)
		err := s.Update(t.Context(), op(key, value))
		if err != nil {
			wantErr(t, err, store.ErrNoSpace)
			wantContent(t, s, want)
			return want
		}
		want[row(tableA, key)] = value
	}
}

func TestQuotaIsReachedAndLifeGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := options()
		opts.MaxSize = 2 << 20
		s := openWith(t, scratch(t), opts)
		for range 3 {
			want := fill(t, s, put)
			ok(t, s.Failed())
			if len(want) < 250 {
				t.Fatalf("%d records of 4,000 bytes fill a file of 2 MiB", len(want))
			}
			info, err := os.Stat(dataFile(s.Dir()))
			ok(t, err)
			if info.Size() > opts.MaxSize {
				t.Errorf("the file has %d bytes, its quota are %d", info.Size(), opts.MaxSize)
			}
			last := s.Stats().LastCommit
			drain(t, s, want)
			if got := s.Stats().LastCommit; got != last+uint64(len(want)) {
				t.Errorf("%d is the last commit, want %d", got, last+uint64(len(want)))
			}
		}
		ok(t, s.Close())
		wantContent(t, openWith(t, s.Dir(), opts), content{})
	})
}

// drain deletes all that is there, each record in a commit of its own.
func drain(t *testing.T, s *store.Store, there content) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(there)) {
		ok(t, s.Update(t.Context(), remove(strings.TrimPrefix(key, row(tableA, "")))))
	}
	wantContent(t, s, content{})
}

func TestRoomIsRefusedBeforeTheQuotaIsReached(t *testing.T) {
	t.Parallel()
	for _, growBy := range []int{0, 4 << 10, 1 << 20} {
		t.Run(fmt.Sprint(growBy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := options()
				opts.MaxSize, opts.GrowBy = 4<<20, growBy
				s := openWith(t, scratch(t), opts)
				var refused bool
				want := fill(t, s, func(key, value string) func(*store.Tx) error {
					return func(tx *store.Tx) error {
						time.Sleep(time.Second) // the figures are measured now and then
						if err := tx.Room(); err != nil {
							refused = true
							return err
						}
						return put(key, value)(tx)
					}
				})
				if !refused {
					t.Error("the file was full before Room said so")
				}
				if len(want) < 500 {
					t.Errorf("Room refuses after %d records of 4,000 bytes in a file of 4 MiB", len(want))
				}
				drain(t, s, want)
				time.Sleep(time.Second)
				update(t, s, func(tx *store.Tx) { noError(t, tx.Room()) })
			})
		})
	}
}

func TestRoomOnTheDisk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		minFree int64
		want    error
	}{
		{"below the floor", 1 << 62, store.ErrNoSpace},
		{"above the floor", 1, nil},
		{"no floor", -1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := options()
				opts.MinFree = tt.minFree
				s := openWith(t, t.TempDir(), opts)
				for range 2 {
					err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.Room() })
					if !errors.Is(err, tt.want) {
						t.Errorf("Room returns %v, want %v", err, tt.want)
					}
					time.Sleep(time.Second)
				}
				ok(t, s.Update(t.Context(), put("who does not ask", "is served")))
				if free := s.Stats().DiskFree; free <= 0 {
					t.Errorf("the disk has %d bytes free", free)
				}
			})
		})
	}
}
