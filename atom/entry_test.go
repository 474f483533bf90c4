package atom_test

import (
	"encoding/json"
	"encoding/xml"
	"reflect"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/atom"
)

func TestParseEntry(t *testing.T) {
	t.Parallel()
	body := `<entry xmlns="http://www.w3.org/2005/Atom" xmlns:x="urn:x">
  <id> urn:1 </id>
  <title type="text">One</title>
  <published>2009-07-12T10:00:00+02:00</published>
  <updated>2009-07-12T10:00:00.5Z</updated>
  <author><name>Clemens</name><email>a@example.com</email></author>
  <author><name>Second</name></author>
  <link rel="self" href="/one/$policy"/>
  <link href="/one" type="text/plain" title="tail"/>
  <category term="a"/>
  <summary>Short</summary>
  <x:First a="1"><x:Inner>text</x:Inner></x:First>
  <content type="application/xml; charset=utf-8"><Second xmlns="urn:y"/></content>
</entry>`
	got, err := atom.ParseEntry([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := &atom.Entry{
		ID:        "urn:1",
		Title:     "One",
		Published: time.Date(2009, 7, 12, 8, 0, 0, 0, time.UTC),
		Updated:   time.Date(2009, 7, 12, 10, 0, 0, 5e8, time.UTC),
		Author:    "Clemens",
		Links:     []atom.Link{{Rel: "self", Href: "/one/$policy"}, {Href: "/one", Type: "text/plain", Title: "tail"}},
		Summary:   "Short",
		Extensions: []atom.Element{
			{
				Name:     xml.Name{Space: "urn:x", Local: "First"},
				Attrs:    []xml.Attr{{Name: xml.Name{Local: "a"}, Value: "1"}},
				Children: []atom.Element{{Name: xml.Name{Space: "urn:x", Local: "Inner"}, Text: "text"}},
			},
			{Name: xml.Name{Space: "urn:y", Local: "Second"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if self, alternate, none := got.Link("self"), got.Link("alternate"), got.Link("edit"); self != "/one/$policy" || alternate != "/one" || none != "" {
		t.Errorf("got links %q, %q, %q", self, alternate, none)
	}
}

func TestParseEntryRefusesValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ inside, element, want string }{
		"Updated":         {`<updated>yesterday</updated>`, "updated", "an instant"},
		"UpdatedNoZone":   {`<updated>2009-07-12T10:00:00</updated>`, "updated", "an instant"},
		"Published":       {`<published/>`, "published", "an instant"},
		"LinkWithoutHref": {`<link rel="self"/>`, "link", "href"},
		"Author":          {`<author>Clemens</author>`, "author", "name"},
		"TwoTitles":       {`<title/><title/>`, "title", "at most once"},
		"TwoIDs":          {`<id>a</id><id>a</id>`, "id", "at most once"},
		"TwoContents":     {`<content/><content/>`, "content", "at most once"},
		"TitleWithMarkup": {`<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">a</div></title>`, "title", "without elements"},
		"ContentAsText":   {`<content><QueuePolicy xmlns="urn:p"/></content>`, "content", `type="application/xml"`},
		"ContentAsXHTML":  {`<content type="xhtml"><div/></content>`, "content", `type="application/xml"`},
		"TextInXML":       {`<content type="application/xml">PT30S</content>`, "content", "elements only"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atom.ParseEntry([]byte(`<entry` + inAtom + `>` + test.inside + `</entry>`))
			wantField(t, err, test.element, test.want)
		})
	}
}

// An extension is found wherever a client puts it, also without its namespace.
// [P1]
func TestExtensions(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{
		`<P xmlns="urn:p"><Q>1</Q></P>`,
		`<p:P xmlns:p="urn:p"><p:Q>1</p:Q></p:P>`,
		`<content type="application/xml"><P xmlns="urn:p"><Q>1</Q></P></content>`,
		`<content type="text/xml">  <P xmlns="urn:p"><Q>1</Q></P>` + "\n" + `</content>`,
		`<content type="application/vnd.acme+xml"><P xmlns="urn:p"><Q><![CDATA[1]]></Q></P></content>`,
	} {
		entry, err := atom.ParseEntry([]byte(`<entry` + inAtom + `>` + inside + `</entry>`))
		if err != nil {
			t.Fatal(err)
		}
		want := []atom.Element{{
			Name:     xml.Name{Space: "urn:p", Local: "P"},
			Children: []atom.Element{{Name: xml.Name{Space: "urn:p", Local: "Q"}, Text: "1"}},
		}}
		if !reflect.DeepEqual(entry.Extensions, want) || entry.Content != nil {
			t.Errorf("%s: got %+v", inside, entry)
		}
	}
	entry, err := atom.ParseEntry([]byte(`<entry` + inAtom + `><QueuePolicy/></entry>`))
	if err != nil || len(entry.Extensions) != 1 || entry.Extensions[0].Name.Space != atom.Namespace {
		t.Errorf("got %+v, %v", entry, err)
	}
}

func example() *atom.Entry {
	in := func(local string) xml.Name { return xml.Name{Space: "urn:p", Local: local} }
	return &atom.Entry{
		ID:      "http://localhost/one",
		Title:   `<One> & "two"`,
		Updated: time.Date(2009, 7, 12, 10, 0, 0, 0, time.UTC),
		Author:  "jitney",
		Links:   []atom.Link{{Rel: "self", Href: "/one?a=1&b=2"}, {Rel: "alternate", Href: "/one"}},
		Content: &atom.Content{Type: "text", Text: "line\r\n\tnext"},
		Extensions: []atom.Element{{Name: in("P"), Type: atom.Object, Children: []atom.Element{
			{Name: in("S"), Type: atom.String, Text: "s"},
			{Name: in("N"), Type: atom.Number, Text: "10"},
			{Name: in("B"), Type: atom.Boolean, Text: "true"},
			{Name: in("L"), Type: atom.List, Children: []atom.Element{
				{Name: in("L"), Type: atom.String, Text: "one"},
				{Name: in("L"), Type: atom.String, Text: "two"},
			}},
		}}},
	}
}

func TestAppendXML(t *testing.T) {
	t.Parallel()
	got := string(example().AppendXML([]byte("before ")))
	want := `before <?xml version="1.0" encoding="utf-8"?>` +
		`<entry xmlns="http://www.w3.org/2005/Atom"><id>http://localhost/one</id>` +
		`<title>&lt;One&gt; &amp; &#34;two&#34;</title><updated>2009-07-12T10:00:00Z</updated>` +
		`<author><name>jitney</name></author><link rel="self" href="/one?a=1&amp;b=2"/>` +
		`<link rel="alternate" href="/one"/><content type="text">line&#xD;&#xA;&#x9;next</content>` +
		`<P xmlns="urn:p"><S>s</S><N>10</N><B>true</B><L>one</L><L>two</L></P></entry>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// [N6]
func TestMarshalJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"http://localhost/one","title":"\u003cOne\u003e \u0026 \"two\"","updated":"2009-07-12T10:00:00Z",` +
		`"author":"jitney","links":[{"rel":"self","href":"/one?a=1\u0026b=2"},{"rel":"alternate","href":"/one"}],` +
		`"content":{"type":"text","text":"line\r\n\tnext"},` +
		`"P":{"S":"s","N":10,"B":true,"L":["one","two"]}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestForeignAttributes(t *testing.T) {
	t.Parallel()
	body := `<entry` + inAtom + `><a xmlns="urn:a" xmlns:x="urn:x" x:b="1" b="" xml:lang="en"><c xmlns=""/></a></entry>`
	entry, err := atom.ParseEntry([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := `<a xmlns="urn:a" xmlns:n0="urn:x" n0:b="1" b="" xml:lang="en"><c xmlns=""/></a>`
	if got := string(entry.Extensions[0].AppendXML(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRepeatedExtensionsAreAList(t *testing.T) {
	t.Parallel()
	body := `<entry` + inAtom + `><title>kept</title><a xmlns="urn:a"/><b xmlns="urn:a"/><a xmlns="urn:c">2</a><title xmlns="urn:a">lost</title></entry>`
	entry, err := atom.ParseEntry([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(entry)
	if want := `{"title":"kept","a":["","2"],"b":""}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
