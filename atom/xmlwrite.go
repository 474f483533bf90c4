package atom

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"
)

const xmlHeader = `<?xml version="1.0" encoding="utf-8"?>`

// AppendXML appends the entry to b as a whole XML document.
func (e *Entry) AppendXML(b []byte) []byte {
	w := newWriter(b)
	w.WriteString(xmlHeader)
	w.entry(e, "")
	return w.Bytes()
}

// AppendXML appends the feed to b as a whole XML document.
func (f *Feed) AppendXML(b []byte) []byte {
	w := newWriter(b)
	w.WriteString(xmlHeader)
	w.feed(f)
	return w.Bytes()
}

// AppendXML appends the element to b. It declares the namespaces it needs to
// stand anywhere but has no XML declaration.
func (e *Element) AppendXML(b []byte) []byte {
	w := newWriter(b)
	w.element(e, "")
	return w.Bytes()
}

// writer writes XML. A character that XML cannot carry becomes U+FFFD.
type writer struct{ *bytes.Buffer }

func newWriter(b []byte) writer {
	return writer{bytes.NewBuffer(b)}
}

// entry writes e in a place where the default namespace is within.
func (w writer) entry(e *Entry, within string) {
	w.open("entry", Namespace, within)
	w.WriteByte('>')
	w.leaf("id", e.ID)
	w.leaf("title", e.Title)
	w.instant("published", e.Published)
	w.instant("updated", e.Updated)
	w.author(e.Author)
	w.links(e.Links)
	w.leaf("summary", e.Summary)
	w.content(e.Content)
	for i := range e.Extensions {
		w.element(&e.Extensions[i], Namespace)
	}
	w.close("entry")
}

func (w writer) feed(f *Feed) {
	w.open("feed", Namespace, "")
	w.WriteByte('>')
	w.leaf("id", f.ID)
	w.leaf("title", f.Title)
	w.instant("updated", f.Updated)
	w.author(f.Author)
	w.links(f.Links)
	for i := range f.Entries {
		w.entry(&f.Entries[i], Namespace)
	}
	w.close("feed")
}

func (w writer) author(name string) {
	if name == "" {
		return
	}
	w.WriteString("<author>")
	w.leaf("name", name)
	w.close("author")
}

func (w writer) links(links []Link) {
	for _, l := range links {
		w.WriteString("<link")
		w.attribute("rel", l.Rel)
		w.attribute("href", l.Href)
		w.attribute("type", l.Type)
		w.attribute("title", l.Title)
		w.WriteString("/>")
	}
}

func (w writer) content(c *Content) {
	if c == nil {
		return
	}
	w.WriteString("<content")
	w.attribute("type", c.Type)
	w.WriteByte('>')
	w.text(c.Text)
	w.close("content")
}

func (w writer) instant(name string, at time.Time) {
	if !at.IsZero() {
		w.leaf(name, at.UTC().Format(time.RFC3339Nano))
	}
}

// leaf writes an Atom element that holds text, if there is any.
func (w writer) leaf(name, text string) {
	if text == "" {
		return
	}
	w.open(name, "", "")
	w.WriteByte('>')
	w.text(text)
	w.close(name)
}

// element writes e in a place where the default namespace is within.
func (w writer) element(e *Element, within string) {
	if e.Type == List {
		for i := range e.Children {
			w.element(&e.Children[i], within)
		}
		return
	}
	w.open(e.Name.Local, e.Name.Space, within)
	for i, a := range e.Attrs {
		w.foreignAttribute(i, a)
	}
	if e.Text == "" && len(e.Children) == 0 {
		w.WriteString("/>")
		return
	}
	w.WriteByte('>')
	w.text(e.Text)
	for i := range e.Children {
		w.element(&e.Children[i], e.Name.Space)
	}
	w.close(e.Name.Local)
}

// open begins a tag and leaves it open for attributes.
func (w writer) open(name, namespace, within string) {
	w.WriteByte('<')
	w.WriteString(name)
	if namespace != within {
		w.WriteString(` xmlns="`)
		w.text(namespace)
		w.WriteByte('"')
	}
}

func (w writer) close(name string) {
	w.WriteString("</")
	w.WriteString(name)
	w.WriteByte('>')
}

// attribute writes an attribute that has a value.
func (w writer) attribute(name, value string) {
	if value == "" {
		return
	}
	w.WriteByte(' ')
	w.WriteString(name)
	w.WriteString(`="`)
	w.text(value)
	w.WriteByte('"')
}

// foreignAttribute writes the i-th attribute of an element, with a prefix of
// its own if it is in a namespace.
func (w writer) foreignAttribute(i int, a xml.Attr) {
	name := a.Name.Local
	switch a.Name.Space {
	case "":
	case xmlNamespace:
		name = "xml:" + name
	default:
		prefix := "n" + strconv.Itoa(i)
		w.attribute("xmlns:"+prefix, a.Name.Space)
		name = prefix + ":" + name
	}
	w.WriteByte(' ')
	w.WriteString(name)
	w.WriteString(`="`)
	w.text(a.Value)
	w.WriteByte('"')
}

// text writes s with everything escaped that is markup in text or attributes.
func (w writer) text(s string) {
	// A bytes.Buffer returns no error.
	_ = xml.EscapeText(w, []byte(s))
}
