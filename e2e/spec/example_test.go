package main

import (
	"errors"
	"net/http"
	"strings"
)

// An example is one exchange as the document shows it.
type example struct {
	method, target string
	request        part
	status         string // 201 Created
	reply          part
}

// part is the header and the body of a request or a reply.
type part struct {
	header http.Header
	body   string
}

const protocolVersion = "HTTP/1.1"

// parseExample reads a block: a request and, behind an empty line, its reply.
func parseExample(block string) (example, error) {
	request, reply, ok := strings.Cut(block, "\n"+protocolVersion+" ")
	if !ok {
		return example{}, errors.New("no reply")
	}
	var e example
	line, rest, _ := strings.Cut(request, "\n")
	words := strings.Fields(line)
	if len(words) != 3 || words[2] != protocolVersion {
		return example{}, errors.New("want METHOD target " + protocolVersion)
	}
	e.method, e.target, e.request = words[0], words[1], parsePart(rest)
	e.status, rest, _ = strings.Cut(reply, "\n")
	e.reply = parsePart(rest)
	return e, nil
}

// parsePart reads header lines, and the body behind an empty one. A header
// line that begins with white space goes on with the one before.
func parsePart(text string) part {
	p := part{header: http.Header{}}
	text = "\n" + strings.TrimSuffix(text, "\n")
	header, body, _ := strings.Cut(text, "\n\n")
	p.body = strings.TrimSuffix(body, "\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(header, "\n  ", " "), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			p.header.Add(name, strings.TrimSpace(value))
		}
	}
	return p
}
