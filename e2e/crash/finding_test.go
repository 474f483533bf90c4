package crash_test

import "fmt"

// A rule is a promise that a history can break.
type rule string

const (
	lost          rule = "lost"
	unexpected    rule = "unexpected"                 // never sent
	damaged       rule = "damaged"                    // not as it was sent
	torn          rule = "torn"                       // part of a batch, or a hole in a stream
	afterEnd      rule = "delivered after completion" // or after deletion
	twoLocks      rule = "two locks"                  // a duplicate that nothing explains
	deadLock      rule = "lost lock accepted"
	lockLost      rule = "lock lost early"
	miscounted    rule = "delivery count"
	misplaced     rule = "wrong place" // dead-lettered when it should not be, or not when it should
	disordered    rule = "order"
	misnumbered   rule = "sequence number"
	tooEarly      rule = "too early"        // before its schedule, its delay or its age allow
	tooLate       rule = "too late"         // after its time to live
	stuck         rule = "stuck"            // the broker does not get empty
	surprising    rule = "answer"           // one that nobody should get
	notLinear     rule = "not linearizable" // all of these, by search
	folderDamaged rule = "folder"           // jitney check
)

// A finding is a place in a history where a promise was broken.
type finding struct {
	rule rule
	id   string // of the message
	text string
}

func (f finding) String() string { return fmt.Sprintf("%s: %s: %s", f.rule, f.id, f.text) }

// findings gathers what checkers find.
type findings struct{ list []finding }

func (f *findings) add(r rule, id, format string, args ...any) {
	f.list = append(f.list, finding{r, id, fmt.Sprintf(format, args...)})
}
