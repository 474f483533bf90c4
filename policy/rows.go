package policy

import (
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/problem"
)

// rows are the elements that may stand inside one that states a P.
type rows[P any] []element[P]

// read sets in p what the children of root state.
func (r rows[P]) read(p *P, root atom.Element) error {
	if err := bare(root); err != nil {
		return err
	}
	if collapse(root.Text) != "" || root.Type != atom.Untyped && root.Type != atom.Object {
		return problem.NewField(root.Name.Local, root.Text, "elements inside, no text")
	}
	stated := make([]string, len(r))
	for _, child := range root.Children {
		if err := r.state(p, root.Name.Local, child, stated); err != nil {
			return err
		}
	}
	for i, e := range r {
		if e.required && stated[i] == "" {
			return problem.NewField(e.name, "", "%s", e.want)
		}
	}
	return nil
}

// state sets in p what child states, once and in its range. Stated holds, for
// each row, the name under which it was stated. [P2]
func (r rows[P]) state(p *P, in string, child atom.Element, stated []string) error {
	i, as := r.find(child.Name.Local)
	if as == nil || !isNamespace(child.Name.Space) {
		return r.unknown(in, child, as != nil)
	}
	if as.add != nil {
		stated[i] = as.name
		return as.add(p, child)
	}
	if stated[i] != "" {
		return problem.NewField(as.name, child.Text, "the element once; %s was stated before", stated[i])
	}
	stated[i] = as.name
	if err := leaf(child, as.json, as.want); err != nil {
		return err
	}
	text, ok := as.set(p, child.Text)
	if !ok {
		return problem.NewField(as.name, child.Text, "%s", as.want)
	}
	if e := &r[i]; !e.available(text) {
		return notYet(problem.NewField(as.name, child.Text, "%s", e.notYet()))
	}
	return nil
}

// find returns the index of the row that has a name or alias, and its row or
// the alias's; nil if there is none.
func (r rows[P]) find(name string) (int, *element[P]) {
	for i := range r {
		e := &r[i]
		if e.name == name {
			return i, e
		}
		for j := range e.aliases {
			if as := &e.aliases[j]; as.name == name {
				return i, as
			}
		}
	}
	return 0, nil
}

func (r rows[P]) unknown(in string, child atom.Element, known bool) error {
	if known {
		return problem.NewField(child.Name.Local, child.Name.Space, "the namespace %s", Namespace)
	}
	var names []string
	for _, e := range r {
		names = append(names, e.name)
	}
	return problem.NewField(child.Name.Local, child.Text, "an element of %s: %s", in, strings.Join(names, ", "))
}

// write returns the elements that state p. What is none is left out.
func (r rows[P]) write(p *P) []atom.Element {
	var children []atom.Element
	for _, e := range r {
		if e.list != nil {
			children = append(children, e.list(p)...)
		} else if text := e.get(p); text != "" || e.required {
			children = append(children, atom.Element{Name: qualified(e.name), Type: e.json, Text: text})
		}
	}
	return children
}

// many is the row of an element that may be stated up to limit times, each with
// inside it the rows of an I.
func many[P, I any](name string, limit int, inside rows[I], at func(*P) *[]I) element[P] {
	want := func(i I) atom.Element {
		return atom.Element{Name: qualified(name), Type: atom.Object, Children: inside.write(&i)}
	}
	list := func(p *P) (all []atom.Element) {
		for _, i := range *at(p) {
			all = append(all, want(i))
		}
		return all
	}
	add := func(p *P, e atom.Element) error {
		items := []atom.Element{e}
		if e.Type == atom.List {
			items = e.Children
		}
		for _, item := range items {
			var i I
			if err := inside.read(&i, item); err != nil {
				return err
			}
			if *at(p) = append(*at(p), i); len(*at(p)) > limit {
				return problem.NewField(name, "", "the element at most %d times", limit)
			}
		}
		return nil
	}
	return element[P]{name: name, want: "elements inside", json: atom.Object, add: add, list: list,
		get: func(p *P) string { return string(jsonOf(list(p))) }}
}

// jsonOf is the JSON of a list of elements; of none, nothing.
func jsonOf(list []atom.Element) []byte {
	if len(list) == 0 {
		return nil
	}
	// Elements always have a JSON form.
	b, _ := atom.Element{Type: atom.List, Children: list}.MarshalJSON()
	return b
}

// within makes rows of a Q rows of a P that has a Q inside.
func within[P, Q any](in func(*P) *Q, of rows[Q]) rows[P] {
	var all rows[P]
	for _, e := range of {
		row := element[P]{
			name: e.name, want: e.want, json: e.json, required: e.required, fixed: e.fixed, secret: e.secret,
			waiting: e.waiting, instead: e.instead, allowed: e.allowed,
			get: func(p *P) string { return e.get(in(p)) },
		}
		if e.set != nil {
			row.set = func(p *P, text string) (string, bool) { return e.set(in(p), text) }
		}
		if e.add != nil {
			row.add = func(p *P, child atom.Element) error { return e.add(in(p), child) }
			row.list = func(p *P) []atom.Element { return e.list(in(p)) }
		}
		row.aliases = within(in, rows[Q](e.aliases))
		all = append(all, row)
	}
	return all
}
