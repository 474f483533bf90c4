package atom

import (
	"encoding/xml"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/problem"
)

// Namespaces with a meaning of their own (Namespaces in XML 1.0, section 3).
const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// names refuses an element whose name, or an attribute's, is none in a document
// with namespaces (Namespaces in XML 1.0, section 7).
func (r *reader) names(start xml.StartElement) error {
	if !isName(start.Name) {
		return r.malformed("the name " + start.Name.Local)
	}
	for _, a := range start.Attr {
		if !isName(a.Name) {
			return r.malformed("the name " + a.Name.Local)
		}
	}
	return nil
}

// resolve gives the element and its attributes their namespaces.
func (r *reader) resolve(start xml.StartElement) (Element, error) {
	name, err := r.name(start.Name, r.namespace(""))
	if err != nil {
		return Element{}, err
	}
	if name.Space == xmlNamespace {
		return Element{}, r.malformed("an element with the prefix xml")
	}
	e := Element{Name: name}
	seen := make(map[xml.Name]bool, len(start.Attr))
	for _, a := range start.Attr {
		name, err := r.attribute(a)
		if err != nil {
			return Element{}, err
		}
		if seen[name] {
			return Element{}, problem.NewField(name.Local, a.Value, "an attribute only once in %s", e.Name.Local)
		}
		seen[name] = true
		if name.Space != xmlnsNamespace {
			e.Attrs = append(e.Attrs, xml.Attr{Name: name, Value: a.Value})
		}
	}
	return e, nil
}

func (r *reader) attribute(a xml.Attr) (xml.Name, error) {
	if _, ok := declares(a); ok {
		return xml.Name{Space: xmlnsNamespace, Local: a.Name.Local}, nil
	}
	name, err := r.name(a.Name, "")
	// Every href would have to be resolved against it; nobody needs that here.
	if err == nil && name == (xml.Name{Space: xmlNamespace, Local: "base"}) {
		err = problem.NewField("xml:base", a.Value, "no xml:base: links are relative to the request")
	}
	return name, err
}

// name resolves a raw name; one without a prefix is in the namespace unprefixed.
func (r *reader) name(raw xml.Name, unprefixed string) (xml.Name, error) {
	switch raw.Space {
	case "":
		return xml.Name{Space: unprefixed, Local: raw.Local}, nil
	case "xml":
		return xml.Name{Space: xmlNamespace, Local: raw.Local}, nil
	}
	space := r.namespace(raw.Space)
	if space == "" {
		return xml.Name{}, problem.NewField(raw.Space+":"+raw.Local, "", "a declaration of the prefix %s", raw.Space)
	}
	return xml.Name{Space: space, Local: raw.Local}, nil
}

// namespace returns what prefix is bound to, or "".
func (r *reader) namespace(prefix string) string {
	stack := r.bound[prefix]
	if len(stack) == 0 {
		return ""
	}
	return stack[len(stack)-1]
}

// declare binds the prefixes that start declares until forget.
func (r *reader) declare(start xml.StartElement) error {
	for _, a := range start.Attr {
		prefix, ok := declares(a)
		if !ok {
			continue
		}
		if err := bindable(prefix, a.Value); err != nil {
			return err
		}
		r.bound[prefix] = append(r.bound[prefix], a.Value)
	}
	return nil
}

func (r *reader) forget(start xml.StartElement) {
	for _, a := range start.Attr {
		if prefix, ok := declares(a); ok {
			stack := r.bound[prefix]
			r.bound[prefix] = stack[:len(stack)-1]
		}
	}
}

// declares reports whether a is a namespace declaration, and of which prefix;
// the default namespace has the prefix "".
func declares(a xml.Attr) (prefix string, ok bool) {
	switch {
	case a.Name.Space == "xmlns":
		return a.Name.Local, true
	case a.Name.Space == "" && a.Name.Local == "xmlns":
		return "", true
	}
	return "", false
}

// bindable refuses the declarations that Namespaces in XML forbids.
func bindable(prefix, namespace string) error {
	reserved := namespace == xmlNamespace || namespace == xmlnsNamespace
	switch {
	case prefix == "xml" && namespace == xmlNamespace:
		return nil
	case prefix == "xml", prefix == "xmlns", reserved:
		return problem.NewField("xmlns:"+prefix, namespace, "another prefix and namespace: these are reserved")
	case prefix != "" && namespace == "":
		return problem.NewField("xmlns:"+prefix, namespace, "a namespace")
	}
	return nil
}

// isName reports whether a raw name that the tokenizer let pass is one in a
// document with namespaces.
func isName(raw xml.Name) bool {
	first, _ := utf8.DecodeRuneInString(raw.Local)
	return (first == '_' || unicode.IsLetter(first)) && !strings.Contains(raw.Local, ":") &&
		len(raw.Local) <= maxName && len(raw.Space) <= maxName
}
