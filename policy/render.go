package policy

import (
	"encoding/json"
	"encoding/xml"

	"github.com/jitney-mq/jitney/atom"
)

// Element returns p as the extension of an entry, with every value in force.
// What is none, never or without limit is left out. [P3]
func Element(p Policy) atom.Element {
	f := forms[p.Kind()]
	root := atom.Element{Name: qualified(f.policyName()), Type: atom.Object}
	for _, s := range f.statements(p) {
		if s.text != "" {
			root.Children = append(root.Children, atom.Element{Name: qualified(s.element), Type: s.json, Text: s.text})
		}
	}
	return root
}

// Describe returns the documentation of a kind of policy, row by row in the
// order in which Element writes.
func Describe(k Kind) []Description {
	return forms[k].describe()
}

func qualified(local string) xml.Name {
	return xml.Name{Space: Namespace, Local: local}
}

func marshal(p Policy) ([]byte, error) {
	e := Element(p)
	return json.Marshal(map[string]atom.Element{e.Name.Local: e})
}
