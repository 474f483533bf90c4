package store_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jitney-mq/jitney/e2e/faultfs"
	"github.com/jitney-mq/jitney/store"
)

// A change puts a value of a length, or deletes the record with length < 0.
type change struct {
	key    string
	length int
}

func (c change) value() string { return strings.Repeat(c.key, c.length) }

// scenario is what is sent, one op after the other, while calls to the disk
// fail. It makes the file grow, pages overflow and pages become free.
var scenario = [][]change{
	{{"a", 100}, {"b", 200}},
	{{"c", 100_000}},
	{{"a", 300}, {"b", -1}},
	{{"d", 200_000}},
	{{"c", -1}, {"d", -1}, {"e", 10}},
	{{"f", 10_000}, {"a", 0}},
}

func send(s *store.Store, op []change) error {
	return s.Update(background, func(tx *store.Tx) error {
		for _, c := range op {
			if c.length < 0 {
				tx.Delete(tableA, []byte(c.key))
			} else {
				tx.Put(tableA, []byte(c.key), []byte(c.value()))
			}
		}
		return nil
	})
}

// after returns what is there when op has been applied to c.
func (c content) after(op []change) content {
	c = maps.Clone(c)
	for _, ch := range op {
		if ch.length < 0 {
			delete(c, row(tableA, ch.key))
		} else {
			c[row(tableA, ch.key)] = ch.value()
		}
	}
	return c
}

// On what calls a fault can fall.
const (
	onNames = faultfs.Create | faultfs.Rename | faultfs.Remove
	onFiles = faultfs.Write | faultfs.Truncate | faultfs.Sync | faultfs.SyncDir
)

func TestNthFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault faultfs.Fault
		at    func(*trial) *store.Store
	}{
		{"once", faultfs.Fault{On: onFiles}, (*trial).armOpened},
		{"lasting", faultfs.Fault{On: onFiles, Lasting: true}, (*trial).armOpened},
		{"writes", faultfs.Fault{On: faultfs.Write, Lasting: true}, (*trial).armOpened},
		{"writes cut short", faultfs.Fault{On: faultfs.Write, Short: true}, (*trial).armOpened},
		{"syncs", faultfs.Fault{On: faultfs.Sync, Lasting: true}, (*trial).armOpened},
		{"opening", faultfs.Fault{On: onFiles | onNames}, (*trial).openArmed},
		{"opening, lasting", faultfs.Fault{On: onFiles | onNames, Lasting: true}, (*trial).openArmed},
		{"opening, writes cut short", faultfs.Fault{On: faultfs.Write, Short: true}, (*trial).openArmed},
	}
	stride := 1
	if testing.Short() || raceEnabled {
		stride = 4
	}
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		for _, tt := range tests {
			tt.fault.Errno = errno
			t.Run(errno.Error()+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				points, wentOn := 0, 0
				for hits := 1; hits > 0 && !t.Failed(); points++ {
					tt.fault.N = 1 + points*stride
					tr := &trial{T: t, fault: tt.fault, fs: mount(t), certain: content{}}
					if hits = tr.run(tt.at); tr.wentOn {
						wentOn++
					}
				}
				t.Logf("every %d. call, %d of them, was hit; %d times the store went on", stride, points-1, wentOn)
				if points < 2 || (wentOn > 0) != (errno == syscall.ENOSPC && tt.fault.On&faultfs.Write != 0) {
					t.Error("these are not the numbers to be expected")
				}
			})
		}
	}
}

// A trial is a run of the scenario on a new disk with one fault.
type trial struct {
	*testing.T
	fault faultfs.Fault
	fs    *faultfs.FS

	certain  content   // what has been answered
	possible []content // what else may be there after the store has failed
	refused  int       // Open or ops answered with an error
	wentOn   bool      // the store refused and did not fail
}

// openArmed opens the store with the fault armed.
func (tr *trial) openArmed() *store.Store {
	ok(tr, tr.fs.Fail(tr.fault))
	s, err := store.Open(tr.fs.Path(), options())
	if err != nil {
		tr.refused++
		return nil
	}
	return s
}

// armOpened opens the store and arms the fault then.
func (tr *trial) armOpened() *store.Store {
	s, err := store.Open(tr.fs.Path(), options())
	ok(tr, err)
	ok(tr, tr.fs.Fail(tr.fault))
	return s
}

// run runs the scenario, if the store opens, and looks at what is left when
// the disk is healthy again. It returns how often the fault has hit.
func (tr *trial) run(open func(*trial) *store.Store) (hits int) {
	s := open(tr)
	if s != nil {
		tr.Cleanup(func() { ok(tr, s.Close()) })
		tr.scenario(s)
	}
	_, hits, err := tr.fs.Counts()
	ok(tr, errors.Join(err, tr.fs.Fail(faultfs.Fault{})))
	if (hits > 0) != (tr.refused > 0) {
		tr.Errorf("call %d: %d hits and %d errors", tr.fault.N, hits, tr.refused)
	}
	if s != nil {
		tr.healed(s)
	}
	tr.lookEverywhere()
	return hits
}

// healed sees whether the store does what it should on a healthy disk.
func (tr *trial) healed(s *store.Store) {
	op := []change{{"g", 5000}, {"a", 1}}
	err := send(s, op)
	switch {
	case s.Failed() != nil:
		wantErr(tr, err, store.ErrFailed)
	case err != nil:
		tr.Errorf("call %d: the disk is healthy and the store says: %v", tr.fault.N, err)
	default:
		tr.certain = tr.certain.after(op)
	}
	ok(tr, s.Close())
}

// lookEverywhere looks at the disk, and at what there is if power was lost besides.
func (tr *trial) lookEverywhere() {
	h, err := tr.fs.History()
	ok(tr, err)
	disk, dir := h.Disk(faultfs.HonourSyncs), filepath.Join(scratch(tr), "image")
	for i := range uint64(3) {
		ok(tr, disk.Image(dir, rand.New(rand.NewPCG(uint64(tr.fault.N), i)), len(h.Ops)))
		tr.look(dir)
	}
	tr.look(tr.fs.Path())
	ok(tr, tr.fs.Unmount())
}

// scenario sends all ops and holds every answer against the contract.
func (tr *trial) scenario(s *store.Store) {
	for i, op := range scenario {
		failed := s.Failed() != nil
		err := send(s, op)
		switch {
		case failed && !errors.Is(err, store.ErrFailed):
			tr.Errorf("call %d: op %d is answered %v by a store that has failed", tr.fault.N, i, err)
		case err == nil:
			tr.certain = tr.certain.after(op)
		case errors.Is(err, store.ErrFailed):
			if !failed {
				tr.possible = append(tr.possible, tr.certain.after(op))
			}
			tr.refused++
		case errors.Is(err, store.ErrNoSpace) && tr.fault.Errno == syscall.ENOSPC && (tr.refused == 0 || tr.fault.Lasting):
			tr.refused++
		default:
			tr.Errorf("call %d: op %d: %v", tr.fault.N, i, err)
		}
		got, err := read(s)
		ok(tr, err)
		tr.compare(got)
	}
	select {
	case <-s.Failure():
		wantErr(tr, s.Failed(), store.ErrFailed)
	default:
		ok(tr, s.Failed())
		tr.wentOn = tr.refused > 0
	}
}

func (tr *trial) compare(got content) {
	tr.Helper()
	err := tr.certain.equal(got)
	for _, c := range tr.possible {
		if err != nil {
			err = c.equal(got)
		}
	}
	if err != nil {
		tr.Errorf("call %d: %v", tr.fault.N, err)
	}
}

// look opens a folder as bbolt has it and as the store has it.
func (tr *trial) look(dir string) {
	tr.Helper()
	for _, read := range []func(string) (content, uint64, error){inspect, reopened} {
		got, _, err := read(dir)
		ok(tr, err)
		tr.compare(got)
	}
}
