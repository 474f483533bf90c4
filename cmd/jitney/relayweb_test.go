package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
)

// localServer is a web application with a socket, below /base.
func localServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/base/show/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s host=%s origin=%s prefix=%s for=%s body=%s", r.Method, r.RequestURI, r.Host,
			r.Header.Get("Origin"), r.Header.Get("X-Forwarded-Prefix"), r.Header.Get("X-Forwarded-For"), body)
	})
	mux.HandleFunc("/base/login", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Path=/base/; HttpOnly")
		w.Header().Add("Set-Cookie", "b=2")
		http.Redirect(w, r, "home?x=1#y", http.StatusSeeOther)
	})
	mux.HandleFunc("/base/talk", func(w http.ResponseWriter, r *http.Request) {
		u := websocket.Upgrader{Subprotocols: []string{"v2"}} // which compares origin and host
		conn, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "%s %s", r.RequestURI, r.Header.Get("Cookie")))
		kind, data, err := conn.ReadMessage()
		if err == nil {
			_ = conn.WriteMessage(kind, data)
		}
		_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "done"))
		_, _, _ = conn.ReadMessage()
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// dialHere dials this machine, whatever the name: not every system knows that those
// below localhost are it.
func dialHere(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

func relayedGet(t *testing.T, target string, header ...string) (*http.Response, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: dialHere}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// [L1]
func TestRelayListenToWeb(t *testing.T) {
	t.Parallel()
	broker, local := newRelayBroker(t), localServer(t)
	stdout, stderr := relayTo(t, broker, "/team/wi ki", local.URL+"/base/", nil)
	public := broker + "/team/wi%20ki"
	if stdout.String() != public+"/\n" || stderr.String() != "jitney: /team/wi ki is a connection point now\n" {
		t.Errorf("said %q and %q", stdout, stderr)
	}
	host, localHost := strings.TrimPrefix(broker, "http://"), strings.TrimPrefix(local.URL, "http://")
	_, body := relayedGet(t, broker+"/TEAM/wi%20ki/show/a%2Fb?q=%20&r", "Origin", broker)
	want := "GET /base/show/a%2Fb?q=%20&r host=" + localHost + " origin=" + local.URL + " prefix=/TEAM/wi%20ki for=127.0.0.1 body="
	if body != want {
		t.Errorf("\n%s\n%s", body, want)
	}
	response, _ := relayedGet(t, public+"/login")
	if location := response.Header.Get("Location"); location != "/team/wi%20ki/home?x=1#y" {
		t.Errorf("location %s", location)
	}
	if cookies := response.Header["Set-Cookie"]; len(cookies) != 2 || cookies[0] != "a=1; Path=/team/wi%20ki; HttpOnly" || cookies[1] != "b=2" {
		t.Errorf("cookies %q", cookies)
	}

	conn, err := dialRelay(t, broker, "/team/wi ki/talk?x=1", http.Header{"Origin": {broker}, "Cookie": {"c=3"}}, "v1", "v2")
	if err != nil {
		t.Fatal(err)
	}
	if _, data, err := conn.ReadMessage(); err != nil || string(data) != "/base/talk?x=1 c=3" || conn.Subprotocol() != "v2" {
		t.Errorf("%q, %v, %q", data, err, conn.Subprotocol())
	}
	_ = conn.WriteMessage(websocket.BinaryMessage, []byte("\xff"))
	if kind, data, err := conn.ReadMessage(); err != nil || kind != websocket.BinaryMessage || string(data) != "\xff" {
		t.Errorf("%d %q, %v", kind, data, err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4001) {
		t.Errorf("closed with %v", err)
	}
	if _, err := dialRelay(t, broker, "/team/wi ki/none", nil); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("no socket there: %v", err)
	}

	_, _ = relayTo(t, broker, "/kept", local.URL, func(l *relayListen) { l.keepHost = true })
	if _, body := relayedGet(t, broker+"/kept/base/show/", "Origin", broker); !strings.Contains(body, "host="+host+" origin="+broker+" ") {
		t.Errorf("with --host: %s", body)
	}
	local.Close()
	if response, body := relayedGet(t, public+"/show/"); response.StatusCode != http.StatusBadGateway ||
		!strings.Contains(body, "the server behind the relay, "+localHost+", does not answer: ") {
		t.Errorf("a server that is down: %s %s", response.Status, body)
	}
	if _, err := dialRelay(t, broker, "/team/wi ki/talk", nil); !errors.Is(err, client.ErrBusy) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a server that is down: %v", err)
	}
}

func TestPublicLocations(t *testing.T) {
	t.Parallel()
	rows := []struct{ to, prefix, location, want string }{
		{"http://local:1", "/wiki", "/x", "/wiki/x"},
		{"http://local:1", "/wiki", "http://local:1/x?q#f", "/wiki/x?q#f"},
		{"http://local:1", "/wiki", "https://LOCAL:1", "/wiki/"},
		{"http://local:1", "/wiki", "http://public/x", "/wiki/x"},
		{"http://local:1", "/wiki", "//local:1/x", "/wiki/x"},
		{"http://local:1", "/wiki", "b", "/wiki/a/b"},
		{"http://local:1", "/wiki", "../b", "/wiki/b"},
		{"http://local:1", "/wiki", "?q=%2F", "/wiki/a/here?q=%2F"},
		{"http://local:1", "/wiki", "/a%2Fb", "/wiki/a%2Fb"},
		{"http://local:1", "/wiki", "/wiki/x", "/wiki/x"},
		{"http://local:1", "/wiki", "/wikis", "/wiki/wikis"},
		{"http://local:1", "", "/x", "/x"},
		{"http://local:1", "", "http://local:1/x", "/x"},
		{"http://local:1/base/", "/wiki", "/base", "/wiki/"},
		{"http://local:1/base/", "/wiki", "/base/x", "/wiki/x"},
		{"http://local:1/base/", "/wiki", "/bases", "/bases"},
		{"http://local:1/base", "", "http://local:1/base/x", "/x"},
		{"http://local:1", "/wiki", "http://other/x", "http://other/x"},
		{"http://local:1", "/wiki", "mailto:a@local", "mailto:a@local"},
		{"http://local:1", "/wiki", "http://[", "http://["},
	}
	for _, row := range rows {
		to, err := url.Parse(row.to)
		if err != nil {
			t.Fatal(err)
		}
		w := newWebServer(to, "/wiki", false)
		asked := httptest.NewRequest(http.MethodGet, "http://local:1/a/here", nil)
		asked.Header.Set("X-Forwarded-Host", "public")
		if got := w.publicLocation(row.location, asked, row.prefix); got != row.want {
			t.Errorf("%s behind %s with prefix %q became %s, want %s", row.location, row.to, row.prefix, got, row.want)
		}
	}
}

func TestPublicCookies(t *testing.T) {
	t.Parallel()
	rows := []struct{ to, prefix, cookie, want string }{
		{"http://local", "/wiki", "a=1; Path=/; Secure", "a=1; Path=/wiki; Secure"},
		{"http://local", "/wiki", "a=1;path=/x/", "a=1; Path=/wiki/x"},
		{"http://local", "/wiki", "a=Path=/; HttpOnly", "a=Path=/; HttpOnly"},
		{"http://local", "/wiki", "a=1; Path=/wiki/x", "a=1; Path=/wiki/x"},
		{"http://local", "/wiki", "__Host-a=1; Path=/; Secure", "__Host-a=1; Path=/; Secure"},
		{"http://local", "", "a=1; Path=/x/", "a=1; Path=/x/"},
		{"http://local/base", "", "a=1; Path=/base", "a=1; Path=/"},
		{"http://local/base", "/wiki", "a=1; Path=/base/x", "a=1; Path=/wiki/x"},
		{"http://local/base", "/wiki", "a=1; Path=/other", "a=1; Path=/other"},
	}
	for _, row := range rows {
		to, err := url.Parse(row.to)
		if err != nil {
			t.Fatal(err)
		}
		if got := newWebServer(to, "/wiki", false).publicCookie(row.cookie, row.prefix); got != row.want {
			t.Errorf("%s became %s, want %s", row.cookie, got, row.want)
		}
	}
}

// Only the origin of the connection point's own pages becomes the server's: a
// foreign one is for the server to refuse.
func TestRelayedOrigins(t *testing.T) {
	t.Parallel()
	to := &url.URL{Scheme: "https", Host: "local:1"}
	for origin, want := range map[string]string{
		"http://public": "https://local:1", "https://PUBLIC": "https://local:1", "http://public:1": "http://public:1",
		"http://evil.example": "http://evil.example", "null": "null", "": "", "http://[": "http://[",
	} {
		in := httptest.NewRequest(http.MethodGet, "http://public/wiki", nil)
		in.Header.Set("Origin", origin)
		if got := newWebServer(to, "/wiki", false).header(in).Get("Origin"); got != want {
			t.Errorf("%q became %q, want %q", origin, got, want)
		}
		if got := newWebServer(to, "/wiki", true).header(in).Get("Origin"); got != origin {
			t.Errorf("with --host %q became %q", origin, got)
		}
	}
}

func TestRelayTargets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/team/wiki":          "/base",
		"/team/wiki/":         "/base/",
		"/team/wiki/x/?q=%20": "/base/x/?q=%20",
		"/team/wiki//x":       "/base//x",
		"/team/wiki/a%2Fb":    "/base/a%2Fb",
		"/team/wiki/..":       "/base/..",
	} {
		u, err := url.ParseRequestURI(in)
		if err != nil {
			t.Fatal(err)
		}
		w := newWebServer(&url.URL{Scheme: "http", Host: "local", Path: "/base/"}, "team/wiki/", false)
		if got := w.target(u).RequestURI(); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestRelayUsage(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, args := range []string{
		"listen /x", "listen --to http://h:1", "listen /x --to ftp://h", "listen /x --to tcp://h", "listen /x --to tcp://h:1/x",
		"listen /x --to h:1", "listen /x --to http://h:0", "listen /x --to tcp://h:65536", "listen /x --to http://h:1?q", "listen /x --to http://h:1 --key k", "listen /x --to http://h:1 --key-name n",
		"listen /x --to http://h:1 --token t --key-name n --key k", "listen /x --to http://h:1 --key-name n --key k --key-file f",
		"listen /x --to http://h:1 --key-name n --key-file /does/not/exist", "connect", "connect /x --key k", "fly",
	} {
		e := program(nil)
		code := e.run(append([]string{"relay"}, strings.Fields(args)...))
		if said := fmt.Sprint(e.stderr); code != exitUsage || !strings.HasPrefix(said, "jitney: ") {
			t.Errorf("%s: exit code %d, said %q", args, code, said)
		}
	}
}

// A response whose header the broker would not take fails, and nothing else does; a
// response that comes slowly comes as it does.
func TestRelayListenSurvives(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Header().Set("X-Large", strings.Repeat("<", 300_000))
			return
		}
		w.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(w, "a")
		_ = http.NewResponseController(w).Flush()
		<-slow
		_, _ = io.WriteString(w, "b")
	}))
	defer local.Close()
	broker := newRelayBroker(t)
	relayTo(t, broker, "/web", local.URL, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, broker+"/web/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Body.Close()
	if response, body := relayedGet(t, broker+"/web/large"); response.StatusCode != http.StatusBadGateway {
		t.Errorf("%s %.100q", response.Status, body)
	}
	close(slow)
	if body, err := io.ReadAll(waiting.Body); err != nil || string(body) != "ab" {
		t.Errorf("the other response is %q, %v", body, err)
	}
}

// A listener that was one comes back when its name has lost its role meanwhile.
func TestRelayListenComesBack(t *testing.T) {
	t.Parallel()
	broker := newRelayBroker(t)
	stdout, stderr := relayTo(t, broker, "/web", t.TempDir(), nil)
	c, err := client.New(client.Options{URL: broker})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DeletePolicy(t.Context(), "/web"); err != nil {
		t.Fatal(err)
	}
	stderr.await(t, "listening again")
	if response, _ := relayedGet(t, broker+"/web/"); response.StatusCode != 200 || strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("%s, said %q", response.Status, stdout)
	}
}

// A listener that is interrupted says so on every socket, at both ends.
func TestRelayListenSaysGoodbye(t *testing.T) {
	t.Parallel()
	broker := newRelayBroker(t)
	atServer, atSender := make(chan error, 1), make(chan error, 1)
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := new(websocket.Upgrader).Upgrade(w, r, nil); err == nil {
			atServer <- closeOf(conn)
		}
	}))
	defer local.Close()
	t.Run("listening", func(listening *testing.T) {
		relayTo(listening, broker, "/web", local.URL, nil)
		conn, err := dialRelay(t, broker, "/web", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { atSender <- closeOf(conn) }()
	})
	for name, end := range map[string]chan error{"server": atServer, "sender": atSender} {
		if err := <-end; !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			t.Errorf("the %s was told %v", name, err)
		}
	}
}

// closeOf reads a socket to its end and closes it.
func closeOf(conn *websocket.Conn) error {
	defer conn.Close()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return err
		}
	}
}

// [L5] Where pages run their scripts is said too, and is there.
func TestRelayListenTellsThePlace(t *testing.T) {
	t.Parallel()
	broker, relay := newRelayBrokers(t, true)
	local := localServer(t)
	stdout, _ := relayTo(t, broker, "/team/wiki", local.URL+"/base", nil)
	place := strings.Replace(relay, "127.0.0.1", "wiki.team.localhost", 1) + "/"
	if want := broker + "/team/wiki/\n" + place + "\n"; stdout.String() != want {
		t.Errorf("said %q, want %q", stdout, want)
	}
	response, body := relayedGet(t, place+"show/x")
	if response.StatusCode != 200 || response.Header.Get("Content-Security-Policy") != "" || !strings.HasPrefix(body, "GET /base/show/x ") {
		t.Errorf("%s %v %s", response.Status, response.Header, body)
	}
}

// [L5]
func TestRelayPlace(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ broker, name, want string }{
		{"127.0.0.1", "/wiki", "http://wiki.localhost:5301/"},
		{"::1", "Team/Wiki/", "http://wiki.team.localhost:5301/"},
		{"localhost", "/a b", "http://localhost:5301/a%20b/"},
		{"::1", "/x_y", "http://[::1]:5301/x_y/"},
		{"bus.example", "/wiki", "http://bus.example:5301/wiki/"},
		{"10.0.0.1", "/wiki", "http://10.0.0.1:5301/wiki/"},
	} {
		if got := relayPlace(row.broker, row.name, 5301); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.broker, row.name, got, row.want)
		}
	}
}

// A broker that is stopped waits for what a listener is at.
func TestRelayListenFinishesWhatItHas(t *testing.T) {
	t.Parallel()
	asked, answered := make(chan string), make(chan string, 1)
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		broker := <-asked
		for stopping := false; !stopping; {
			conn, err := net.Dial("tcp", broker)
			if stopping = err != nil; !stopping {
				_ = conn.Close()
			}
		}
		w.Header().Set("Content-Length", "4")
		_, _ = io.WriteString(w, "done")
	}))
	defer local.Close()
	t.Run("serving", func(serving *testing.T) {
		broker := newRelayBroker(serving)
		relayTo(t, broker, "/web", local.URL, nil)
		go func() {
			response, body := relayedGet(t, broker+"/web/")
			answered <- response.Status + " " + body
		}()
		asked <- strings.TrimPrefix(broker, "http://")
	})
	if got := <-answered; got != "200 OK done" {
		t.Errorf("got %q", got)
	}
}
