package control_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/relay/control"
)

func yes() *bool { b := true; return &b }

// [L1] The messages as they are written, to the letter.
func TestMessagesWritten(t *testing.T) {
	for want, m := range map[string]control.Message{
		`{"accept":{"address":"ws://h/$hc/a","id":"1","connectHeaders":{"Host":"h"}}}`: {
			Accept: &control.AcceptMessage{Address: "ws://h/$hc/a", ID: "1", Headers: control.Header{"Host": {"h"}}}},
		`{"request":{"address":"ws://h/$hc/a","id":"1"}}`: {
			Request: &control.RequestMessage{Address: "ws://h/$hc/a", ID: "1"}},
		`{"request":{"address":"a","id":"1","requestTarget":"/a?b","method":"GET","requestHeaders":{"A":"b"},"body":true}}`: {
			Request: &control.RequestMessage{Address: "a", ID: "1", Target: "/a?b", Method: "GET", Headers: control.Header{"A": {"b"}}, Body: yes()}},
		`{"response":{"requestId":"1","statusCode":200,"statusDescription":"OK","responseHeaders":{"A":"b"},"body":false}}`: {
			Response: &control.ResponseMessage{RequestID: "1", StatusCode: 200, Description: "OK", Headers: control.Header{"A": {"b"}}}},
		`{"renewToken":{"token":"x"}}`: {RenewToken: &control.RenewToken{Token: "x"}},
	} {
		text, err := json.Marshal(m)
		if err != nil || string(text) != want {
			t.Errorf("%s, %v,\n want %s", text, err, want)
		}
		again, err := control.Parse(text)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%s is read as %+v, %v", text, again, err)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]*control.ResponseMessage{
		`{"response":{"requestId":"1","statusCode":"404"}}`:                                      {RequestID: "1", StatusCode: 404},
		`{"response":{"requestId":"1","statusCode":404,"responseHeaders":null,"body":null}}`:     {RequestID: "1", StatusCode: 404, Headers: control.Header{}},
		`{"response":{"requestId":"1","statusCode":200,"later":[{"a":1}]},"more":7}`:             {RequestID: "1", StatusCode: 200},
		`{"response":{"requestId":"1","statusCode":999,"responseHeaders":{"a":["b",7],"A":[]}}}`: {RequestID: "1", StatusCode: 999, Headers: control.Header{"A": {"b", "7"}}},
		"\n{ \"response\" : null }": nil,
		`{}`:                        nil,
		`null`:                      nil,
		`{"other":{"x":"` + strings.Repeat("x", control.MaxMessage-18) + `"}}`: nil,
	} {
		m, err := control.Parse([]byte(text))
		if err != nil || !reflect.DeepEqual(m.Response, want) || m.Accept != nil || m.Request != nil || m.RenewToken != nil {
			t.Errorf("%.100s: %+v, %v", text, m.Response, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const begin = `{"response":{"requestId":"1","statusCode":`
	for _, text := range []string{
		"", " ", "{", "[]", "7", `"x"`, "{}{}", `{"response":[]}`, `{"response":{"requestId":1}}`, "\xef\xbb\xbf{}", "\x00", "\xff",
		begin + `199}}`, begin + `1000}}`, begin + `-200}}`, begin + `2e2}}`, begin + `200.0}}`, begin + `""}}`, begin + `"200 OK"}}`, begin + `true}}`,
		begin + `[200]}}`, begin + `99999999999999999999}}`, begin + `100}}`, begin + `"101"}}`,
		begin + `200,"body":1}}`, begin + `200,"responseHeaders":[]}}`, begin + `200,"responseHeaders":"A: b"}}`,
		`{"renewToken":"x"}`, `{"renewToken":{"token":1}}`,
		strings.Repeat(`{"response":`, 20_000), strings.Repeat("[", control.MaxMessage),
		`{"x":"` + strings.Repeat("x", control.MaxMessage-7) + `"}`,
	} {
		if m, err := control.Parse([]byte(text)); !errors.Is(err, control.ErrMessage) {
			t.Errorf("%.100s: %+v, %v", text, m.Response, err)
		}
	}
}

func TestRequestMessage(t *testing.T) {
	no := false
	for text, want := range map[string][2]bool{
		`{"address":"a","id":"1"}`:                              {true, false},
		`{"address":"a","id":"1","method":"GET"}`:               {false, false},
		`{"address":"a","id":"1","method":"GET","body":false}`:  {false, false},
		`{"address":"a","id":"1","method":"POST","body":true}`:  {false, true},
		`{"address":"a","id":"1","method":"POST","body":null}`:  {false, false},
		`{"requestHeaders":{"Set-Cookie":["a","b"]},"id":"1"}`:  {true, false},
		`{"address":"a","method":"M","requestHeaders":{"N":5}}`: {false, false},
	} {
		m, err := control.Parse([]byte(`{"request":` + text + `}`))
		if err != nil || m.Request.IsAnnouncement() != want[0] || m.Request.HasBody() != want[1] {
			t.Errorf("%s: %+v, %v", text, m.Request, err)
		}
	}
	if (&control.RequestMessage{Body: &no}).HasBody() {
		t.Error("no body is one")
	}
}

// FuzzParse checks that what is read can be written and read again, and that
// nothing in it could begin another field of a header.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"response":{"requestId":"1","statusCode":"200","responseHeaders":{"A":["b",1.5e3],"Set-Cookie":["a","b"]},"body":true}}`,
		`{"accept":{"address":"a","id":"b","connectHeaders":{"a":"b"}}}`, `{"request":{"method":"GET","body":null}}`,
		`{"renewToken":{"token":"SharedAccessSignature sr=a&sig=b&se=1&skn=c"}}`,
		`{"response":{"responseHeaders":{"A":"\r\nB: c"}}}`, `{"RESPONSE":{"STATUSCODE":300}}`, "\ufeff{}", `{"response":{"responseHeaders":{"\u0000":""}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := control.Parse(text)
		if err != nil {
			return
		}
		if r := m.Response; r != nil {
			wantSafe(t, r.Headers)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if m.Response != nil && m.Response.StatusCode == 0 {
			return // none was given
		}
		if _, err := control.Parse(again); err != nil && len(again) <= control.MaxMessage {
			t.Errorf("%q was read, and is written %q: %v", text, again, err)
		}
	})
}
