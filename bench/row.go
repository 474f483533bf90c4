package bench

import "fmt"

// A Row is one figure.
type Row struct {
	Name    string  `json:"name"` // of the figure within its scenario
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Against string  `json:"against,omitzero"` // what it is compared with; empty: nothing
	Base    float64 `json:"base,omitzero"`    // the figure of that, in the same unit
	Ratio   float64 `json:"ratio,omitzero"`   // Value / Base
	Target  *Target `json:"target,omitzero"`  // of Ratio if there is a Base, else of Value; nil: none
	Met     *bool   `json:"met,omitzero"`     // whether the target is; nil if there is none
}

// against returns r compared with base. A base of 0 is nothing to compare with.
func (r Row) against(what string, base float64) Row {
	if base != 0 {
		r.Against, r.Base, r.Ratio = what, base, r.Value/base
	}
	return r
}

func (r Row) atLeast(bound float64) Row { return r.aim(Target{AtLeast, bound}) }

func (r Row) atMost(bound float64) Row { return r.aim(Target{AtMost, bound}) }

func (r Row) aim(t Target) Row {
	figure := r.Value
	if r.Against != "" {
		figure = r.Ratio
	}
	met := t.Met(figure)
	r.Target, r.Met = &t, &met
	return r
}

// A Sense says on which side of its bound a figure is to be.
type Sense uint8

// The senses of a target.
const (
	AtLeast Sense = iota
	AtMost
)

// A Target is where a figure is to be.
type Target struct {
	Sense Sense
	Bound float64
}

// Met reports whether a figure meets the target.
func (t Target) Met(figure float64) bool {
	if t.Sense == AtMost {
		return figure <= t.Bound
	}
	return figure >= t.Bound
}

func (t Target) String() string {
	if t.Sense == AtMost {
		return fmt.Sprintf("≤ %g", t.Bound)
	}
	return fmt.Sprintf("≥ %g", t.Bound)
}

// MarshalText returns the target as String does.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// A Report is the figures of a scenario, in the order in which they were measured.
type Report []Row

func (r *Report) add(rows ...Row) { *r = append(*r, rows...) }
