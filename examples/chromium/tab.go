package chromium

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A Tab is a page. Only one goroutine uses it. Whatever it cannot do fails the
// test.
type Tab struct {
	testing.TB
	conn    *websocket.Conn
	session string
	lastID  int

	Events []Event // what the browser has told of the traffic since Record
}

// An Event is what a browser tells unasked: of its many members those that tests
// look at.
type Event struct {
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

// Open opens a page. It returns when the page has begun to load.
func (b *Browser) Open(t testing.TB, url string) *Tab {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(b.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &Tab{TB: t, conn: conn}
	var target struct {
		TargetID string `json:"targetId"`
	}
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	c.Navigate(url)
	return c
}

// Record has the traffic of the pages that follow be told in Events.
func (c *Tab) Record() {
	c.Helper()
	c.call("Network.enable", map[string]any{"maxTotalBufferSize": 1 << 20}, &struct{}{})
	c.call("Runtime.enable", map[string]any{}, &struct{}{})
}

// Navigate opens another page, or the same one anew, and returns when it has begun.
func (c *Tab) Navigate(url string) {
	c.Helper()
	var result struct{ ErrorText string }
	c.call("Page.navigate", map[string]any{"url": url}, &result)
	if result.ErrorText != "" {
		c.Fatalf("%s: %s", url, result.ErrorText)
	}
}

// callTimeout bounds how long a call takes, such as a large download or the wait of
// Await.
const callTimeout = 3 * time.Minute

// call calls a method of the DevTools protocol and reads its result, and the events
// that come before it.
func (c *Tab) call(method string, params, result any) {
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
			Event
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(callTimeout))
		if err := c.conn.ReadJSON(&answer); err != nil {
			c.Fatal(err)
		}
		if answer.ID != c.lastID {
			c.Events = append(c.Events, answer.Event)
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

// Evaluate returns the value of an expression in the page, of a promise the
// value that it is fulfilled with.
func (c *Tab) Evaluate(expression string) string {
	c.Helper()
	var result struct {
		Result struct {
			Value json.RawMessage
		}
		ExceptionDetails json.RawMessage
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &result)
	if result.ExceptionDetails != nil {
		c.Fatalf("%s: %s", expression, result.ExceptionDetails)
	}
	return strings.Trim(string(result.Result.Value), `"`)
}

// Await waits until an expression is true in the page, for at most a minute.
func (c *Tab) Await(condition string) {
	c.Helper()
	got := c.Evaluate(fmt.Sprintf(`new Promise((resolve) => {
		const end = Date.now() + 60000;
		const look = () => { if (%s) resolve("yes"); else if (Date.now() > end) resolve(document.documentElement.outerHTML); else setTimeout(look, 20); };
		look();
	})`, condition))
	if got != "yes" {
		c.Fatalf("%s does not come true; the page is %s", condition, got)
	}
}
