package control_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/relay/control"
)

func TestHeaderWritten(t *testing.T) {
	for want, h := range map[string]control.Header{
		`{}`:                             {},
		`{"A":"b"}`:                      {"A": {"b"}},
		`{"A":""}`:                       {"A": {""}},
		`{"A":"b, c, d"}`:                {"A": {"b", "c, d"}, "None": {}, "Nil": nil},
		`{"Cookie":"a=b; c=d"}`:          {"Cookie": {"a=b", "c=d"}},
		`{"Set-Cookie":"a=b"}`:           {"Set-Cookie": {"a=b"}},
		`{"Set-Cookie":["a=b","c=d,e"]}`: {"Set-Cookie": {"a=b", "c=d,e"}},
	} {
		if text, err := json.Marshal(h); err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
	}
}

func TestHeaderRead(t *testing.T) {
	for text, want := range map[string]control.Header{
		`{}`:                                {},
		`null`:                              {},
		`{"x-a":"b"}`:                       {"X-A": {"b"}},
		`{"A":""}`:                          {"A": {""}},
		`{"A":7,"B":-1.50e3}`:               {"A": {"7"}, "B": {"-1.50e3"}},
		`{"A":["b","c",7]}`:                 {"A": {"b", "c", "7"}},
		`{"A":[]}`:                          {},
		`{"A":"\tb c\t"}`:                   {"A": {"\tb c\t"}},
		`{"set-cookie":["a=b","c=d"]}`:      {"Set-Cookie": {"a=b", "c=d"}},
		`{"A":"ü€"}`:                        {"A": {"ü€"}},
		`{"!#$%&'*+-.^_` + "`" + `|~":"x"}`: {"!#$%&'*+-.^_`|~": {"x"}},
	} {
		var h control.Header
		if err := json.Unmarshal([]byte(text), &h); err != nil || !reflect.DeepEqual(h, want) {
			t.Errorf("%s: %v, %v, want %v", text, h, err, want)
		}
	}
}

func TestHeaderRefused(t *testing.T) {
	for _, text := range []string{
		`[]`, `"A: b"`, `7`, `{"A":{}}`, `{"A":true}`, `{"A":[["b"]]}`, `{"A":[true]}`,
		`{"A":"b\r\nC: d"}`, `{"A":"b\n"}`, `{"A":"\r"}`, `{"A":"\u0000"}`, `{"A":"\u007f"}`, `{"A":["b","\n"]}`,
		`{"":"b"}`, `{"A ":"b"}`, `{"A:":"b"}`, `{"A\r\nB":"c"}`, `{"Ä":"b"}`, `{"A(":"b"}`, `{"\u0000":"b"}`,
	} {
		var h control.Header
		if err := json.Unmarshal([]byte(text), &h); err == nil {
			t.Errorf("%s is read as %v", text, h)
		}
	}
	long := `{"` + strings.Repeat("ü", 10_000) + `":"x"}`
	var h control.Header
	if err := json.Unmarshal([]byte(long), &h); err == nil || len(err.Error()) > 500 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

// [L1] What is for the other end goes on, and only that.
func TestEndToEnd(t *testing.T) {
	kept := http.Header{
		"Accept": {"*/*"}, "Content-Length": {"7"}, "Cookie": {"a=b"}, "Via": {"1.1 a"}, "User-Agent": {"x"}, "X-A": {"1", "2"},
		"Authorization": {"Bearer x"}, "Expect": {"100-continue"}, "Sec-Websocket-Key": {"x"},
	}
	all := kept.Clone()
	for _, name := range []string{
		"Connection", "Close", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Host", "Servicebusauthorization", "X-One", "X-Two", "X-Three",
	} {
		all[name] = []string{"x"}
	}
	all["Connection"] = []string{"close, x-one ,X-TWO,", "keep-alive,X-Three, ,"}
	before := all.Clone()
	if got := control.EndToEnd(all); !reflect.DeepEqual(http.Header(got), kept) {
		t.Errorf("%v,\n want %v", got, kept)
	}
	if !reflect.DeepEqual(all, before) {
		t.Errorf("the header itself was changed: %v", all)
	}
	if got := control.EndToEnd(nil); got == nil || len(got) > 0 {
		t.Errorf("of nothing: %v", got)
	}
	for _, name := range []string{"Authorization", "User-Agent"} {
		if got := control.EndToEnd(http.Header{"Authorization": {"SharedAccessSignature sr=x"}, "User-Agent": {""}}); got[name] != nil {
			t.Errorf("%s %q", name, got[name])
		}
	}
}

// [L1] A listener sees all of a sender's handshake but what is the relay's.
func TestHandshake(t *testing.T) {
	h := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"x"}, "Sec-Websocket-Protocol": {"a, b"}, "Cookie": {"a=b"},
		"Origin": {"http://localhost"}, "Host": {"localhost"}, "Authorization": {"Basic x"},
	}
	all := h.Clone()
	all["Servicebusauthorization"] = []string{"x"}
	if got := control.Handshake(all); !reflect.DeepEqual(http.Header(got), h) {
		t.Errorf("%v,\n want %v", got, h)
	}
	all["Authorization"] = []string{"SharedAccessSignature sr=x"}
	if got := control.Handshake(all); got["Authorization"] != nil {
		t.Errorf("Authorization %q", got["Authorization"])
	}
}

func TestIsToken(t *testing.T) {
	for credential, want := range map[string]bool{
		"SharedAccessSignature sr=x": true, "SharedAccessSignature": false, "Bearer SharedAccessSignature x": false, "": false, "Basic x": false,
	} {
		if control.IsToken(credential) != want {
			t.Errorf("%q: %t", credential, !want)
		}
	}
}

func wantSafe(t *testing.T, h control.Header) {
	t.Helper()
	for name, values := range h {
		if strings.ContainsAny(name, "\r\n\x00: ") || name == "" || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
			t.Errorf("field %q: %q", name, values)
		}
	}
}

// FuzzHeader checks that no header that is read could begin another field, and
// that it says the same when it is written and read again.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{`{"A":"b"}`, `{"a":["b",1],"A":"c"}`, `{"Set-Cookie":["a","b"]}`, `{"A":"b\r\nC: d"}`, `{"A\u0000":1}`, `{"Cookie":["a","b"]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var h, again control.Header
		if json.Unmarshal(text, &h) != nil {
			return
		}
		wantSafe(t, h)
		written, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%q is written %q: %v", text, written, err)
		}
		names := slices.Sorted(maps.Keys(again))
		for i, name := range slices.Sorted(maps.Keys(h)) {
			if i >= len(names) || names[i] != name {
				t.Errorf("%q: fields %q", text, names)
			}
		}
	})
}
