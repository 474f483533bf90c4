package atom

import (
	"encoding/json"
	"time"
)

// MarshalJSON returns the JSON twin of the entry: id, title, published,
// updated, author, summary, links, content, as far as there are any, and each
// extension under its local name. Several extensions of one name become a
// list. JSON has no namespaces, so an extension named like one of those
// members is left out. [N6]
func (e Entry) MarshalJSON() ([]byte, error) {
	var o object
	o.text("id", e.ID)
	o.text("title", e.Title)
	o.instant("published", e.Published)
	o.instant("updated", e.Updated)
	o.text("author", e.Author)
	o.text("summary", e.Summary)
	o.links(e.Links)
	if e.Content != nil {
		var c object
		c.text("type", e.Content.Type)
		c.text("text", e.Content.Text)
		o.member("content", c.end())
	}
	o.elements(e.Extensions)
	return o.end(), nil
}

// MarshalJSON returns the JSON twin of the feed: id, title, updated, author,
// links and entries. [N6]
func (f Feed) MarshalJSON() ([]byte, error) {
	var o object
	o.text("id", f.ID)
	o.text("title", f.Title)
	o.instant("updated", f.Updated)
	o.text("author", f.Author)
	o.links(f.Links)
	var entries list
	for _, e := range f.Entries {
		entry, err := e.MarshalJSON()
		if err != nil {
			return nil, err
		}
		entries.item(entry)
	}
	o.member("entries", entries.end())
	return o.end(), nil
}

// MarshalJSON returns the element's value as JSON, without its name.
func (e Element) MarshalJSON() ([]byte, error) {
	return e.value(), nil
}

func (e *Element) value() []byte {
	switch {
	case e.Type == Number, e.Type == Boolean:
		return []byte(e.Text)
	case e.Type == List:
		return items(e.Children)
	case e.Type == Object, e.Type == Untyped && len(e.Children) > 0:
		var o object
		o.elements(e.Children)
		return o.end()
	}
	return quote(e.Text)
}

func items(elements []Element) []byte {
	var l list
	for i := range elements {
		l.item(elements[i].value())
	}
	return l.end()
}

// object writes a JSON object, each name once: the first value stays.
type object struct {
	json  []byte
	names map[string]bool
}

func (o *object) member(name string, value []byte) {
	if o.names[name] {
		return
	}
	if o.names == nil {
		o.names = map[string]bool{}
	}
	o.names[name] = true
	if len(o.json) > 0 {
		o.json = append(o.json, ',')
	}
	o.json = append(o.json, quote(name)...)
	o.json = append(o.json, ':')
	o.json = append(o.json, value...)
}

func (o *object) text(name, text string) {
	if text != "" {
		o.member(name, quote(text))
	}
}

func (o *object) instant(name string, at time.Time) {
	if !at.IsZero() {
		o.text(name, at.UTC().Format(time.RFC3339Nano))
	}
}

func (o *object) links(links []Link) {
	if len(links) == 0 {
		return
	}
	var l list
	for _, link := range links {
		var item object
		item.text("rel", link.Rel)
		item.text("href", link.Href)
		item.text("type", link.Type)
		item.text("title", link.Title)
		l.item(item.end())
	}
	o.member("links", l.end())
}

// elements writes each element as a member, those of one name as a list.
func (o *object) elements(elements []Element) {
	named := map[string][]Element{}
	for _, e := range elements {
		named[e.Name.Local] = append(named[e.Name.Local], e)
	}
	for i := range elements {
		name := elements[i].Name.Local
		switch same := named[name]; {
		case o.names[name]:
		case len(same) > 1:
			o.member(name, items(same))
		default:
			o.member(name, elements[i].value())
		}
	}
}

func (o *object) end() []byte {
	return append(append([]byte{'{'}, o.json...), '}')
}

// list writes a JSON array.
type list struct{ json []byte }

func (l *list) item(value []byte) {
	if len(l.json) > 0 {
		l.json = append(l.json, ',')
	}
	l.json = append(l.json, value...)
}

func (l *list) end() []byte {
	return append(append([]byte{'['}, l.json...), ']')
}

func quote(s string) []byte {
	// A string always has a JSON form; what is not UTF-8 becomes U+FFFD.
	quoted, _ := json.Marshal(s)
	return quoted
}
