package webapp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// nodeRED is the package that is installed.
const nodeRED = "node-red@4.1.1"

// startNodeRED runs Node-RED at an address, with a folder below /files/.
func startNodeRED(t testing.TB, address, files string) {
	t.Helper()
	dir := t.TempDir()
	settings := filepath.Join(dir, "settings.js")
	if err := os.WriteFile(settings, nodeREDSettings(t, address, files), 0o600); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(installNodeRED(t), "node_modules", "node-red", "red.js")
	start(t, "Started flows", exec.Command("node", main, "--userDir", dir, "--settings", settings))
}

// nodeREDSettings is a settings file that has Node-RED talk to nobody else.
func nodeREDSettings(t testing.TB, address, files string) []byte {
	t.Helper()
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	settings, err := json.Marshal(object{
		"uiHost":      host,
		"uiPort":      port,
		"flowFile":    "flows.json",
		"httpStatic":  []object{{"path": files, "root": "/files/"}},
		"telemetry":   object{"enabled": false, "updateNotification": false},
		"editorTheme": object{"tours": false, "palette": object{"catalogues": []string{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "module.exports = %s;\n", settings)
}

// installNodeRED returns the folder that Node-RED is installed in. Only a
// complete installation gets there.
func installNodeRED(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	cache = filepath.Join(cache, "jitney-test")
	installed := filepath.Join(cache, nodeRED)
	if _, err := os.Stat(installed); err == nil {
		return installed
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(cache, "installing-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	install := exec.Command("npm", "install", "--prefix", dir, "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", nodeRED)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: install node and npm, or run the tests with -short\n%s", install, err, out)
	}
	t.Logf("installed %s in %s", nodeRED, time.Since(began).Round(time.Second))
	if err := os.Rename(dir, installed); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return installed
}
