package webapp_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// startChromium starts a browser without a screen that knows no host but one,
// and returns where its DevTools listen. It fails where there is none.
func startChromium(t testing.TB, host string) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium on the path: apt-get install chromium, or run the tests with -short")
	}
	browser := start(t, "DevTools listening on ", exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE "+host, "--window-size=1280,800",
		"--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "about:blank"))
	_, said, _ := strings.Cut(browser.output.String(), "DevTools listening on ")
	url, _, _ := strings.Cut(said, "\n")
	return url
}

// callTimeout bounds what a page takes for what it is asked, such as a large
// download.
const callTimeout = 3 * time.Minute

// A tab is a page, driven over the DevTools protocol: JSON over a WebSocket.
// It keeps what the browser tells of its traffic.
type tab struct {
	testing.TB
	conn    *websocket.Conn
	session string
	lastID  int
	events  []event
}

// event is what a browser tells unasked: of its many members those that are
// looked at.
type event struct {
	Method string
	Params struct {
		URL      string // of a WebSocket
		Type     string // of what is asked for: XHR, Script…
		Request  struct{ URL string }
		Response struct {
			URL         string
			Status      int
			PayloadData string // of a WebSocket's frame
		}
		ErrorText        string
		Canceled         bool // by the browser itself
		ExceptionDetails json.RawMessage
	}
}

// openTab starts a browser that knows no host but one.
func openTab(t testing.TB, host string) *tab {
	t.Helper()
	c := &tab{TB: t}
	conn, _, err := websocket.DefaultDialer.Dial(startChromium(t, host), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c.conn = conn
	var target struct {
		TargetID string `json:"targetId"`
	}
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	c.call("Network.enable", map[string]any{"maxTotalBufferSize": 1 << 20}, &struct{}{})
	c.call("Runtime.enable", map[string]any{}, &struct{}{})
	return c
}

// open opens a page, anew if it is open, and returns when it has begun.
func (c *tab) open(url string) {
	c.Helper()
	var result struct{ ErrorText string }
	c.call("Page.navigate", map[string]any{"url": url}, &result)
	if result.ErrorText != "" {
		c.Fatalf("%s: %s", url, result.ErrorText)
	}
}

// call calls a method of the DevTools protocol and reads its result, and the
// events that come before it.
func (c *tab) call(method string, params, result any) {
	c.Helper()
	c.lastID++
	request := map[string]any{"id": c.lastID, "method": method, "params": params}
	if c.session != "" {
		request["sessionId"] = c.session
	}
	if err := c.conn.WriteJSON(request); err != nil {
		c.Fatal(err)
	}
	for {
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
			event
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(callTimeout))
		if err := c.conn.ReadJSON(&answer); err != nil {
			c.Fatalf("%s: %v", method, err)
		}
		if answer.ID != c.lastID {
			c.events = append(c.events, answer.event)
			continue
		}
		if answer.Error != nil {
			c.Fatalf("%s: %s", method, answer.Error)
		}
		if err := json.Unmarshal(answer.Result, result); err != nil {
			c.Fatal(err)
		}
		return
	}
}

// evaluate returns the value of an expression in the page, of a promise the
// value that it is fulfilled with.
func (c *tab) evaluate(expression string) string {
	c.Helper()
	var result struct {
		Result struct {
			Value json.RawMessage
		}
		ExceptionDetails json.RawMessage
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &result)
	if result.ExceptionDetails != nil {
		c.Fatalf("%s: %s", expression, result.ExceptionDetails)
	}
	return strings.Trim(string(result.Result.Value), `"`)
}

// await waits until an expression is true in the page.
func (c *tab) await(condition string) {
	c.Helper()
	got := c.evaluate(fmt.Sprintf(`new Promise((resolve) => {
		const end = Date.now() + 60000;
		const look = () => { if (%s) resolve("yes"); else if (Date.now() > end) resolve(document.documentElement.innerText); else setTimeout(look, 20); };
		look();
	})`, condition))
	if got != "yes" {
		c.Fatalf("%s does not come true; the page shows %s", condition, got)
	}
}
