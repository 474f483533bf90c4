package atom_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/problem"
)

// [N6]
func TestParseEntryJSON(t *testing.T) {
	t.Parallel()
	document, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"Plain": string(document), "BOM": "\ufeff" + string(document)} {
		got, err := atom.ParseEntryJSON([]byte(body), "urn:p")
		if err != nil {
			t.Fatal(name, err)
		}
		if want := example(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestTwinStandsForXML(t *testing.T) {
	t.Parallel()
	entry, err := atom.ParseEntryJSON([]byte(`{"P":{"Q":"PT30S","R":[1,2],"S":{}}}`), "urn:p")
	if err != nil {
		t.Fatal(err)
	}
	want := `<P xmlns="urn:p"><Q>PT30S</Q><R>1</R><R>2</R><S/></P>`
	if got := string(entry.Extensions[0].AppendXML(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if name := entry.Extensions[0].Name; name != (xml.Name{Space: "urn:p", Local: "P"}) {
		t.Errorf("got name %v", name)
	}
}

func TestParseEntryJSONRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, element, want string }{
		"Empty":           {``, "entry", "valid JSON"},
		"Null":            {`null`, "entry", "a value"},
		"Array":           {`[]`, "entry", "a JSON object"},
		"String":          {`"QueuePolicy"`, "entry", "a JSON object"},
		"Truncated":       {`{"id":"a"`, "entry", "valid JSON"},
		"Trailing":        {`{} {}`, "entry", "valid JSON"},
		"TrailingComma":   {`{"id":"a",}`, "entry", "valid JSON"},
		"MissingColon":    {`{"id" "a"}`, "entry", "valid JSON"},
		"Comment":         {`{/* a */}`, "entry", "valid JSON"},
		"NaN":             {`{"P":{"Q":NaN}}`, "entry", "valid JSON"},
		"LeadingZero":     {`{"P":{"Q":01}}`, "entry", "valid JSON"},
		"Latin1":          {"{\"id\":\"\xe9\"}", "entry", "UTF-8"},
		"UTF16":           {"{\x00}\x00", "entry", "valid JSON"},
		"DuplicateField":  {`{"id":"a","id":"b"}`, "id", "only once"},
		"DuplicateEscape": {`{"P":1,"\u0050":2}`, "P", "only once"},
		"DuplicateInside": {`{"P":{"Q":1,"Q":1}}`, "Q", "only once"},
		"NullInside":      {`{"P":{"Q":null}}`, "Q", "leave the member out"},
		"IDNumber":        {`{"id":1}`, "id", "a string"},
		"UpdatedNumber":   {`{"updated":0}`, "updated", "a string"},
		"UpdatedText":     {`{"updated":"now"}`, "updated", "an instant"},
		"LinksObject":     {`{"links":{}}`, "links", "a list"},
		"LinkString":      {`{"links":["/a"]}`, "links", "an object"},
		"LinkUnknown":     {`{"links":[{"href":"/a","hreflang":"en"}]}`, "hreflang", "no such member"},
		"LinkNoHref":      {`{"links":[{"rel":"self"}]}`, "links", "href"},
		"ContentString":   {`{"content":"a"}`, "content", "an object"},
		"NestedList":      {`{"P":[[1]]}`, "P", "no list inside a list"},
		"NameWithMarkup":  {`{"P><evil":1}`, "entry", "a member named by"},
		"NameWithColon":   {`{"p:P":1}`, "entry", "a member named by"},
		"NameEmpty":       {`{"":1}`, "entry", "a member named by"},
		"NameDigit":       {`{"1":1}`, "entry", "a member named by"},
		"NameLong":        {`{"` + strings.Repeat("a", 129) + `":1}`, "entry", "a member named by"},
		"Control":         {`{"id":"\u0000"}`, "id", "control characters"},
		"NotACharacter":   {`{"P":{"Q":"\uffff"}}`, "Q", "control characters"},
		"TooDeep":         {strings.Repeat(`{"a":`, 64) + `1` + strings.Repeat(`}`, 64), "a", "at most 64"},
		"FarTooDeep":      {strings.Repeat(`[`, 100_000), "entry", "valid JSON"},
		"TooMany":         {`{"P":[` + strings.Repeat("1,", 10_000) + `1]}`, "P", "at most 10000"},
		"TooLong":         {`{"id":"` + strings.Repeat("a", atom.MaxEntry) + `"}`, "entry", "at most 262144 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atom.ParseEntryJSON([]byte(test.body), "urn:p")
			wantField(t, err, test.element, test.want)
		})
	}
}

func TestTruncatedJSON(t *testing.T) {
	t.Parallel()
	whole := `{"id":"a","links":[{"rel":"self","href":"/b"}],"P":{"Q":10,"R":true,"S":"\u00e9"}}`
	for i := range len(whole) {
		_, err := atom.ParseEntryJSON([]byte(whole[:i]), "urn:p")
		if _, ok := errors.AsType[*problem.Field](err); !ok {
			t.Errorf("%q: got error %v, want a *problem.Field", whole[:i], err)
		}
	}
}
