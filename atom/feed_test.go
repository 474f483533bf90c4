package atom_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/atom"
)

func page() *atom.Feed {
	return &atom.Feed{
		ID:      "http://localhost/",
		Title:   "names",
		Updated: time.Date(2009, 7, 12, 10, 0, 0, 0, time.UTC),
		Author:  "jitney",
		Links:   []atom.Link{{Rel: "self", Href: "/"}, {Rel: "next", Href: "/?after=a"}},
		Entries: []atom.Entry{
			{ID: "/a", Title: "a", Links: []atom.Link{{Rel: "alternate", Href: "/a"}}},
			{ID: "/b", Title: "b"},
		},
	}
}

// [N3]
func TestFeedXML(t *testing.T) {
	t.Parallel()
	document := page().AppendXML(nil)
	got, err := atom.ParseFeed(document)
	if err != nil {
		t.Fatal(err)
	}
	if want := page(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if next := got.Link("next"); next != "/?after=a" {
		t.Errorf("got next %q", next)
	}
	want := `<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>http://localhost/</id>` +
		`<title>names</title><updated>2009-07-12T10:00:00Z</updated><author><name>jitney</name></author>` +
		`<link rel="self" href="/"/><link rel="next" href="/?after=a"/>` +
		`<entry><id>/a</id><title>a</title><link rel="alternate" href="/a"/></entry>` +
		`<entry><id>/b</id><title>b</title></entry></feed>`
	if string(document) != want {
		t.Errorf("got  %s\nwant %s", document, want)
	}
}

// [N6]
func TestFeedJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(page())
	want := `{"id":"http://localhost/","title":"names","updated":"2009-07-12T10:00:00Z","author":"jitney",` +
		`"links":[{"rel":"self","href":"/"},{"rel":"next","href":"/?after=a"}],` +
		`"entries":[{"id":"/a","title":"a","links":[{"rel":"alternate","href":"/a"}]},{"id":"/b","title":"b"}]}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	empty, err := json.Marshal(atom.Feed{Title: "none"})
	if want := `{"title":"none","entries":[]}`; err != nil || string(empty) != want {
		t.Errorf("got %s, %v, want %s", empty, err, want)
	}
}

func TestParseFeedRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, element, want string }{
		"Entry":       {`<entry` + inAtom + `/>`, "entry", "the root feed"},
		"Truncated":   {`<feed` + inAtom + `><entry>`, "feed", "ends inside entry"},
		"TwoTitles":   {`<feed` + inAtom + `><title/><title/></feed>`, "title", "at most once"},
		"Updated":     {`<feed` + inAtom + `><updated>now</updated></feed>`, "updated", "an instant"},
		"EntryInside": {`<feed` + inAtom + `><entry><link/></entry></feed>`, "link", "href"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atom.ParseFeed([]byte(test.body))
			wantField(t, err, test.element, test.want)
		})
	}
}
