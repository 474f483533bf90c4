package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// exchangeTimeout bounds a request and its reply.
const exchangeTimeout = 90 * time.Second

// request is one that is written byte by byte: names that no client would
// send are part of what is tested.
type request struct {
	method, target string
	headers        []string // lines
	body           string
	verbose        bool
}

func runHTTP(ts *testscript.TestScript, args []string) {
	r, err := parseRequest(ts, args)
	ts.Check(err)
	broker := stageOf(ts).broker
	reply, body, err := r.do(broker.address)
	if err != nil {
		ts.Fatalf("%v\n%s", err, broker.log)
	}
	show(ts, r.shown(reply, body))
}

func parseRequest(ts *testscript.TestScript, args []string) (request, error) {
	want(ts, len(args) >= 2, "http METHOD path [header…] [-d body | -f FILE] [-v]")
	r := request{method: args[0], target: strings.TrimPrefix(args[1], stageOf(ts).broker.url())}
	for i := 2; i < len(args); i++ {
		switch {
		case args[i] == "-v":
			r.verbose = true
		case args[i] == "-d" && i+1 < len(args):
			i++
			r.body = args[i]
		case args[i] == "-f" && i+1 < len(args):
			i++
			r.body = ts.ReadFile(args[i])
		case strings.Contains(args[i], ":"):
			r.headers = append(r.headers, args[i])
		default:
			return r, fmt.Errorf("http: %q is no header", args[i])
		}
	}
	return r, nil
}

// do makes the request on a connection of its own.
func (r request) do(address string) (*http.Response, []byte, error) {
	conn, err := net.DialTimeout("tcp", address, exchangeTimeout)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		return nil, nil, err
	}
	if _, err := conn.Write(r.bytes(address)); err != nil {
		return nil, nil, err
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return nil, nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	return reply, body, err
}

func (r request) bytes(address string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nConnection: close\r\n", r.method, r.target)
	for _, standard := range []string{"Host: " + address, "X-Request-Id: script", fmt.Sprintf("Content-Length: %d", len(r.body))} {
		name, _, _ := strings.Cut(standard, ":")
		if !slices.ContainsFunc(r.headers, func(h string) bool { return strings.HasPrefix(h, name+":") }) {
			b.WriteString(standard + "\r\n")
		}
	}
	for _, h := range r.headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n" + r.body)
	return b.Bytes()
}

// quiet are the headers that are not shown without -v.
var quiet = []string{
	"Connection", "Content-Length", "Content-Security-Policy", "Date", "Transfer-Encoding", "Vary",
	"X-Content-Type-Options", "X-Request-Id",
}

func (r request) shown(reply *http.Response, body []byte) string {
	var b strings.Builder
	fmt.Fprintln(&b, reply.StatusCode)
	var names []string
	for name := range reply.Header {
		if name != "Date" && (r.verbose || !slices.Contains(quiet, name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range reply.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if text := indented(reply.Header.Get("Content-Type"), body); text != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSuffix(text, "\n"))
	}
	return b.String()
}

// indented returns a body as it can be read, JSON and XML on several lines.
func indented(contentType string, body []byte) string {
	var b bytes.Buffer
	switch {
	case strings.Contains(contentType, "ndjson"):
	case strings.Contains(contentType, "json"):
		if json.Indent(&b, body, "", "  ") == nil {
			return b.String()
		}
	case strings.Contains(contentType, "xml"):
		if indentXML(&b, body) == nil {
			return b.String()
		}
	}
	return string(body)
}

// indentXML puts each element that has no text on a line of its own.
func indentXML(b *bytes.Buffer, document []byte) error {
	d := xml.NewDecoder(bytes.NewReader(document))
	depth, open, at := 0, false, int64(0)
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		raw := document[at:d.InputOffset()]
		at = d.InputOffset()
		_, ends := token.(xml.EndElement)
		if ends {
			depth--
		}
		if _, text := token.(xml.CharData); text {
			b.Write(raw)
			continue
		}
		if len(raw) == 0 { // the end of <element/>
			open = false
			continue
		}
		if b.Len() > 0 && (!ends || !open) {
			b.WriteString("\n" + strings.Repeat("  ", depth))
		}
		b.Write(raw)
		_, open = token.(xml.StartElement)
		if open {
			depth++
		}
	}
}
