package main

import (
	"encoding/xml"
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
)

// kind is a kind of policy, as a flag.
type kind string

const (
	queueKind           kind = "queue"
	routerKind          kind = "router"
	connectionPointKind kind = "connection-point"
	metadataKind        kind = "metadata"
)

func (k *kind) String() string { return string(*k) }
func (k *kind) Type() string   { return "kind" }
func (k *kind) Set(text string) error {
	return oneOf(k, text, queueKind, routerKind, connectionPointKind, metadataKind)
}

func (k kind) element() string {
	switch k {
	case routerKind:
		return "RouterPolicy"
	case connectionPointKind:
		return "ConnectionPointPolicy"
	case metadataKind:
		return "MetadataPolicy"
	}
	return "QueuePolicy"
}

// newPolicyEntry returns an entry with an empty policy.
func newPolicyEntry(k kind) *atom.Entry {
	return &atom.Entry{Extensions: []atom.Element{{Name: policyName(k.element())}}}
}

func parseEntry(mediaType string, document []byte) (*atom.Entry, error) {
	if mediaType == policy.MediaType {
		return atom.ParseEntryJSON(document, policy.Namespace)
	}
	return atom.ParseEntry(document)
}

// setElements states each Element=Value in the policy of an entry, in place of
// what it stated about that element.
func setElements(entry *atom.Entry, sets []string) error {
	p := policyOf(entry)
	if p == nil {
		return usagef("--set: the file has no policy to set it in")
	}
	for _, set := range sets {
		element, value, ok := strings.Cut(set, "=")
		if !ok || element == "" {
			return usagef("--set %q: want Element=Value", set)
		}
		setChild(p, element, value)
	}
	return nil
}

func policyOf(entry *atom.Entry) *atom.Element {
	for i := range entry.Extensions {
		if strings.HasSuffix(entry.Extensions[i].Name.Local, "Policy") {
			return &entry.Extensions[i]
		}
	}
	return nil
}

func setChild(p *atom.Element, name, value string) {
	child := atom.Element{Name: policyName(name), Text: value}
	for i := range p.Children {
		if p.Children[i].Name.Local == name {
			p.Children[i] = child
			return
		}
	}
	p.Children = append(p.Children, child)
}

func policyName(local string) xml.Name { return xml.Name{Space: policy.Namespace, Local: local} }
