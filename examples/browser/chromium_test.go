package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A tab is a page in a Chromium without a screen, driven over the DevTools
// protocol: JSON over a WebSocket, for which the module that the project needs
// anyway is enough.
type tab struct {
	testing.TB
	conn    *websocket.Conn
	session string
	lastID  int
}

// openTab starts a browser and opens a page. It fails where there is none.
func openTab(t testing.TB, url string) *tab {
	t.Helper()
	c := &tab{TB: t}
	conn, _, err := websocket.DefaultDialer.Dial(startChromium(t), nil)
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
	c.call("Page.navigate", map[string]any{"url": url}, &struct{}{}) // it returns when the page has begun
	return c
}

// startChromium returns where its DevTools listen.
func startChromium(t testing.TB) string {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Fatal("no Chromium on the path: apt-get install chromium, or run the tests with -short")
	}
	browser := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "about:blank")
	stderr, err := browser.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
				found <- url
			}
		}
	})
	t.Cleanup(func() {
		_ = browser.Process.Kill()
		reading.Wait()
		_ = browser.Wait()
	})
	select {
	case url := <-found:
		return url
	case <-time.After(30 * time.Second):
		t.Fatal("Chromium does not say where it listens")
		return ""
	}
}

// call calls a method of the DevTools protocol and reads its result.
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
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(time.Minute))
		if err := c.conn.ReadJSON(&answer); err != nil {
			c.Fatal(err)
		}
		if answer.ID != c.lastID {
			continue // an event
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
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &result)
	if result.ExceptionDetails != nil {
		c.Fatalf("%s: %s", expression, result.ExceptionDetails)
	}
	return strings.Trim(string(result.Result.Value), `"`)
}

// await waits until an expression is true in the page.
func (c *tab) await(condition string) {
	c.Helper()
	got := c.evaluate(fmt.Sprintf(`new Promise((resolve) => {
		const end = Date.now() + 20000;
		const look = () => { if (%s) resolve("yes"); else if (Date.now() > end) resolve(document.documentElement.outerHTML); else setTimeout(look, 20); };
		look();
	})`, condition))
	if got != "yes" {
		c.Fatalf("%s does not come true; the page is %s", condition, got)
	}
}
