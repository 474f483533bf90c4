package policy_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/policy"
)

var noon = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)

// [P3]
func TestChange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		to                   policy.Policy
		element, value, want string // of the refusal; none if element is empty
	}{
		"Nothing":     {to: policy.NewQueue()},
		"Changeable":  {to: with(func(q *policy.Queue) { q.LockDuration, q.Overflow, q.Status = time.Second, 2, 1 })},
		"Window":      {to: with(func(q *policy.Queue) { q.DuplicateWindow = time.Hour })},
		"Sessions":    {with(func(q *policy.Queue) { q.RequiresSession = true }), "RequiresSession", "true", "false: the element cannot be changed later"},
		"Duplicates":  {with(func(q *policy.Queue) { q.DetectsDuplicates = true }), "RequiresDuplicateDetection", "true", "false: the element cannot be changed later"},
		"AnotherKind": {policy.Metadata{Address: "http://a/"}, "MetadataPolicy", "", "QueuePolicy: to change the role, delete the policy first"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := policy.Change(policy.NewQueue(), test.to)
			if test.element == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			wantField(t, err, test.element, test.value, test.want)
			if !errors.Is(err, policy.ErrFixed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// [P4]
func TestEqual(t *testing.T) {
	t.Parallel()
	at := with(func(q *policy.Queue) { q.ExpiresAt = noon })
	elsewhere := with(func(q *policy.Queue) { q.ExpiresAt = noon.In(time.FixedZone("", 3600)) })
	later := with(func(q *policy.Queue) { q.ExpiresAt = noon.Add(1) })
	if !policy.Equal(at, at) || !policy.Equal(at, elsewhere) {
		t.Error("the same policies are not equal")
	}
	if policy.Equal(at, later) || policy.Equal(at, policy.NewQueue()) || policy.Equal(at, policy.Metadata{}) {
		t.Error("different policies are equal")
	}
}

// [P3]
func TestOnlyRenews(t *testing.T) {
	t.Parallel()
	expiring := func(at time.Time, status policy.Status) policy.Policy {
		return with(func(q *policy.Queue) { q.ExpiresAt, q.Status = at, status })
	}
	tests := map[string]struct {
		from, to policy.Policy
		want     bool
	}{
		"Later":         {expiring(noon, 0), expiring(noon.Add(1), 0), true},
		"Never":         {expiring(noon, 0), expiring(time.Time{}, 0), true},
		"Same":          {expiring(noon, 0), expiring(noon, 0), false},
		"Earlier":       {expiring(noon, 0), expiring(noon.Add(-1), 0), false},
		"FromNever":     {expiring(time.Time{}, 0), expiring(noon, 0), false},
		"AndMore":       {expiring(noon, 0), expiring(noon.Add(1), policy.Disabled), false},
		"SomethingElse": {expiring(noon, 0), expiring(noon, policy.Disabled), false},
		"AnotherKind":   {expiring(noon, 0), policy.Metadata{Common: policy.Common{ExpiresAt: noon.Add(1)}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := policy.OnlyRenews(test.from, test.to); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
