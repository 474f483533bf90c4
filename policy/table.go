package policy

import (
	"slices"
	"strings"

	"github.com/jitney-mq/jitney/atom"
)

// element is one row of a table: all that is known of one element of a policy
// of type P.
type element[P any] struct {
	name string
	want string
	json atom.Type
	set  func(p *P, text string) (stated string, ok bool) // stated: text as get gives it
	get  func(p *P) string                                // empty: the element is left out

	// Instead of set, for an element that may be stated several times and has
	// elements inside; get then says in one text what list gives.
	add  func(p *P, e atom.Element) error
	list func(p *P) []atom.Element

	initial string // what get gives when nothing was set

	aliases  []element[P] // other names; only name, want, json and set count
	required bool         // whether it must be stated
	fixed    bool         // whether a policy in force keeps its value
	secret   bool         // whether it is stored and never shown

	waiting string                   // the clause that says what is not available yet
	instead string                   // what may be stated meanwhile
	allowed func(stated string) bool // whether it is that, if it is not the default
}

// of is the row of an element whose value is v and stands in the field at.
func of[P any, V comparable](name string, v value[V], at func(*P) *V) element[P] {
	return element[P]{
		name: name,
		want: v.want,
		json: v.json,
		set: func(p *P, text string) (string, bool) {
			got, ok := v.parse(text)
			if !ok {
				return "", false
			}
			*at(p) = got
			return v.text(got), true
		},
		get: func(p *P) string { return v.text(*at(p)) },
	}
}

// also adds a name that is read as e.
func (e element[P]) also(name string) element[P] {
	alias := e
	alias.name = name
	return e.or(alias)
}

// or adds a row that is read but never written: another way to state e.
func (e element[P]) or(alias element[P]) element[P] {
	e.aliases = append(slices.Clip(e.aliases), alias)
	return e
}

// mustBeStated marks an element without a default.
func (e element[P]) mustBeStated() element[P] {
	e.required = true
	return e
}

// fixedAtFirst marks an element that cannot be changed later.
func (e element[P]) fixedAtFirst() element[P] {
	e.fixed = true
	return e
}

// keptSecret marks an element that is stored and never shown.
func (e element[P]) keptSecret() element[P] {
	e.secret = true
	return e
}

// waits marks an element that may state nothing but its default, for want of
// what is not available yet.
func (e element[P]) waits(waiting string) element[P] {
	return e.waitsUnless("", func(string) bool { return false }, waiting)
}

// waitsUnless marks an element that may also state what allowed accepts, which
// the phrase instead describes.
func (e element[P]) waitsUnless(instead string, allowed func(string) bool, waiting string) element[P] {
	e.instead, e.allowed, e.waiting = instead, allowed, waiting
	return e
}

// available reports whether the element may state this.
func (e *element[P]) available(stated string) bool {
	return e.waiting == "" || stated == e.initial || e.allowed(stated)
}

// notYet says what may be stated until the rest is available.
func (e *element[P]) notYet() string {
	var instead []string
	if e.initial != "" {
		instead = append(instead, e.initial+", the default")
	}
	if e.instead != "" {
		instead = append(instead, e.instead)
	}
	if len(instead) == 0 {
		instead = []string{"no such element"}
	}
	return strings.Join(instead, ", or ") + ": " + e.waiting
}

// table is a kind of policy: its element and the elements inside, in the order
// in which they are written.
type table[P Policy] struct {
	kind     Kind
	name     string
	fresh    func() P
	elements rows[P]
}

func newTable[P Policy](name string, fresh func() P, elements ...rows[P]) *table[P] {
	p := fresh()
	t := &table[P]{kind: p.Kind(), name: name, fresh: fresh, elements: slices.Concat(elements...)}
	for i := range t.elements {
		t.elements[i].initial = t.elements[i].get(&p)
	}
	return t
}

// form is a table whose kind of policy does not show in its type.
type form interface {
	policyName() string
	parse(root atom.Element) (Policy, error)
	statements(p Policy) []statement
	write(p Policy, secrets bool) []atom.Element
	describe() []Description
}

func (t *table[P]) policyName() string { return t.name }

// statement is what a policy states about one element.
type statement struct {
	element string
	text    string // empty: the element is left out
	json    atom.Type
	fixed   bool
}

func (t *table[P]) statements(p Policy) []statement {
	of := p.(P)
	all := make([]statement, len(t.elements))
	for i, e := range t.elements {
		all[i] = statement{element: e.name, text: e.get(&of), json: e.json, fixed: e.fixed}
	}
	return all
}

// write returns the elements that state p, with those that are kept secret only
// if it is asked for.
func (t *table[P]) write(p Policy, secrets bool) []atom.Element {
	of := p.(P)
	shown := t.elements
	if !secrets {
		shown = slices.DeleteFunc(slices.Clone(shown), func(e element[P]) bool { return e.secret })
	}
	return shown.write(&of)
}

// Description is one row of the documentation of a policy.
type Description struct {
	Element   string
	Aliases   []string // other names that are read, with values of their own range
	Default   string   // empty: none
	Want      string   // what its value must be
	Required  bool
	Fixed     bool   // whether a policy in force keeps it
	Available string // what may be stated so far; empty: all of Want
}

func (t *table[P]) describe() []Description {
	var rows []Description
	for _, e := range t.elements {
		row := Description{Element: e.name, Default: e.initial, Want: e.want, Required: e.required, Fixed: e.fixed}
		for _, alias := range e.aliases {
			row.Aliases = append(row.Aliases, alias.name)
		}
		if e.waiting != "" {
			row.Available = e.notYet()
		}
		rows = append(rows, row)
	}
	return rows
}
