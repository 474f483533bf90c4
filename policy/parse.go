package policy

import (
	"fmt"
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/problem"
)

// FromEntry reads the one policy of an entry, defaults filled in. Other
// extensions are no concern of it. Without a policy, or with several, it is an
// error [P1]. Every error is or wraps a *problem.Field; ErrNotAvailable marks
// what is known but may not be stated yet.
func FromEntry(entry *atom.Entry) (Policy, error) {
	var found []atom.Element
	for _, e := range entry.Extensions {
		if isPolicy(e) {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		return nil, problem.NewField("entry", extensionNames(entry), "one policy: %s", policyNames())
	case len(found) > 1:
		return nil, problem.NewField(found[1].Name.Local, "", "one policy only; there is already %s", found[0].Name.Local)
	}
	return fromElement(found[0])
}

// ParseJSON reads the JSON twin of an entry with a policy, of which nothing
// but the policy is needed: {"QueuePolicy":{"LockDuration":"PT30S"}}. Members
// that are neither a policy nor Atom's are refused. Errors as of FromEntry. [N6]
func ParseJSON(body []byte) (Policy, error) {
	entry, err := ParseEntryJSON(body)
	if err != nil {
		return nil, err
	}
	return FromEntry(entry)
}

// ParseEntryJSON reads the JSON twin of an entry whose only extensions are
// policies: of what else it has, the links can count.
func ParseEntryJSON(body []byte) (*atom.Entry, error) {
	entry, err := atom.ParseEntryJSON(body, Namespace)
	if err != nil {
		return nil, err
	}
	for _, e := range entry.Extensions {
		if !isPolicy(e) {
			return nil, problem.NewField(e.Name.Local, e.Text, "no other member than a policy: %s", policyNames())
		}
	}
	return entry, nil
}

// Validate reports the first value that no policy document could state. It is
// for policies that were made in Go; errors as of FromEntry.
func Validate(p Policy) error {
	_, err := fromElement(root(p, true))
	return err
}

// isPolicy also goes by a policy's name alone, so that one in a wrong namespace
// is not passed over.
func isPolicy(e atom.Element) bool {
	if isNamespace(e.Name.Space) {
		return strings.HasSuffix(e.Name.Local, "Policy")
	}
	return formOf(e.Name.Local) != nil
}

// formOf returns the form whose policy element has this name, or nil.
func formOf(name string) form {
	for _, f := range forms {
		if f.policyName() == name {
			return f
		}
	}
	return nil
}

func extensionNames(entry *atom.Entry) string {
	var names []string
	for _, e := range entry.Extensions {
		names = append(names, e.Name.Local)
	}
	return strings.Join(names, " ")
}

func policyNames() string {
	var names []string
	for _, f := range forms {
		names = append(names, f.policyName())
	}
	return strings.Join(names, " or ")
}

func isNamespace(space string) bool {
	return space == Namespace || space == earlierNamespace
}

func fromElement(root atom.Element) (Policy, error) {
	name := root.Name.Local
	if !isNamespace(root.Name.Space) {
		return nil, problem.NewField(name, root.Name.Space, "the namespace %s", Namespace)
	}
	f := formOf(name)
	if f == nil {
		return nil, problem.NewField(name, "", "%s", policyNames())
	}
	return f.parse(root)
}

func notYet(field error) error {
	return fmt.Errorf("%w: %w", ErrNotAvailable, field)
}

func (t *table[P]) parse(root atom.Element) (Policy, error) {
	p := t.fresh()
	if err := t.elements.read(&p, root); err != nil {
		return nil, err
	}
	return p, nil
}

// leaf refuses an element that could not hold a value of the JSON type json.
func leaf(e atom.Element, json atom.Type, want string) error {
	if err := bare(e); err != nil {
		return err
	}
	if e.Type != atom.Untyped && e.Type != json {
		return problem.NewField(e.Name.Local, shown(e), "%s, as %s", want, typeNames[json])
	}
	if len(e.Children) > 0 && e.Type != atom.List {
		return problem.NewField(e.Name.Local, e.Children[0].Name.Local, "%s, without elements inside", want)
	}
	return nil
}

var typeNames = map[atom.Type]string{
	atom.String:  "a JSON string",
	atom.Number:  "a JSON number",
	atom.Boolean: "a JSON boolean",
	atom.List:    "a JSON array",
}

// shown is the JSON of a value that has the wrong type.
func shown(e atom.Element) string {
	json, err := e.MarshalJSON()
	if err != nil {
		return e.Text
	}
	return string(json)
}

const (
	xmlNamespace      = "http://www.w3.org/XML/1998/namespace"
	instanceNamespace = "http://www.w3.org/2001/XMLSchema-instance"
)

// bare refuses the attributes that would change what an element means: nothing
// here has one of its own, and a nil is no value.
func bare(e atom.Element) error {
	for _, a := range e.Attrs {
		of := a.Name.Space
		switch {
		case of == instanceNamespace && a.Name.Local == "nil" && isFalse(a.Value):
		case of == instanceNamespace && a.Name.Local == "nil":
			return problem.NewField(e.Name.Local, "xsi:nil", "a value; leave the element out for its default")
		case of == instanceNamespace, of == xmlNamespace:
		default:
			return problem.NewField(e.Name.Local, a.Name.Local, "no attribute")
		}
	}
	return nil
}

func isFalse(text string) bool {
	return text == "false" || text == "0"
}
