package webapp_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/examples/chromium"
)

// downloadSize is how many bytes the page fetches at once.
const downloadSize = 100 << 20

// message is what the flow sends.
const message = "pressed behind the relay"

// flow is what is drawn in Node-RED's editor: a button whose press becomes a
// message that the editor shows, and a note that does not fit a control
// channel.
const flow = `[
	{id: "button", type: "inject", z: RED.workspaces.active(), x: 120, y: 100, wires: [["shown"]],
	 props: [{p: "payload"}], payload: "` + message + `", payloadType: "str", repeat: "", crontab: "", once: false},
	{id: "shown", type: "debug", z: RED.workspaces.active(), x: 120, y: 200, wires: [],
	 active: true, tosidebar: true, complete: "payload", targetType: "msg"},
	{id: "note", type: "comment", z: RED.workspaces.active(), x: 120, y: 300, wires: [], name: "note", info: "large ".repeat(20000)},
]`

// TestNodeRED uses Node-RED's editor through the relay as a person does: draws
// a flow, deploys it, presses its button and sees the message arrive.
func TestNodeRED(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it needs npm and a browser")
	}
	t.Parallel()
	files, address := t.TempDir(), freeAddress(t)
	want := writeNoise(t, filepath.Join(files, "large.bin"), downloadSize)
	startNodeRED(t, address, files)
	tu := newTunnel(t, "app", "http://"+address)
	memory := newGauge(t, tu.broker, tu.listener)

	page := chromium.Start(t, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE app.localhost").Open(t, "about:blank")
	page.Record()
	page.Navigate("http://" + tu.host + "/")
	page.Await(`globalThis.RED?.workspaces?.active() && document.querySelectorAll(".red-ui-palette-node").length > 40`)
	page.Evaluate(`RED.nodes.import(` + flow + `); RED.nodes.dirty(true); RED.view.redraw(true)`)
	page.Evaluate(`document.querySelector("#red-ui-header-button-deploy").click()`)
	page.Await(`!RED.nodes.dirty()`)
	page.Evaluate(`document.querySelector("#button .red-ui-flow-node-button-button").dispatchEvent(new MouseEvent("click"))`)
	page.Await(`document.querySelector(".red-ui-debug-msg-payload")?.textContent.includes("` + message + `")`)
	page.Navigate("http://" + tu.host + "/")
	page.Await(`globalThis.RED?.nodes?.node("note")?.info.length === 120000 && document.querySelector("#button")`)
	began := time.Now()
	if got := page.Evaluate(download); got != want {
		t.Errorf("the SHA-256 of what was downloaded is %s, want %s", got, want)
	}
	t.Logf("%d MiB downloaded in %s", downloadSize>>20, time.Since(began).Round(time.Millisecond))
	memory.check()
	newTraffic(t, page, tu.host).check(t)
}

// download is the SHA-256 of the file, as the page gets it.
const download = `fetch("files/large.bin").then((answer) => answer.arrayBuffer())
	.then((content) => crypto.subtle.digest("SHA-256", content))
	.then((sum) => Array.from(new Uint8Array(sum), (b) => b.toString(16).padStart(2, "0")).join(""))`
