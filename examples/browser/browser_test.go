package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/e2e/build"
	"github.com/jitney-mq/jitney/examples/chromium"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// TestPage looks at the page with a browser: it shows what others send, sends,
// and goes on after the broker was killed. [S9] [S10]
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a browser")
	}
	t.Parallel()
	pageAddress := freeAddress(t)
	b := newProgram(t, "http://"+pageAddress)
	b.start()
	c, err := client.New(client.Options{URL: b.url, Retry: client.Retry{Scope: client.RetryUnknown, Tries: 50}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	b.ready(c)
	serving(t, pageAddress, b.url)

	page := chromium.Start(t).Open(t, "http://"+pageAddress)
	page.Await(`document.getElementById("state")?.textContent === "live"`)
	send(t, c, "hello from Go")
	page.Await(`document.querySelector("li")?.textContent.endsWith("hello from Go")`)
	send(t, c, "<b>not markup</b>")
	page.Await(`document.querySelector("li").textContent.endsWith("<b>not markup</b>") && !document.querySelector("li b")`)
	const say = `document.getElementById("text").value = %q; document.querySelector("button").click(); true`
	page.Evaluate(fmt.Sprintf(say, "hello from the page"))
	page.Await(`document.querySelector("li").textContent.endsWith("hello from the page")`)

	b.kill()
	page.Await(`document.getElementById("state").dataset.state === "waiting"`)
	page.Evaluate(fmt.Sprintf(say, "said while the broker was away"))
	b.start()
	b.ready(c)
	page.Await(`document.getElementById("state").textContent === "live"`)
	page.Await(`document.querySelector("li").textContent.endsWith("said while the broker was away")`)
	send(t, c, "welcome back")
	page.Await(`document.querySelector("li").textContent.endsWith("welcome back")`)
	if n := page.Evaluate(`String(document.querySelectorAll("li").length)`); n != "5" {
		t.Errorf("%s messages on the page, want 5", n)
	}
	t.Run("Module", func(t *testing.T) { testModule(t, page, c, b.url) })
}

// testModule tries what the page does not use of jitney.js.
func testModule(t *testing.T, page *chromium.Tab, c *client.Client, url string) {
	p := policy.NewQueue()
	p.MaxDeliveryCount = 2
	if _, err := c.PutPolicy(t.Context(), "/orders", p, ""); err != nil {
		t.Fatal(err)
	}
	in := func(script string) string {
		t.Helper()
		return page.Evaluate(fmt.Sprintf(`(async () => { const { connect, bytes } = await import("%s/-/jitney.js"); const url = "%s"; %s })()`, url, url, script))
	}
	if got := in(`const orders = connect(url + "/orders");
		const sent = await orders.send(["a", { body: { b: 1 } }, new Uint8Array([0, 255]), "bad", "own"]);
		const bad = await orders.send({ nonsense: 1 }).catch((e) => e.problem.status + " " + e.unknown);
		const got = [];
		let most = 0, now = 0;
		await new Promise((resolve) => {
			orders.receive(async (m) => {
				most = Math.max(most, ++now);
				await new Promise((r) => setTimeout(r, 10));
				now--;
				if (m.body === "own") {
					const again = await m.renew(90);
					got.push("renewed " + again.status, (await m.settle("defer")).status);
				} else {
					got.push(JSON.stringify([...bytes(m)]));
				}
				if (got.length === 7) resolve();
				if (m.body === "bad") throw new Error("cannot be done");
			}, { credit: 2 });
		});
		await orders.send("last").then(() => orders.close());
		return sent.map((s) => s.sequenceNumber).join() + " " + bad + " most " + most + " " + got.sort().join(" ") + " " + orders.state;`,
	); got != `1,2,3,4,5 400 false most 2 200 [0,255] [123,34,98,34,58,49,125] [97] [98,97,100] [98,97,100] renewed 200 closed` {
		t.Errorf("the module: %s", got)
	}
	if got := in(`const none = connect(url + "/orders"); none.receive(() => {}, {credit: 1});
		await none.send("x"); await none.close();
		return await none.send("y").catch((e) => e.message);`); got != "the connection is closed" {
		t.Errorf("a closed connection: %s", got)
	}
	if err := c.DeletePolicy(t.Context(), "/orders"); err != nil {
		t.Error(err)
	}
	if got := in(`const states = []; const n = connect(url + "/examples/board", { onstate: (s, d) => states.push(s + (d?.code ?? "")) });
		await n.send("z"); fetch(url + "/examples/board/$policy", { method: "DELETE" }); await n.closed; return states.join();`,
	); got != "connecting,open,closed4404" {
		t.Errorf("states %s", got)
	}
}

// TestOwnBroker looks at what the program prints, and serves.
func TestOwnBroker(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, w, "127.0.0.1:0", "") }()
	out := make([]byte, 1000)
	n, err := r.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^open http://127.0.0.1:\d+\nor send: curl -d 'hello' http://127.0.0.1:\d+/examples/board\n$`).Match(out[:n]) {
		t.Errorf("it prints %q", out[:n])
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func send(t *testing.T, c *client.Client, body string) {
	t.Helper()
	if _, err := c.Send(t.Context(), board, &message.Message{ContentType: "text/plain", Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
}

// serving runs the program with a broker that runs already.
func serving(t *testing.T, address, url string) {
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	r, w := io.Pipe()
	go func() { served <- run(ctx, w, address, url) }()
	if _, err := r.Read(make([]byte, 1)); err != nil { // it serves when it says so
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	t.Cleanup(func() {
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
		w.Close()
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A program is a broker in a process of its own.
type program struct {
	*testing.T
	path, dir, address, origin, url string
	process                         *exec.Cmd
}

func newProgram(t *testing.T, origin string) *program {
	t.Helper()
	programs := t.TempDir()
	p := &program{T: t, path: filepath.Join(programs, "jitney"), dir: t.TempDir(), address: freeAddress(t), origin: origin}
	p.url = "http://" + p.address
	if err := build.Programs(programs, build.Jitney); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func (p *program) start() {
	p.Helper()
	p.process = exec.Command(p.path, "serve", "--listen", p.address, "--insecure", "--dir", p.dir, "--origin", p.origin)
	p.process.Stderr = p.Output()
	if err := p.process.Start(); err != nil {
		p.Fatal(err)
	}
}

func (p *program) kill() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
}

// ready waits until the broker answers.
func (p *program) ready(c *client.Client) {
	p.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		_, err := c.Info(p.Context())
		if err == nil {
			return
		}
		if time.Now().After(end) || !strings.Contains(err.Error(), "no answer") {
			p.Fatal(err)
		}
	}
}
