package policy

import (
	"fmt"

	"github.com/jitney-mq/jitney/problem"
)

// Equal reports whether a and b are of one kind and state the same, so that to
// state one where the other is in force changes nothing. [P4]
func Equal(a, b Policy) bool {
	return a.Kind() == b.Kind() && len(differing(a, b)) == 0
}

// Change returns nil if the policy in force may be changed to another one.
// Else it returns ErrFixed together with a *problem.Field that names the
// element in the way: the kind, RequiresSession or RequiresDuplicateDetection.
// [P3]
func Change(from, to Policy) error {
	if from.Kind() != to.Kind() {
		in, wanted := forms[from.Kind()].policyName(), forms[to.Kind()].policyName()
		return fixed(problem.NewField(wanted, "", "%s: to change the role, delete the policy first", in))
	}
	for _, d := range differing(from, to) {
		if d.fixed {
			return fixed(problem.NewField(d.element, d.to, "%s: the element cannot be changed later", d.from))
		}
	}
	return nil
}

func fixed(field error) error {
	return fmt.Errorf("%w: %w", ErrFixed, field)
}

// OnlyRenews reports whether to differs from from by a later expiry and
// nothing else. [P3]
func OnlyRenews(from, to Policy) bool {
	if from.Kind() != to.Kind() {
		return false
	}
	all := differing(from, to)
	if len(all) != 1 || all[0].element != expiration {
		return false
	}
	before, after := from.Shared().ExpiresAt, to.Shared().ExpiresAt
	return !before.IsZero() && (after.IsZero() || after.After(before))
}

// difference is an element that two policies of one kind state differently.
type difference struct {
	element  string
	from, to string
	fixed    bool
}

func differing(from, to Policy) []difference {
	var all []difference
	before, after := forms[from.Kind()].statements(from), forms[to.Kind()].statements(to)
	for i, b := range before {
		if a := after[i]; a.text != b.text {
			all = append(all, difference{element: b.element, from: b.text, to: a.text, fixed: b.fixed})
		}
	}
	return all
}
