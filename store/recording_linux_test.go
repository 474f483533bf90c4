package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jitney-mq/jitney/e2e/faultfs"
	"github.com/jitney-mq/jitney/store"
)

// What several callers do to a store while its disk is recorded. Each has
// records of its own, so that what the store holds after a commit follows from
// the ops of that commit and of those before it.
const (
	callerCount   = 4
	opsPerCaller  = 60
	slotsOfCaller = 12 // records that are written again and again
)

// A sent is a mark: op n of a caller is about to be sent.
type sent struct{ caller, n int }

// An answered is a mark: Update has returned nil for an op that was part of
// the commit with that number.
type answered struct {
	sent
	number uint64
}

// refuses tells whether the op fails after it wrote, so that the others of its commit run again.
func (s sent) refuses() bool { return s.n%13 == 7 }

// apply makes the op's changes to tableA. They depend on seed and s alone.
func (s sent) apply(seed uint64, put func(key, value string), remove func(key string)) {
	rng := rand.New(rand.NewPCG(seed, uint64(s.caller*opsPerCaller+s.n)))
	for range 1 + rng.IntN(4) {
		key := fmt.Sprintf("%d slot %d", s.caller, rng.IntN(slotsOfCaller))
		length := rng.IntN(3000)
		switch rng.IntN(20) {
		case 0:
			length = 20_000 // on pages that overflow
		case 1, 2, 3, 4:
			remove(key)
			continue
		}
		put(key, strings.Repeat(string(rune('a'+rng.IntN(26))), length))
	}
	put(fmt.Sprintf("%d head", s.caller), fmt.Sprint(s.n))
}

// logKey is that of a record of tableB, which every op inserts and none deletes.
func logKey(number uint64, caller int) []byte {
	return append(binary.BigEndian.AppendUint64(nil, number), byte(caller))
}

// send sends the op and returns the number of its commit.
func (s sent) send(st *store.Store, seed uint64) (number uint64, err error) {
	err = st.Update(background, func(tx *store.Tx) error {
		number = tx.Number
		s.apply(seed,
			func(k, v string) { tx.Put(tableA, []byte(k), []byte(v)) },
			func(k string) { tx.Delete(tableA, []byte(k)) })
		tx.Insert(tableB, logKey(number, s.caller), fmt.Append(nil, s.n))
		if s.refuses() {
			return errRefused
		}
		return nil
	})
	return number, err
}

// A recording is a history of the disk beneath a store, and what the store
// held at each point of it.
type recording struct {
	seed     uint64
	disk     *faultfs.History
	contents []content       // after each commit, by its number
	numbers  map[sent]uint64 // of the commit that holds an op
	reruns   uint64
}

// record has all callers send their ops to a new store at the same time.
func record(t testing.TB, seed uint64) *recording {
	t.Helper()
	fs := mount(t)
	st, err := store.Open(fs.Path(), options())
	ok(t, err)
	var errs [callerCount]error
	var callers sync.WaitGroup
	for caller := range errs {
		callers.Go(func() { errs[caller] = call(fs, st, caller, seed) })
	}
	callers.Wait()
	r := &recording{seed: seed, numbers: map[sent]uint64{}, reruns: st.Stats().Reruns}
	ok(t, errors.Join(st.Close(), errors.Join(errs[:]...)))
	r.disk, err = fs.History()
	ok(t, errors.Join(err, fs.Unmount()))
	ok(t, r.replay())
	return r
}

// call sends the ops of one caller one after the other.
func call(fs *faultfs.FS, st *store.Store, caller int, seed uint64) error {
	for n := range opsPerCaller {
		op := sent{caller, n}
		if err := fs.Mark(op); err != nil {
			return err
		}
		number, err := op.send(st, seed)
		if op.refuses() && errors.Is(err, errRefused) {
			continue
		}
		if err != nil || op.refuses() {
			return fmt.Errorf("op %+v: %w", op, err)
		}
		if err := fs.Mark(answered{op, number}); err != nil {
			return err
		}
	}
	return nil
}

// replay works out what the store held after each commit.
func (r *recording) replay() error {
	ops := map[uint64][]sent{}
	for _, m := range r.disk.Marks {
		if a, is := m.Value.(answered); is {
			ops[a.number] = append(ops[a.number], a.sent)
			r.numbers[a.sent] = a.number
		}
	}
	c := content{}
	r.contents = []content{{}}
	for number := uint64(1); number <= uint64(len(ops)); number++ {
		if ops[number] == nil {
			return fmt.Errorf("there are %d commits, and none has the number %d", len(ops), number)
		}
		for _, op := range ops[number] {
			op.apply(r.seed,
				func(k, v string) { c[row(tableA, k)] = v },
				func(k string) { delete(c, row(tableA, k)) })
			c[row(tableB, string(logKey(number, op.caller)))] = fmt.Sprint(op.n)
		}
		r.contents = append(r.contents, maps.Clone(c))
	}
	return nil
}

// check compares what is there after a crash that followed k operations of the
// disk with what had been answered and sent by then.
func (r *recording) check(k int, got content, last uint64) error {
	lowest, beyond := uint64(0), uint64(len(r.contents))
	unsent := maps.Clone(r.numbers)
	for _, m := range r.disk.Before(k) {
		switch v := m.Value.(type) {
		case answered:
			lowest = max(lowest, v.number)
		case sent:
			delete(unsent, v)
		}
	}
	for _, number := range unsent {
		beyond = min(beyond, number)
	}
	if last < lowest || last >= beyond {
		return fmt.Errorf("the last commit is %d; %d had been answered, %d not been sent", last, lowest, beyond)
	}
	if err := r.contents[last].equal(got); err != nil {
		return fmt.Errorf("after commit %d: %w", last, err)
	}
	return nil
}
