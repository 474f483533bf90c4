package policy

import (
	"encoding/json"
	"encoding/xml"

	"github.com/jitney-mq/jitney/atom"
)

// Element returns p as the extension of an entry, with every value in force.
// What is none, never or without limit is left out, and so are secrets. [P3]
func Element(p Policy) atom.Element { return root(p, false) }

// ElementWithSecrets is Element for who states p: it tells secrets too.
func ElementWithSecrets(p Policy) atom.Element { return root(p, true) }

func root(p Policy, secrets bool) atom.Element {
	f := forms[p.Kind()]
	return atom.Element{Name: qualified(f.policyName()), Type: atom.Object, Children: f.write(p, secrets)}
}

// Describe returns the documentation of a kind of policy, row by row in the
// order in which Element writes.
func Describe(k Kind) []Description {
	return forms[k].describe()
}

func qualified(local string) xml.Name {
	return xml.Name{Space: Namespace, Local: local}
}

// marshal is for storage: it tells secrets too.
func marshal(p Policy) ([]byte, error) {
	e := root(p, true)
	return json.Marshal(map[string]atom.Element{e.Name.Local: e})
}
