// Package chromium drives a Chromium without a screen, so that tests can look at
// the pages of examples as a person would. It speaks the DevTools protocol: JSON
// over a WebSocket.
package chromium

import (
	"bufio"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Browser runs until the end of its test.
type Browser struct {
	url string // where its DevTools listen
}

// programs are the names by which a Chromium is looked for on the path.
var programs = [...]string{"chromium", "chromium-browser", "google-chrome", "chrome"}

// startTimeout bounds how long a Chromium takes until it says where it listens.
const startTimeout = 30 * time.Second

// Start starts a browser, with more flags if there are any. The test fails where
// there is none; one that is to be short skips itself before.
func Start(t testing.TB, flags ...string) *Browser {
	t.Helper()
	flags = append(flags, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--window-size=1280,800", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "about:blank")
	browser := exec.Command(find(t), flags...)
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
		return &Browser{url}
	case <-time.After(startTimeout):
		t.Fatal("Chromium does not say where it listens")
		return nil
	}
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium on the path: apt-get install chromium, or run the tests with -short")
	return ""
}
