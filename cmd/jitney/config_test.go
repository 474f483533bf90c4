package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/jitney-mq/jitney/message"
)

// program returns an env with the given environment, whose output is kept. The
// settings file of whoever runs the test does not count.
func program(variables map[string]string) *env {
	if variables["JITNEY_CONFIG"] == "" {
		variables = maps.Clone(variables)
		if variables == nil {
			variables = map[string]string{}
		}
		variables["JITNEY_CONFIG"] = os.DevNull
	}
	return &env{
		stdin:  strings.NewReader(""),
		stdout: &bytes.Buffer{},
		stderr: &bytes.Buffer{},
		lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
	}
}

// filled runs a command line up to where its command would begin.
func filled(e *env, args ...string) (*cobra.Command, error) {
	root := newRootCommand(e)
	cmd, rest, err := root.Find(args)
	if err != nil {
		return nil, err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return nil, err
	}
	return cmd, e.fillFlags(cmd)
}

func TestPrecedenceOfSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.toml")
	text := "url = \"http://file\"\ntimeout = \"1s\"\ncount = 5\n[receive]\ntimeout = \"2s\"\nfollow = false\n[work]\ntimeout = \"3s\"\nparallel = 7\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"JITNEY_CONFIG": path, "JITNEY_URL": "http://env", "JITNEY_LOCK_DURATION": "PT5S"}
	rows := []struct {
		args []string
		want map[string]string
	}{
		{[]string{"receive", "/q"}, map[string]string{"url": "http://env", "timeout": "2s", "count": "5", "lock-duration": "5s", "mode": "peek-lock"}},
		{[]string{"receive", "/q", "--url", "http://flag", "--timeout", "4", "-n", "1"}, map[string]string{"url": "http://flag", "timeout": "4s", "count": "1"}},
		{[]string{"work", "/q", "--", "true"}, map[string]string{"timeout": "3s", "parallel": "7", "lock-duration": "5s"}},
		{[]string{"peek", "/q"}, map[string]string{"count": "5"}},
	}
	for _, row := range rows {
		cmd, err := filled(program(variables), row.args...)
		if err != nil {
			t.Errorf("%v: %v", row.args, err)
			continue
		}
		for flag, want := range row.want {
			if got := cmd.Flag(flag).Value.String(); got != want {
				t.Errorf("%v: --%s is %s, want %s", row.args, flag, got, want)
			}
		}
	}
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rows := []struct{ variable, value, want string }{
		{"JITNEY_TIMEOUT", "soon", "JITNEY_TIMEOUT: "},
		{"JITNEY_COUNT", "x", "JITNEY_COUNT: "},
		{"JITNEY_OUTPUT", "xml", "want one of table, json, jsonl"},
		{"JITNEY_CONFIG", filepath.Join(folder, "none"), "no such file"},
		{"JITNEY_CONFIG", file("syntax", "url = "), "syntax"},
		{"JITNEY_CONFIG", file("unknown", "colour = true"), "colour: no command has a setting of this name"},
		{"JITNEY_CONFIG", file("table", "[receive]\nparallel = 1"), "[receive] parallel"},
		{"JITNEY_CONFIG", file("command", "[fly]\ncount = 1"), "[fly] count"},
		{"JITNEY_CONFIG", file("type", "url = 2026-01-01"), "want a string, a number, a boolean"},
		{"JITNEY_CONFIG", file("message", "label = \"x\""), "label: no command"},
		{"JITNEY_CONFIG", file("value", "[receive]\ncount = \"x\""), "count"},
		{"JITNEY_CONFIG", file("long", strings.Repeat("#", maxConfig+1)), "more than"},
	}
	for _, row := range rows {
		_, err := filled(program(map[string]string{row.variable: row.value}), "receive", "/q")
		if err == nil || !strings.Contains(err.Error(), row.want) || exitCode(err) != exitUsage {
			t.Errorf("%s=%s: %v, exit code %d", row.variable, row.value, err, exitCode(err))
		}
	}
}

// What jitney work tells a command must not become a setting of the jitney
// that the command runs, but for the broker's URL.
func TestVariablesOfCommandsAreNoSettings(t *testing.T) {
	t.Parallel()
	m := &message.Received{Message: &message.Message{}}
	m.Properties.Set("output", message.Int64(1))
	told := map[string]bool{}
	for _, assignment := range commandEnviron("http://u", "/q", m)[len(os.Environ()):] {
		name, _, _ := strings.Cut(assignment, "=")
		told[name] = true
	}
	anyCommand(newRootCommand(program(nil)), func(c *cobra.Command) bool {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if name := variable(f.Name); isSetting(f) && told[name] && name != "JITNEY_URL" {
				t.Errorf("%s is --%s of %s", name, f.Name, c.CommandPath())
			}
		})
		return false
	})
	if len(told) < 14 {
		t.Errorf("only %d variables", len(told))
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	anyCommand(newRootCommand(program(nil)), func(c *cobra.Command) bool {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short help %q", c.CommandPath(), c.Short)
		}
		if c.Runnable() && c.Example == "" && c.Name() != "policy" && c.Name() != "help" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		return false
	})
}
