package atom_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/problem"
)

const inAtom = ` xmlns="http://www.w3.org/2005/Atom"`

// wantField fails unless err is a *problem.Field of element whose wanted text
// contains want.
func wantField(t *testing.T, err error, element, want string) {
	t.Helper()
	field, ok := errors.AsType[*problem.Field](err)
	if !ok {
		t.Fatalf("got error %v, want a *problem.Field", err)
	}
	if field.Element != element || !strings.Contains(field.Want, want) {
		t.Fatalf("got %q wanting %q, want %q wanting …%s…", field.Element, field.Want, element, want)
	}
}

// [P2]
func TestParseEntryRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64)
	many := strings.Repeat("<a/>", 10_000)
	var attributes strings.Builder
	for i := range 65 {
		fmt.Fprintf(&attributes, ` a%d=""`, i)
	}
	tests := map[string]struct{ body, element, want string }{
		"Empty":             {"", "entry", "the document is empty"},
		"OnlyBOM":           {"\ufeff", "entry", "the document is empty"},
		"OnlySpace":         {" \r\n\t", "entry", "the document is empty"},
		"OnlyComment":       {"<!-- a -->", "entry", "the document is empty"},
		"NotXML":            {"LockDuration: PT30S", "entry", "no text outside"},
		"UTF16BOM":          {"\xff\xfe<\x00e\x00", "entry", "UTF-8"},
		"UTF16":             {"<\x00e\x00n\x00t\x00r\x00y\x00", "entry", "well-formed XML"},
		"UTF16Declared":     {`<?xml version="1.0" encoding="UTF-16"?><entry` + inAtom + `/>`, "entry", "the encoding UTF-8"},
		"UTF7Declared":      {`<?xml version='1.0' encoding='UTF-7'?><entry` + inAtom + `/>`, "entry", "the encoding UTF-8"},
		"Latin1Declared":    {`<?xml version="1.0" encoding="ISO-8859-1"?><entry` + inAtom + `/>`, "entry", "the encoding UTF-8"},
		"Latin1Spaced":      {`<?xml version = "1.0" encoding = "ISO-8859-1" ?><entry` + inAtom + `/>`, "entry", "the encoding UTF-8"},
		"Latin1":            {"<entry" + inAtom + "><title>caf\xe9</title></entry>", "entry", "UTF-8"},
		"OverlongSlash":     {"<entry" + inAtom + "><title>\xc0\xaf</title></entry>", "entry", "UTF-8"},
		"Version2":          {`<?xml version="2.0"?><entry` + inAtom + `/>`, "entry", "declaration"},
		"LateDeclaration":   {` <?xml version="1.0"?><entry` + inAtom + `/>`, "entry", "declaration"},
		"DeclarationInside": {`<entry` + inAtom + `><?xml version="1.0" encoding="UTF-7"?></entry>`, "entry", "declaration"},
		"UpperDeclaration":  {`<?XML version="1.0"?><entry` + inAtom + `/>`, "entry", "declaration"},
		"DTD":               {`<!DOCTYPE entry><entry` + inAtom + `/>`, "entry", "no document type"},
		"InternalEntity":    {`<!DOCTYPE entry [<!ENTITY a "b">]><entry` + inAtom + `><title>&a;</title></entry>`, "entry", "no document type"},
		"ExternalEntity":    {`<!DOCTYPE entry [<!ENTITY a SYSTEM "file:///etc/passwd">]><entry` + inAtom + `/>`, "entry", "no document type"},
		"DirectiveInside":   {`<entry` + inAtom + `><!ELEMENT a></entry>`, "entry", "no document type"},
		"UnknownEntity":     {`<entry` + inAtom + `><title>&nbsp;</title></entry>`, "entry", "invalid character entity"},
		"NulReference":      {`<entry` + inAtom + `><title>&#0;</title></entry>`, "entry", "well-formed XML"},
		"ControlCharacter":  {"<entry" + inAtom + "><title>\x01</title></entry>", "entry", "well-formed XML"},
		"BareAmpersand":     {`<entry` + inAtom + `><title>a & b</title></entry>`, "entry", "well-formed XML"},
		"HTML":              {`<!DOCTYPE html><html><body></body></html>`, "entry", "no document type"},
		"XHTML":             {`<html xmlns="http://www.w3.org/1999/xhtml"/>`, "html", "the root entry in the namespace http://www.w3.org/2005/Atom"},
		"Feed":              {`<feed` + inAtom + `/>`, "feed", "the root entry"},
		"NoNamespace":       {`<entry/>`, "entry", "the root entry in the namespace"},
		"OtherNamespace":    {`<entry xmlns="http://www.w3.org/2005/Atom/"/>`, "entry", "the root entry in the namespace"},
		"UndeclaredPrefix":  {`<a:entry xmlns:b="http://www.w3.org/2005/Atom"/>`, "a:entry", "a declaration of the prefix a"},
		"PrefixOutOfScope":  {`<entry` + inAtom + `><x xmlns:p="urn:p"/><p:x/></entry>`, "p:x", "a declaration of the prefix p"},
		"UndeclaredAttr":    {`<entry` + inAtom + ` p:a=""/>`, "p:a", "a declaration of the prefix p"},
		"EmptyPrefix":       {`<entry` + inAtom + ` xmlns:p=""/>`, "xmlns:p", "a namespace"},
		"RebindXML":         {`<entry` + inAtom + ` xmlns:xml="urn:x"/>`, "xmlns:xml", "reserved"},
		"BindXMLNS":         {`<entry` + inAtom + ` xmlns:xmlns="urn:x"/>`, "xmlns:xmlns", "reserved"},
		"BindToXMLNS":       {`<entry` + inAtom + ` xmlns:a="http://www.w3.org/2000/xmlns/"/>`, "xmlns:a", "reserved"},
		"ElementInXML":      {`<entry` + inAtom + `><xml:a/></entry>`, "entry", "the prefix xml"},
		"ColonFirst":        {`<entry` + inAtom + `><:a/></entry>`, "entry", "the name"},
		"ColonLast":         {`<entry` + inAtom + `><a:/></entry>`, "entry", "the name"},
		"TwoColons":         {`<entry` + inAtom + `><a:b:c/></entry>`, "entry", "well-formed XML"},
		"DigitAfterPrefix":  {`<entry` + inAtom + ` xmlns:p="urn:p"><p:1a/></entry>`, "entry", "the name 1a"},
		"DuplicateAttr":     {`<entry` + inAtom + `><link href="a" href="b"/></entry>`, "href", "an attribute only once"},
		"DuplicateDefault":  {`<entry` + inAtom + inAtom + `/>`, "xmlns", "an attribute only once"},
		"DuplicatePrefix":   {`<entry` + inAtom + ` xmlns:p="urn:p" xmlns:p="urn:q"/>`, "p", "an attribute only once"},
		"DuplicateExpanded": {`<entry` + inAtom + ` xmlns:p="urn:p" xmlns:q="urn:p" p:a="1" q:a="2"/>`, "a", "an attribute only once"},
		"XMLBase":           {`<entry` + inAtom + ` xml:base="http://example.com/"/>`, "xml:base", "no xml:base"},
		"XMLBaseInside":     {`<entry` + inAtom + `><a xmlns="urn:a" xml:base="b"/></entry>`, "xml:base", "no xml:base"},
		"SecondRoot":        {`<entry` + inAtom + `/><entry` + inAtom + `/>`, "entry", "nothing after the root"},
		"TextAfter":         {`<entry` + inAtom + `/>more`, "entry", "no text outside"},
		"NulAfter":          {`<entry` + inAtom + "/>\x00", "entry", "well-formed XML"},
		"EndAfter":          {`<entry` + inAtom + `/></entry>`, "entry", "unexpected </entry>"},
		"EndFirst":          {`</entry>`, "entry", "unexpected </entry>"},
		"Unclosed":          {`<entry` + inAtom + `><title>a`, "entry", "the document ends inside title"},
		"Crossed":           {`<entry` + inAtom + `><a><b></a></b></entry>`, "entry", "</a> closes b"},
		"CrossedPrefix":     {`<p:entry xmlns:p="http://www.w3.org/2005/Atom" xmlns:q="http://www.w3.org/2005/Atom"></q:entry>`, "entry", "closes entry"},
		"OpenCDATA":         {`<entry` + inAtom + `><title><![CDATA[a</title></entry>`, "entry", "well-formed XML"},
		"OpenComment":       {`<entry` + inAtom + `><!-- a</entry>`, "entry", "well-formed XML"},
		"DashesInComment":   {`<entry` + inAtom + `><!-- a -- b --></entry>`, "entry", "well-formed XML"},
		"UnquotedAttr":      {`<entry` + inAtom + `><link href=a/></entry>`, "entry", "well-formed XML"},
		"AttrWithoutValue":  {`<entry` + inAtom + `><link href/></entry>`, "entry", "well-formed XML"},
		"MarkupInAttr":      {`<entry` + inAtom + `><link href="<"/></entry>`, "entry", "well-formed XML"},
		"TooDeep":           {`<entry` + inAtom + `>` + deep + `</entry>`, "entry", "at most 64 elements inside one another"},
		"TooMany":           {`<entry` + inAtom + `>` + many + `</entry>`, "entry", "at most 10000 elements"},
		"TooManyAttributes": {`<entry` + inAtom + `><a` + attributes.String() + `/></entry>`, "entry", "at most 64 attributes"},
		"LongName":          {`<entry` + inAtom + `><` + strings.Repeat("a", 129) + `/></entry>`, "entry", "the name"},
		"LongPrefix":        {`<entry` + inAtom + `><` + strings.Repeat("a", 129) + `:b/></entry>`, "entry", "the name"},
		"LongAttribute":     {`<entry` + inAtom + ` ` + strings.Repeat("a", 129) + `=""/>`, "entry", "the name"},
		"MillionDeep":       {strings.Repeat("<a>", 80_000), "a", "the root entry"},
		"TooLong":           {`<entry` + inAtom + `>` + strings.Repeat(" ", atom.MaxEntry) + `</entry>`, "entry", "at most 262144 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atom.ParseEntry([]byte(test.body))
			wantField(t, err, test.element, test.want)
		})
	}
}

func TestErrorsStayShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	for _, body := range []string{
		`<entry` + inAtom + `><` + long + `/></entry>`,
		`<entry` + inAtom + `></` + long + `>`,
		`<entry` + inAtom + `></` + long + ` a>`,
		`<entry` + inAtom + `>&` + long + `;</entry>`,
		`<entry` + inAtom + ` xmlns:` + long + `=""/>`,
		`<entry` + inAtom + `><content type="` + long + `/xml">text</content></entry>`,
		`<entry` + inAtom + `><updated>` + long + `</updated></entry>`,
		`<entry xmlns="` + long + `"/>`,
		`<!DOCTYPE ` + long + `>`,
		`<?xml version="1.0" encoding="` + long + `"?><entry/>`,
		long,
	} {
		_, err := atom.ParseEntry([]byte(body))
		if err == nil || len(err.Error()) > 1000 {
			t.Errorf("%.60s…: error of %d bytes", body, len(fmt.Sprint(err)))
		}
	}
}

func TestLimitsAreReached(t *testing.T) {
	t.Parallel()
	open, end := `<entry`+inAtom+`>`, `</entry>`
	space := strings.Repeat(" ", atom.MaxEntry-len(open)-len(end))
	for name, body := range map[string]string{
		"Bytes":    open + space + end,
		"Depth":    open + strings.Repeat("<a>", 63) + strings.Repeat("</a>", 63) + end,
		"Elements": open + strings.Repeat("<a/>", 9_999) + end,
		"Name":     open + "<" + strings.Repeat("a", 128) + "/>" + end,
	} {
		if _, err := atom.ParseEntry([]byte(body)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same entry in other clothes.
func TestParseEntryAccepts(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Plain":          `<entry` + inAtom + `><title>a &lt; b</title></entry>`,
		"BOM":            "\ufeff" + `<entry` + inAtom + `><title>a &lt; b</title></entry>`,
		"Declaration":    `<?xml version="1.0" encoding="utf-8" standalone="yes"?>` + "\r\n" + `<entry` + inAtom + `><title>a &lt; b</title></entry>`,
		"BOMDeclaration": "\ufeff" + `<?xml version='1.0' encoding='UTF-8'?><entry` + inAtom + `><title>a &lt; b</title></entry>`,
		"Prefix":         `<x:entry xmlns:x="http://www.w3.org/2005/Atom"><x:title>a &lt; b</x:title></x:entry>`,
		"Rebound":        `<p:entry xmlns:p="http://www.w3.org/2005/Atom"><x xmlns:p="urn:other"/><p:title>a &#60; b</p:title></p:entry>`,
		"CDATA":          `<entry` + inAtom + `><title><![CDATA[a < b]]></title></entry>`,
		"MixedCDATA":     `<entry` + inAtom + `><title>a <![CDATA[<]]> b</title></entry>`,
		"CommentInside":  `<entry` + inAtom + `><title>a &lt;<!-- not > --> b</title></entry>`,
		"PIInside":       `<entry` + inAtom + `><title>a <?not this?>&lt; b</title></entry>`,
		"PIsAround":      `<?a?><!-- b --><entry` + inAtom + `><title>a &#x3c; b</title></entry><?c d?><!-- e --> `,
		"XMLLang":        `<entry` + inAtom + ` xml:lang="en"><title type="text">a &lt; b</title></entry>`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entry, err := atom.ParseEntry([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if entry.Title != "a < b" {
				t.Errorf("got title %q", entry.Title)
			}
		})
	}
}

func TestTruncatedEntry(t *testing.T) {
	t.Parallel()
	whole := `<?xml version="1.0"?><entry` + inAtom + `><title type="text">a&amp;b</title>` +
		`<!-- c --><link rel="self" href="/d"/><e xmlns="urn:e" f="g"><h><![CDATA[i]]></h></e></entry>`
	if _, err := atom.ParseEntry([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) {
		_, err := atom.ParseEntry([]byte(whole[:i]))
		if _, ok := errors.AsType[*problem.Field](err); !ok {
			t.Errorf("%q: got error %v, want a *problem.Field", whole[:i], err)
		}
	}
}
