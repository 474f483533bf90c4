package namespace

import (
	"net/url"
	"strings"
)

// Limits of a path: a name with a sub-resource below it.
const (
	MaxPathSegments = MaxSegments + 8
	MaxPathBytes    = MaxBytes + 512
)

var pathRule = rule{
	reserved:    true,
	maxSegments: MaxPathSegments,
	maxBytes:    MaxPathBytes,
	wantCount:   "at most 40 segments, 32 of them the name's",
	wantBytes:   "at most 1,536 bytes in all, 1,024 of them the name's",
}

// Path is the path of a request: the segments of a name and then those of a
// sub-resource, such as /orders/$DeadLetterQueue/messages/head. Where the one
// ends and the other begins depends on which names have a role; a Path answers
// for each place whether it can. The zero value is the root.
type Path struct {
	segments []string
	name     Name  // the longest beginning that can be a name
	reason   error // why it is not longer; nil if it is the whole path
}

// ParsePath splits and decodes a path as Parse does, but lets segments begin
// with "$" and "-", and be more. Its errors are those of Parse.
func ParsePath(path string) (Path, error) {
	text, depth, err := parsePath(path, pathRule)
	if err != nil || depth == 0 {
		return Path{}, err
	}
	p := Path{segments: strings.Split(text[1:], "/")}
	length := 0
	count := 0
	for _, s := range p.segments {
		if p.reason = p.nameable(s, length, count); p.reason != nil {
			break
		}
		length += 1 + len(s)
		count++
	}
	p.name, err = newName(text[:length], count)
	return p, err
}

// nameable tells why a name of count segments and length bytes cannot go on
// with the segment s. [N1]
func (p Path) nameable(s string, length, count int) error {
	switch {
	case s[0] == '$', s[0] == '-':
		return refuse(s, wantReserved)
	case count == nameRule.maxSegments:
		return refuse("/"+strings.Join(p.segments, "/"), nameRule.wantCount)
	case length+1+len(s) > nameRule.maxBytes:
		return refuse("/"+strings.Join(p.segments, "/"), nameRule.wantBytes)
	}
	return nil
}

// Len returns the number of segments.
func (p Path) Len() int { return len(p.segments) }

// Longest returns the name of as many leading segments as can be one. Whatever
// the path is below of is a Prefix of it.
func (p Path) Longest() Name { return p.name }

// Name returns the name of the first count segments; count is from 0 to Len.
// Its errors are those of Parse.
func (p Path) Name(count int) (Name, error) {
	if count > p.name.Depth() {
		return Name{}, p.reason
	}
	return p.name.Prefix(count), nil
}

// After returns the decoded segments behind the first count, as given. Compare
// words among them by FoldSegment. The result must not be changed.
func (p Path) After(count int) []string { return p.segments[count:] }

// Lead returns the longest beginning of a path that can be a name, for paths that
// go on with what somebody else gives a meaning to. Whatever is no name ends it.
func Lead(path string) Path {
	rest, _ := strings.CutPrefix(path, "/")
	var p Path
	for raw := range strings.SplitSeq(rest, "/") {
		segment, err := url.PathUnescape(raw)
		if err == nil {
			err = nameRule.check(segment, raw)
		}
		var longer Name
		if err == nil {
			longer, err = p.name.Child(segment)
		}
		if err != nil {
			p.reason = err
			break
		}
		p.name, p.segments = longer, append(p.segments, segment)
	}
	return p
}
