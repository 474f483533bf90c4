package bench_test

import (
	"encoding/json"
	"testing"

	"github.com/jitney-mq/jitney/bench"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target bench.Target
		figure float64
		met    bool
		text   string
	}{
		{bench.Target{Sense: bench.AtLeast, Bound: 0.6}, 0.6, true, "≥ 0.6"},
		{bench.Target{Sense: bench.AtLeast, Bound: 0.6}, 0.59, false, "≥ 0.6"},
		{bench.Target{Sense: bench.AtMost, Bound: 0}, 0, true, "≤ 0"},
		{bench.Target{Sense: bench.AtMost, Bound: 3}, 3.01, false, "≤ 3"},
	} {
		if met := c.target.Met(c.figure); met != c.met || c.target.String() != c.text {
			t.Errorf("%v of %g: %v", c.target, c.figure, met)
		}
	}
}

func TestRowAsJSON(t *testing.T) {
	t.Parallel()
	met := false
	row := bench.Row{
		Name: "1 caller", Value: 500, Unit: "msg/s", Against: "bare", Base: 1000, Ratio: 0.5,
		Target: &bench.Target{Sense: bench.AtLeast, Bound: 0.6}, Met: &met,
	}
	text, err := json.Marshal(row)
	want := `{"name":"1 caller","value":500,"unit":"msg/s","against":"bare","base":1000,"ratio":0.5,"target":"≥ 0.6","met":false}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
