package atom

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/problem"
)

// declaration matches an XML declaration (XML 1.0, production 23).
var declaration = regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1\.\d+"|'1\.\d+')` +
	`(?:\s+encoding\s*=\s*(?:"([^"]*)"|'([^']*)'))?` +
	`(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>`)

const lateDeclaration = "an XML declaration that is broken or not at the beginning"

// reader turns an XML document into a tree. The standard library's tokens are
// taken raw, because its own resolution of names lets undeclared prefixes and
// repeated attributes pass.
type reader struct {
	tokens   *xml.Decoder
	root     string              // the local name that the root must have
	bound    map[string][]string // prefix to namespaces, the innermost last
	elements int                 // how many were begun
}

// readXML returns the tree of a document whose root must be the Atom element
// root, and that is at most limit bytes long.
func readXML(root string, body []byte, limit int) (Element, error) {
	body, err := plain(root, body, limit)
	if err != nil {
		return Element{}, err
	}
	if body, err = undeclared(root, body); err != nil {
		return Element{}, err
	}
	r := &reader{tokens: xml.NewDecoder(bytes.NewReader(body)), root: root, bound: map[string][]string{}}
	return r.document()
}

// plain returns body without its byte order mark, if it is short enough and
// all UTF-8.
func plain(root string, body []byte, limit int) ([]byte, error) {
	if len(body) > limit {
		return nil, problem.NewField(root, "", "a document of at most %d bytes", limit)
	}
	if !utf8.Valid(body) {
		return nil, problem.NewField(root, "", "a document in UTF-8")
	}
	return bytes.TrimPrefix(body, []byte("\ufeff")), nil
}

// undeclared returns body without its XML declaration, if that allows UTF-8.
func undeclared(root string, body []byte) ([]byte, error) {
	m := declaration.FindSubmatch(body)
	if m == nil {
		return body, nil
	}
	encoding := string(m[1]) + string(m[2])
	if encoding != "" && !strings.EqualFold(encoding, "utf-8") {
		return nil, problem.NewField(root, encoding, "the encoding UTF-8")
	}
	return body[len(m[0]):], nil
}

func (r *reader) document() (Element, error) {
	start, err := r.outside()
	if err != nil {
		return Element{}, err
	}
	if start == nil {
		return Element{}, r.malformed("the document is empty")
	}
	e, err := r.element(*start, 1)
	if err != nil {
		return Element{}, err
	}
	second, err := r.outside()
	if err != nil {
		return Element{}, err
	}
	if second != nil {
		return Element{}, problem.NewField(second.Name.Local, "", "nothing after the root element")
	}
	return e, nil
}

// outside returns the next element that begins outside the root, or nil at
// the end of the document.
func (r *reader) outside() (*xml.StartElement, error) {
	for {
		token, err := r.next()
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return &t, nil
		case xml.EndElement:
			return nil, r.malformed("unexpected </" + t.Name.Local + ">")
		case xml.CharData:
			if !blank(string(t)) {
				return nil, problem.NewField(r.root, string(t), "no text outside the root element")
			}
		}
	}
}

// next returns the next token that is neither a comment nor a processing
// instruction; io.EOF at the end of the input, whatever is still open.
func (r *reader) next() (xml.Token, error) {
	for {
		token, err := r.tokens.RawToken()
		if err == io.EOF {
			return nil, io.EOF
		}
		if err != nil {
			return nil, r.malformed(reason(err))
		}
		switch t := token.(type) {
		case xml.Comment:
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") {
				return nil, r.malformed(lateDeclaration)
			}
		case xml.Directive:
			return nil, problem.NewField(r.root, "<!"+string(t)+">", "no document type and no entities")
		default:
			return token, nil
		}
	}
}

// element reads what start began, up to its end.
func (r *reader) element(start xml.StartElement, depth int) (Element, error) {
	if err := r.count(start, depth); err != nil {
		return Element{}, err
	}
	if err := r.declare(start); err != nil {
		return Element{}, err
	}
	defer r.forget(start)
	e, err := r.resolve(start)
	if err != nil {
		return Element{}, err
	}
	if root := (xml.Name{Space: Namespace, Local: r.root}); depth == 1 && e.Name != root {
		return Element{}, problem.NewField(e.Name.Local, e.Name.Space,
			"the root %s in the namespace %s", root.Local, root.Space)
	}
	err = r.inside(&e, start.Name, depth)
	return e, err
}

// inside reads the content of e, which ends with the tag name.
func (r *reader) inside(e *Element, name xml.Name, depth int) error {
	var text []byte
	for {
		token, err := r.next()
		if err == io.EOF {
			return r.malformed("the document ends inside " + e.Name.Local)
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.StartElement:
			child, err := r.element(t, depth+1)
			if err != nil {
				return err
			}
			e.Children = append(e.Children, child)
		case xml.EndElement:
			if t.Name != name {
				return r.malformed("</" + t.Name.Local + "> closes " + e.Name.Local)
			}
			e.Text = string(text)
			return nil
		}
	}
}

func (r *reader) count(start xml.StartElement, depth int) error {
	r.elements++
	switch {
	case r.elements > maxElements:
		return problem.NewField(r.root, "", "at most %d elements", maxElements)
	case depth > maxDepth:
		return problem.NewField(r.root, "", "at most %d elements inside one another", maxDepth)
	case len(start.Attr) > maxAttributes:
		return problem.NewField(r.root, "", "at most %d attributes in an element", maxAttributes)
	}
	return r.names(start)
}

// malformed says what is wrong with the document as XML, and in which line.
func (r *reader) malformed(what string) error {
	line, _ := r.tokens.InputPos()
	return problem.NewField(r.root, "", "well-formed XML; line %d: %s", line, cut(what))
}

// cut keeps what the tokenizer repeats of the document within bounds.
func cut(what string) string {
	const maxReason = 200 // bytes
	return strings.ToValidUTF8(what[:min(len(what), maxReason)], "")
}

func reason(err error) string {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return syntax.Msg
	}
	return lateDeclaration // the tokenizer's only other errors are about one
}

// whiteSpace is what XML calls so (XML 1.0, production 3).
const whiteSpace = " \t\r\n"

// blank reports whether text is nothing but XML's white space.
func blank(text string) bool {
	return strings.Trim(text, whiteSpace) == ""
}
