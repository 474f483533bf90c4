package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxConfig bounds the settings file, in bytes.
const maxConfig = 64 << 10

// commandLineOnly marks flags that no setting gives a value: they describe one
// message, or what a single call is about.
const commandLineOnly = "command line only"

// markCommandLineOnly marks flags of cmd that are set on its command line or
// not at all.
func markCommandLineOnly(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.Flags().SetAnnotation(name, commandLineOnly, nil); err != nil {
			panic(err) // no such flag: a mistake in this program
		}
	}
}

func isSetting(f *pflag.Flag) bool {
	_, only := f.Annotations[commandLineOnly]
	return !only && f.Name != "help"
}

// variable returns the environment variable that stands for a flag.
func variable(flag string) string {
	return "JITNEY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fillFlags gives the flags that the command line left out the values that the
// environment has for them, or else the settings file.
func (e *env) fillFlags(cmd *cobra.Command) error {
	if err := e.fillFromEnvironment(cmd.Flags()); err != nil {
		return err
	}
	s, err := e.readSettings(cmd.Root())
	if err != nil {
		return err
	}
	return s.fill(cmd)
}

func (e *env) fillFromEnvironment(flags *pflag.FlagSet) error {
	return fill(flags, func(flag string) (value, source string, ok bool) {
		value, ok = e.lookup(variable(flag))
		return value, variable(flag), ok
	})
}

// fill sets each flag that is not set yet to what lookup says.
func fill(flags *pflag.FlagSet, lookup func(flag string) (value, source string, ok bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || !isSetting(f) {
			return
		}
		value, source, ok := lookup(f.Name)
		if !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, usagef("%s: %w", source, err))
		}
	})
	return errors.Join(errs...)
}

// settings are what a settings file says.
type settings struct {
	path   string
	all    map[string]string            // by flag, for every command that has it
	tables map[string]map[string]string // by command, by flag
}

// readSettings reads the settings file. Only one that was asked for must be
// there. A name that no command knows is an error, not passed over.
func (e *env) readSettings(root *cobra.Command) (settings, error) {
	path, err := e.settingsPath()
	if path == "" || err != nil {
		return settings{}, err
	}
	text, err := readFile(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) && e.configPath == "" {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, usage(err)
	}
	s, err := parseSettings(path, text)
	if err != nil {
		return settings{}, usage(err)
	}
	return s, s.check(root)
}

// settingsPath returns the path of the settings file, or "" if there can be none.
func (e *env) settingsPath() (string, error) {
	if e.configPath != "" {
		return e.configPath, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", nil // no home, no settings
	}
	return filepath.Join(folder, "jitney", "config.toml"), nil
}

func readFile(path string, limit int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", path, limit)
	}
	return string(text), err
}

func parseSettings(path, text string) (settings, error) {
	var raw map[string]any
	if _, err := toml.Decode(text, &raw); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	s := settings{path: path, all: map[string]string{}, tables: map[string]map[string]string{}}
	for name, value := range raw {
		table, isTable := value.(map[string]any)
		if !isTable {
			table = map[string]any{name: value}
		}
		into := s.all
		if isTable {
			into = map[string]string{}
			s.tables[name] = into
		}
		for flag, value := range table {
			text, ok := settingText(value)
			if !ok {
				return settings{}, fmt.Errorf("%s: %s: want a string, a number, a boolean or a list of them", path, flag)
			}
			into[flag] = text
		}
	}
	return s, nil
}

// settingText returns a value as it would stand on the command line, a list
// with commas.
func settingText(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string, int64, float64, bool:
		return fmt.Sprint(value), true
	case []any:
		var items []string
		for _, item := range value {
			if text, ok = settingText(item); !ok {
				return "", false
			}
			items = append(items, text)
		}
		return strings.Join(items, ","), true
	}
	return "", false
}

// check reports the first name in s that means nothing.
func (s settings) check(root *cobra.Command) error {
	for flag := range s.all {
		if !anyCommand(root, func(c *cobra.Command) bool { return hasSetting(c, flag) }) {
			return usagef("%s: %s: no command has a setting of this name", s.path, flag)
		}
	}
	for command, flags := range s.tables {
		for flag := range flags {
			if !anyCommand(root, func(c *cobra.Command) bool { return tableOf(c) == command && hasSetting(c, flag) }) {
				return usagef("%s: [%s] %s: there is no such command or setting", s.path, command, flag)
			}
		}
	}
	return nil
}

func (s settings) fill(cmd *cobra.Command) error {
	own := s.tables[tableOf(cmd)]
	return fill(cmd.Flags(), func(flag string) (value, source string, ok bool) {
		value, ok = own[flag]
		if !ok {
			value, ok = s.all[flag]
		}
		return value, s.path + ": " + flag, ok
	})
}

// tableOf returns the name that a command's table has in the settings file.
func tableOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func hasSetting(cmd *cobra.Command, flag string) bool {
	f := cmd.Flag(flag)
	return f != nil && isSetting(f)
}

func anyCommand(cmd *cobra.Command, fits func(*cobra.Command) bool) bool {
	if fits(cmd) {
		return true
	}
	for _, child := range cmd.Commands() {
		if anyCommand(child, fits) {
			return true
		}
	}
	return false
}

// newSettingsTopic is the help on settings.
func newSettingsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "Flags, environment variables and the settings file",
		Long: `Every flag but those that describe a message can also be given as an environment
variable, --lock-duration as JITNEY_LOCK_DURATION, or in the settings file:
$XDG_CONFIG_HOME/jitney/config.toml, or the one that --config names. The
command line counts more than the environment, the environment more than the
file.

A setting at the top of the file is for all commands that have it, one in the
table of a command only for that one:

  url = "http://broker.example:5300"

  [work]
  parallel = 4

  ["policy list"]
  output = "json"`,
	}
}
