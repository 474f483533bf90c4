package atom

import (
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// ParseEntryJSON reads the JSON twin of an entry, of at most MaxEntry bytes.
// Members that Atom does not know become Extensions in the given namespace, as
// does all that is inside them. No member may be null or occur twice. Every
// error is a *problem.Field. [N6]
func ParseEntryJSON(body []byte, namespace string) (*Entry, error) {
	body, err := plain("entry", body, MaxEntry)
	if err != nil {
		return nil, err
	}
	root, err := readTwin(body, namespace)
	if err != nil {
		return nil, err
	}
	return entryOfTwin(root)
}

func entryOfTwin(root Element) (*Entry, error) {
	entry := new(Entry)
	for _, e := range root.Children {
		if err := entry.takeMember(e); err != nil {
			return nil, err
		}
	}
	return entry, nil
}

// takeMember reads one member into its field.
func (entry *Entry) takeMember(e Element) (err error) {
	switch e.Name.Local {
	case "id":
		entry.ID, err = stringOf(e)
	case "title":
		entry.Title, err = stringOf(e)
	case "summary":
		entry.Summary, err = stringOf(e)
	case "author":
		entry.Author, err = stringOf(e)
	case "published":
		entry.Published, err = instantOf(e)
	case "updated":
		entry.Updated, err = instantOf(e)
	case "links":
		entry.Links, err = linksOf(e)
	case "content":
		entry.Content, err = contentOf(e)
	default:
		entry.Extensions = append(entry.Extensions, e)
	}
	return err
}

func stringOf(e Element) (string, error) {
	if e.Type != String {
		return "", problem.NewField(e.Name.Local, e.Text, "a string")
	}
	return e.Text, nil
}

func instantOf(e Element) (time.Time, error) {
	if _, err := stringOf(e); err != nil {
		return time.Time{}, err
	}
	return instant(e)
}

func linksOf(e Element) ([]Link, error) {
	if e.Type != List {
		return nil, problem.NewField(e.Name.Local, e.Text, "a list of objects")
	}
	var links []Link
	for _, item := range e.Children {
		var l Link
		fields := map[string]*string{"rel": &l.Rel, "href": &l.Href, "type": &l.Type, "title": &l.Title}
		if err := stringsOf(item, fields); err != nil {
			return nil, err
		}
		if l.Href == "" {
			return nil, problem.NewField(e.Name.Local, l.Rel, "a member href in each link")
		}
		links = append(links, l)
	}
	return links, nil
}

func contentOf(e Element) (*Content, error) {
	c := new(Content)
	return c, stringsOf(e, map[string]*string{"type": &c.Type, "text": &c.Text})
}

// stringsOf reads an object of strings into fields, by the members' names.
func stringsOf(e Element, fields map[string]*string) error {
	if e.Type != Object {
		return problem.NewField(e.Name.Local, e.Text, "an object")
	}
	for _, member := range e.Children {
		to, ok := fields[member.Name.Local]
		if !ok {
			return problem.NewField(member.Name.Local, member.Text, "no such member in %s", e.Name.Local)
		}
		text, err := stringOf(member)
		if err != nil {
			return err
		}
		*to = text
	}
	return nil
}
