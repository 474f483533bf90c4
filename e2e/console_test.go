package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
)

// A console block of a document is what a person sees in a terminal: commands
// behind "$ " and what they print. Where something is different in every run
// it has an …, which stands for anything within a line; a line that is only …
// stands for any number of lines. A command whose line ends with \ has another
// line. One that ends with & goes on running.

// step is a command and what it is to print.
type step struct {
	command string
	want    []string // lines
	line    int      // of the document, from 1
}

// isBackground reports whether the command goes on running.
func (s step) isBackground() bool { return strings.HasSuffix(s.command, "&") }

// pattern matches all that the command is to print.
func (s step) pattern() *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, line := range s.want {
		if line == "…" {
			b.WriteString(`(?:.*\n)*?`)
			continue
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`)
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

// parseSteps returns the steps of the blocks of a Markdown document that have
// the given words behind their fence.
func parseSteps(document, info string) (steps []step, err error) {
	inBlock, isOurs := false, false
	for i, line := range strings.Split(document, "\n") {
		if fence, isFence := strings.CutPrefix(line, "```"); isFence {
			inBlock = !inBlock
			isOurs = inBlock && fence == info
			continue
		}
		if !isOurs {
			continue
		}
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			steps = append(steps, step{command: command, line: i + 1})
		case len(steps) == 0:
			return nil, fmt.Errorf("line %d: a block begins without a command", i+1)
		case strings.HasSuffix(steps[len(steps)-1].command, `\`):
			steps[len(steps)-1].command += "\n" + strings.TrimPrefix(line, "> ")
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps, nil
}
