package store_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/e2e/faultfs"
)

// imagesOfRecording is how many images are made of one recording at the most.
const imagesOfRecording = 2_500

// powerLossImages is how many images a run looks at.
func powerLossImages(t *testing.T) int {
	switch {
	case evidence(t) > 0:
		return math.MaxInt
	case testing.Short() || raceEnabled:
		return 500
	default:
		return 5_000
	}
}

// [Q1] [R9] What was answered is there, what was not sent is not, and each commit
// is there as a whole or not at all, wherever power is lost.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	want, start := powerLossImages(t), time.Now()
	dirs := make([]string, runtime.GOMAXPROCS(0))
	for i := range dirs {
		dirs[i] = filepath.Join(scratch(t), "image")
	}
	var made, commits int
	var reruns uint64
	for seed := uint64(1); made < want && (want < math.MaxInt || time.Since(start) < evidence(t)) && !t.Failed(); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r, count := record(t, seed), min(imagesOfRecording, want-made)
			ok(t, r.survive(dirs, count))
			made, commits, reruns = made+count, commits+len(r.contents)-1, reruns+r.reruns
		})
	}
	t.Logf("%d images, of %d commits and %d reruns: %.0f images/s", made, commits, reruns,
		float64(made)/time.Since(start).Seconds())
}

// survive makes count images, with one worker for each of dirs, and looks at
// each as bbolt has it and as the store has it.
func (r *recording) survive(dirs []string, count int) error {
	var next atomic.Int64
	errs := make([]error, len(dirs))
	var workers sync.WaitGroup
	for w, dir := range dirs {
		workers.Go(func() {
			disk := r.disk.Disk(faultfs.HonourSyncs)
			for i := int(next.Add(1)) - 1; i < count && errs[w] == nil; i = int(next.Add(1)) - 1 {
				k := i * len(r.disk.Ops) / max(1, count-1)
				errs[w] = errors.Join(disk.Image(dir, rand.New(rand.NewPCG(r.seed, uint64(i))), k),
					r.look(dir, k, inspect))
				if errs[w] == nil {
					errs[w] = r.look(dir, k, reopened)
				}
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

func (r *recording) look(dir string, k int, read func(string) (content, uint64, error)) error {
	got, last, err := read(dir)
	if err == nil {
		err = r.check(k, got, last)
	}
	if err != nil {
		return fmt.Errorf("power was lost after operation %d of %d: %w", k, len(r.disk.Ops), err)
	}
	return nil
}

// The control: on a disk that ignores syncs the same has to be found broken.
func TestPowerLossWithoutSyncs(t *testing.T) {
	t.Parallel()
	r := record(t, 1)
	disk, dir, k := r.disk.Disk(faultfs.IgnoreSyncs), filepath.Join(scratch(t), "image"), len(r.disk.Ops)
	const count = 100
	var broken int
	for i := range uint64(count) {
		ok(t, disk.Image(dir, rand.New(rand.NewPCG(1, i)), k))
		if r.look(dir, k, inspect) != nil {
			broken++
		}
	}
	t.Logf("%d of %d images are broken", broken, count)
	if broken < count/2 {
		t.Error("the test does not notice a disk that ignores syncs")
	}
}
