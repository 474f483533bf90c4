package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jitney-mq/jitney/store"
)

// A journal notes what happens, in order.
type journal []string

func (j *journal) note(what string) { *j = append(*j, what) }

func (j *journal) want(t testing.TB, want ...string) {
	t.Helper()
	if !slices.Equal(*j, want) {
		t.Errorf("happened\n%q, want\n%q", *j, want)
	}
}

// A part is a participant that notes what is asked of it.
type part struct {
	name    string
	journal *journal
	flush   func(*store.Tx) // besides
}

func (p *part) Flush(tx *store.Tx) {
	p.journal.note(p.name + " flush")
	if p.flush != nil {
		p.flush(tx)
	}
}

func (p *part) Committed()  { p.journal.note(p.name + " committed") }
func (p *part) RolledBack() { p.journal.note(p.name + " rolled back") }

func TestHooksRunAfterTheCommitAndBeforeTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var j journal
		op := func(name string) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				j.note(name)
				tx.OnCommit(func() {
					j.note(name + " hook")
					// The writer is idle and holds nothing: a test may look.
					c, err := read(s)
					if _, there := c[row(tableA, name)]; err != nil || !there {
						t.Errorf("the hook of %s runs before the commit: %v", name, err)
					}
				})
				return put(name, "x")(tx)
			}
		}
		answered := func(name string, op func(*store.Tx) error) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				err := op(tx)
				tx.OnCommit(func() { j.note(name + " second hook") })
				return err
			}
		}
		ok(t, errors.Join(together(s, answered("a", op("a")), op("b"), op("c"))...))
		j.note("answered")
		j.want(t, "a", "b", "c", "a hook", "a second hook", "b hook", "c hook", "answered")
	})
}

func TestHookOfAFailedOpIsNotCalled(t *testing.T) {
	for _, writes := range []bool{false, true} {
		t.Run(fmt.Sprintf("writes %t", writes), func(t *testing.T) {
			bubble(t, func(t *testing.T, s *store.Store) {
				var j journal
				op := func(name string, err error) func(*store.Tx) error {
					return func(tx *store.Tx) error {
						tx.OnCommit(func() { j.note(name) })
						if writes {
							tx.Put(tableA, []byte(name), []byte("x"))
						}
						return err
					}
				}
				errs := together(s, op("a", nil), op("b", errRefused), op("c", nil))
				wantErr(t, errs[1], errRefused)
				ok(t, errors.Join(errs[0], errs[2]))
				j.want(t, "a", "c")
			})
		})
	}
}

func TestParticipantsOfACommit(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var j journal
		a := &part{name: "a", journal: &j, flush: func(tx *store.Tx) { tx.Put(tableA, []byte("flushed"), []byte("x")) }}
		b := &part{name: "b", journal: &j}
		update(t, s, func(tx *store.Tx) {
			tx.Join(a)
			tx.Join(b)
			tx.OnCommit(func() { j.note("hook") })
			j.note("op")
		})
		j.note("answered")
		j.want(t, "op", "a flush", "b flush", "a committed", "b committed", "hook", "answered")
		wantContent(t, s, content{row(tableA, "flushed"): "x"})
	})
}

func TestParticipantJoinsAgainDuringFlush(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var j journal
		a := &part{name: "a", journal: &j}
		b := &part{name: "b", journal: &j, flush: func(tx *store.Tx) { tx.Join(a) }}
		update(t, s, func(tx *store.Tx) {
			tx.Join(a)
			tx.Join(b)
			tx.Put(tableA, []byte("k"), []byte("v"))
		})
		j.want(t, "a flush", "b flush", "a flush", "a committed", "b committed", "a committed")
	})
}

func TestParticipantsAreRolledBackForARerun(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var j journal
		a := &part{name: "a", journal: &j}
		b := &part{name: "b", journal: &j}
		errs := together(s, func(tx *store.Tx) error {
			j.note("op")
			tx.Join(a)
			return put("k", "v")(tx)
		}, func(tx *store.Tx) error {
			tx.Join(b)
			tx.Put(tableA, []byte("bad"), nil)
			return errRefused
		})
		ok(t, errs[0])
		wantErr(t, errs[1], errRefused)
		j.want(t, "op", "a rolled back", "b rolled back", "op", "a flush", "a committed")
	})
}

func TestParticipantsAreRolledBackWhenThereIsNoSpace(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var j journal
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			tx.Join(&part{name: "a", journal: &j})
			tx.OnCommit(func() { j.note("hook") })
			tx.Put(tableA, []byte("big"), make([]byte, options().MaxSize))
			return nil
		})
		wantErr(t, err, store.ErrNoSpace)
		j.want(t, "a flush", "a rolled back")
		wantContent(t, s, content{})
	})
}
