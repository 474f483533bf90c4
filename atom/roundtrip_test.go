package atom_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/problem"
)

// texts generates what XML can carry, markup included.
func texts() *rapid.Generator[string] {
	return rapid.StringOf(rapid.OneOf(
		rapid.SampledFrom([]rune("<>&'\"]-\t\r\n \u00a0é😀")),
		rapid.Rune(),
	)).Filter(atom.IsText)
}

func instants() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(0, 4e18), func(n int64) time.Time { return time.Unix(0, n).UTC() })
}

func linked() *rapid.Generator[atom.Link] {
	return rapid.Custom(func(t *rapid.T) atom.Link {
		return atom.Link{
			Rel:   rapid.SampledFrom([]string{"", "self", "next"}).Draw(t, "rel"),
			Href:  "/" + texts().Draw(t, "href"),
			Type:  texts().Draw(t, "type"),
			Title: texts().Draw(t, "title"),
		}
	})
}

func elements(depth int) *rapid.Generator[atom.Element] {
	return rapid.Custom(func(t *rapid.T) atom.Element {
		e := atom.Element{Name: xml.Name{
			Space: rapid.SampledFrom([]string{"", "urn:a", "urn:b&"}).Draw(t, "space"),
			Local: rapid.StringMatching(`[A-Z][a-z0-9_.-]{0,5}`).Draw(t, "local"),
		}}
		if rapid.Bool().Draw(t, "attributed") {
			e.Attrs = []xml.Attr{{Name: xml.Name{Space: e.Name.Space, Local: "a"}, Value: texts().Draw(t, "value")}}
		}
		if e.Text = texts().Draw(t, "text"); e.Text == "" && depth > 0 {
			e.Children = rapid.SliceOfN(elements(depth-1), 1, 3).Draw(t, "children")
		}
		return e
	})
}

func entries() *rapid.Generator[*atom.Entry] {
	return rapid.Custom(func(t *rapid.T) *atom.Entry {
		e := &atom.Entry{
			ID:      rapid.StringMatching(`[a-z:/]{0,9}`).Draw(t, "id"),
			Title:   texts().Draw(t, "title"),
			Updated: instants().Draw(t, "updated"),
			Author:  rapid.StringMatching(`[a-z<&]{0,9}`).Draw(t, "author"),
			Summary: texts().Draw(t, "summary"),
			Content: &atom.Content{Type: "text", Text: texts().Draw(t, "content")},
		}
		if n := rapid.IntRange(0, 3).Draw(t, "links"); n > 0 {
			e.Links = rapid.SliceOfN(linked(), n, n).Draw(t, "link")
		}
		if n := rapid.IntRange(0, 3).Draw(t, "extensions"); n > 0 {
			e.Extensions = rapid.SliceOfN(elements(2), n, n).Draw(t, "extension")
		}
		return e
	})
}

func TestEntrySurvivesXML(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := entries().Draw(t, "entry")
		document := want.AppendXML(nil)
		got, err := atom.ParseEntry(document)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestEntrySurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := entries().Draw(t, "entry")
		want.Extensions = nil // XML's attributes, namespaces and repeats have no place in JSON
		document, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := atom.ParseEntryJSON(document, "urn:a")
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func FuzzEntry(f *testing.F) {
	for _, seed := range []string{
		``, "\ufeff", `<entry xmlns="http://www.w3.org/2005/Atom"/>`,
		`<?xml version="1.0" encoding="UTF-7"?><entry xmlns="http://www.w3.org/2005/Atom"/>`,
		`<!DOCTYPE a [<!ENTITY b "c">]><entry xmlns="http://www.w3.org/2005/Atom"><title>&b;</title></entry>`,
		`<a:entry xmlns:a="http://www.w3.org/2005/Atom"><b xmlns="" c="d" xmlns:e="urn:e" e:c="f"><![CDATA[<]]>&#x9;</b></a:entry>`,
		`<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><a xmlns="urn:a">b</a></content></entry>`,
		`<entry xmlns="http://www.w3.org/2005/Atom"><link href="a" href="b"/><?pi?><!-- c --></entry><entry/>`,
		`{"id":"a","links":[{"rel":"self","href":"/b"}],"P":{"Q":10,"R":true,"S":["a",{}]}}`,
		`{"id":"a","id":"b"}`, `{"a":[[1]]}`, `{"updated":"2009-07-12T10:00:00Z","content":{"text":"\ud800"}}`,
		string(example().AppendXML(nil)),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if entry, err := atom.ParseEntry(body); checked(t, err) {
			again, err := atom.ParseEntry(entry.AppendXML(nil))
			if err != nil || !reflect.DeepEqual(again, entry) {
				t.Errorf("%+v became %+v, %v", entry, again, err)
			}
			if _, err := json.Marshal(entry); err != nil {
				t.Errorf("%+v has no twin: %v", entry, err)
			}
		}
		if entry, err := atom.ParseEntryJSON(body, "urn:a"); checked(t, err) {
			if _, err := atom.ParseEntry(entry.AppendXML(nil)); err != nil {
				t.Errorf("%+v has no XML: %v", entry, err)
			}
		}
	})
}

// checked reports whether err is nil, and fails if it is no *problem.Field.
func checked(t *testing.T, err error) bool {
	t.Helper()
	if _, ok := errors.AsType[*problem.Field](err); err != nil && !ok {
		t.Errorf("got error %v, want a *problem.Field", err)
	}
	return err == nil
}
