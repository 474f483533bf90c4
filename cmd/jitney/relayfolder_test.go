//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A folder is read through the relay, and nothing that is not in it, whatever links
// there are.
func TestRelayListenToFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "not for you")
	write("site/a b.txt", "spaces")
	write("site/sub/x", "deep")
	if err := os.Symlink("../secret", filepath.Join(dir, "site", "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "site", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	broker := newRelayBroker(t)
	relayTo(t, broker, "/team/site", filepath.Join(dir, "site"), nil)
	for path, want := range map[string]string{
		"/team/site/a%20b.txt":     "spaces",
		"/TEAM/SITE/sub/x":         "deep",
		"/team/site/sub/":          ">x<",
		"/team/site/":              "a b.txt",
		"/team/site/../secret":     "404",
		"/team/site/%2e%2e/secret": "404",
		"/team/site/nothing":       "404",
	} {
		if _, body := relayedGet(t, broker+path); !strings.Contains(body, want) {
			t.Errorf("%s: got %q, want %q", path, body, want)
		}
	}
	if response, _ := relayedGet(t, broker+"/team/site/sub?q=1"); response.Header.Get("Location") != "sub/?q=1" {
		t.Errorf("a folder without a slash is at %q", response.Header.Get("Location"))
	}
	for _, hidden := range []string{"link", "pipe"} {
		if response, body := relayedGet(t, broker+"/team/site/"+hidden); response.StatusCode != 404 {
			t.Errorf("%s answers %d %q", hidden, response.StatusCode, body)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete} {
		r, err := http.NewRequestWithContext(t.Context(), method, broker+"/team/site/sub/x", strings.NewReader("new"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = response.Body.Close(); response.StatusCode != 405 {
			t.Errorf("%s: %s", method, response.Status)
		}
	}
}
