package crash_test

import (
	"slices"
	"testing"
)

func TestTenantLearns(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		holds    []int
		outcome  outcome
		is       []int
		want     []int
		surprise bool
	}{
		"done":              {[]int{0}, done, []int{1}, []int{1}, false},
		"refused":           {[]int{0, 1}, refused, []int{1}, []int{1}, false},
		"without an answer": {[]int{0}, unknown, []int{1}, []int{0, 1}, false},
		"once more":         {[]int{0, 1}, unknown, []int{1}, []int{0, 1}, false},
		"not connected":     {[]int{0}, unreached, []int{1}, []int{0}, false},
		"impossible":        {[]int{2}, done, nil, []int{2}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			tenant := &tenant{worker: &worker{run: &run{recorder: r}}, holds: row.holds}
			tenant.learn(call{outcome: row.outcome}, "look", row.is)
			if !slices.Equal(tenant.holds, row.want) {
				t.Errorf("it holds %v, want %v", tenant.holds, row.want)
			}
			if surprised := len(r.surprises) > 0; surprised != row.surprise {
				t.Errorf("surprises: %v", r.surprises)
			}
		})
	}
}
