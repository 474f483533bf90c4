package client

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
)

// Assigned is a policy in force at a name.
type Assigned struct {
	Policy policy.Policy // with every default filled in, and what the broker granted
	ETag   string        // of this state of it, for PutPolicy; empty if the broker gave none
	Entry  *atom.Entry   // the document that it came in, with its links
}

// PutPolicy gives a name its role. With an empty ifMatch the name must have
// none yet, or the very same policy: else it is ErrConflict. With the ETag of
// the policy in force, or *, it replaces that one: ErrStale if the policy
// changed since, ErrConflict if an element cannot be changed. Repeating a call
// without an answer is harmless. A subscription is changed in this way, but
// made by Subscribe; it keeps its secret if p has none.
func (c *Client) PutPolicy(ctx context.Context, name string, p policy.Policy, ifMatch string) (*Assigned, error) {
	return c.PutPolicyDocument(ctx, name, atom.EntryType, documentOf(p), ifMatch)
}

// documentOf returns an entry that states p, with its secrets.
func documentOf(p policy.Policy) []byte {
	entry := atom.Entry{Extensions: []atom.Element{policy.ElementWithSecrets(p)}}
	return entry.AppendXML(nil)
}

// PutPolicyDocument is PutPolicy for an entry as it stands in a file: its
// media type is atom.EntryType or policy.MediaType.
func (c *Client) PutPolicyDocument(ctx context.Context, name, mediaType string, document []byte, ifMatch string) (*Assigned, error) {
	r := &request{
		method: http.MethodPost,
		path:   escape(name),
		header: headers("Content-Type", mediaType, "Accept", atom.EntryType),
		body:   document,
	}
	if ifMatch != "" {
		r.method = http.MethodPut
		r.path += "/$policy"
		r.header.Set("If-Match", ifMatch)
	}
	return c.assigned(ctx, r)
}

// Policy returns the policy in force at a name; ErrNotFound if it has no role.
func (c *Client) Policy(ctx context.Context, name string) (*Assigned, error) {
	return c.assigned(ctx, &request{
		method: http.MethodGet,
		path:   escape(name) + "/$policy",
		header: headers("Accept", atom.EntryType),
	})
}

// DeletePolicy takes the role away from a name. All messages there are gone,
// whoever waits is told so. A repeated call is ErrNotFound.
func (c *Client) DeletePolicy(ctx context.Context, name string) error {
	_, err := c.call(ctx, &request{method: http.MethodDelete, path: escape(name) + "/$policy"})
	return err
}

func (c *Client) assigned(ctx context.Context, r *request) (*Assigned, error) {
	entry, header, err := c.entry(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := policy.FromEntry(entry)
	if err != nil {
		return nil, fmt.Errorf("the broker's policy cannot be read: %w", err)
	}
	return &Assigned{Policy: p, ETag: header.Get("ETag"), Entry: entry}, nil
}

// entry makes a request that is answered with an entry.
func (c *Client) entry(ctx context.Context, r *request) (*atom.Entry, http.Header, error) {
	document, header, err := c.document(ctx, r, atom.MaxEntry)
	if err != nil {
		return nil, nil, err
	}
	entry, err := atom.ParseEntry(document)
	if err != nil {
		return nil, nil, fmt.Errorf("the broker's entry cannot be read: %w", err)
	}
	return entry, header, nil
}

// document makes a request and reads the whole answer, of at most limit bytes.
func (c *Client) document(ctx context.Context, r *request, limit int64) ([]byte, http.Header, error) {
	response, err := c.do(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	defer drain(response.Body)
	document, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(document)) > limit {
		return nil, nil, fmt.Errorf("the broker's answer is longer than %d bytes", limit)
	}
	return document, response.Header, nil
}
