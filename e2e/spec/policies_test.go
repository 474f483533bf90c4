package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/policy"
)

// The tables of policies say what the code says, element by element. [P2]
func TestPolicyTables(t *testing.T) {
	t.Parallel()
	for heading, kind := range map[string]policy.Kind{
		"#### QueuePolicy":           policy.QueueKind,
		"#### ConnectionPointPolicy": policy.ConnectionPointKind,
		"#### MetadataPolicy":        policy.MetadataKind,
		"#### RouterPolicy":          policy.RouterKind,
		// A subscription's table has what a queue's has not.
		"#### SubscriptionPolicy": policy.SubscriptionKind,
	} {
		rows := tableBelow(t, protocol(t), heading)
		described := policy.Describe(kind)
		if kind == policy.SubscriptionKind {
			described = slices.DeleteFunc(described, isOfQueue)
		}
		for i, want := range described {
			if i >= len(rows) || rows[i][0] != want.Element {
				t.Fatalf("%s: row %d: want %s", heading, i+1, want.Element)
			}
			comparePolicyRow(t, rows[i], want)
		}
		if len(rows) != len(described) {
			t.Errorf("%s: %d rows, want %d", heading, len(rows), len(described))
		}
	}
}

// isOfQueue reports whether a queue has an element too.
func isOfQueue(d policy.Description) bool {
	return slices.ContainsFunc(policy.Describe(policy.QueueKind), func(q policy.Description) bool { return q.Element == d.Element })
}

// number matches what limits a value: a whole number or a duration.
var number = regexp.MustCompile(`P[0-9DTHMS]+|[0-9][0-9,]*`)

// comparePolicyRow compares a row: element, default, values, change, also read as.
func comparePolicyRow(t *testing.T, row []string, want policy.Description) {
	t.Helper()
	initial := want.Default
	switch {
	case want.Required:
		initial = "required"
	case initial == "":
		initial = "none"
	}
	if row[1] != initial {
		t.Errorf("%s: default %q, want %q", row[0], row[1], initial)
	}
	limits := strings.ReplaceAll(row[2], ",", "")
	for _, n := range number.FindAllString(want.Want, -1) {
		if n = strings.ReplaceAll(n, ",", ""); want.Default != "Pending" && !strings.Contains(limits, n) && !isExample(want.Want) {
			t.Errorf("%s: values %q, want %s", row[0], row[2], want.Want)
		}
	}
	if words, ok := strings.CutPrefix(want.Want, "one of "); ok && row[2] != words {
		t.Errorf("%s: values %q, want %q", row[0], row[2], words)
	}
	if strings.Contains(row[3], "fixed") != want.Fixed || strings.Contains(row[3], "later") != (want.Available != "") {
		t.Errorf("%s: change %q, want fixed %v, available %q", row[0], row[3], want.Fixed, want.Available)
	}
	if aliases := strings.Join(want.Aliases, ", "); row[4] != aliases {
		t.Errorf("%s: also %q, want %q", row[0], row[4], aliases)
	}
}

// isExample reports whether the numbers in a description are examples only.
func isExample(want string) bool { return strings.Contains(want, "such as") }

// Clauses whose elements are not built are marked later, so that nobody takes
// them for promises. [P2]
func TestLaterPolicies(t *testing.T) {
	t.Parallel()
	document := protocol(t)
	var headings []string
	for line := range strings.SplitSeq(document, "\n") {
		if name, ok := strings.CutPrefix(line, "#### "); ok {
			headings = append(headings, name)
		}
	}
	want := []string{"QueuePolicy", "MetadataPolicy", "RouterPolicy", "SubscriptionPolicy", "ConnectionPointPolicy"}
	if !slices.Equal(headings, want) {
		t.Errorf("got %q", headings)
	}
}
