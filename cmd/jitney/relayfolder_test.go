package main

import (
	"os"
	"path/filepath"
	"strings"
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
	if response, body := relayedGet(t, broker+"/team/site/link"); response.StatusCode == 200 || strings.Contains(body, "not for you") {
		t.Errorf("a link out of the folder answers %d %q", response.StatusCode, body)
	}
}
