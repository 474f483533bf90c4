package client

import (
	"context"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/message"
)

// SendBatch sends up to message.MaxBatch messages, of at most 64 MiB together,
// in one commit: all of them or none. Otherwise it is as Send; the sequence
// number is that of the first message.
func (c *Client) SendBatch(ctx context.Context, name string, messages []*message.Message) (Sent, error) {
	items := make([]batchItem, len(messages))
	for i, m := range messages {
		if err := m.Validate(); err != nil {
			return Sent{}, err
		}
		items[i] = newBatchItem(m)
	}
	body, err := json.Marshal(items)
	if err != nil {
		return Sent{}, err
	}
	answer, err := c.call(ctx, &request{
		method: http.MethodPost,
		path:   escape(name) + "/messages",
		header: headers("Content-Type", batchType),
		body:   body,
	})
	if err != nil {
		return Sent{}, err
	}
	return sentFrom(answer), nil
}

// batchItem is one message of an Azure batch, with a member of Jitney's for
// bodies that are not text.
type batchItem struct {
	Body             any             // a string, or bytes that become base64
	IsBodyBase64     bool            `json:",omitempty"`
	BrokerProperties json.RawMessage // in the names of a message object: their case does not count
	UserProperties   json.RawMessage `json:",omitempty"`
}

func newBatchItem(m *message.Message) batchItem {
	bare := *m
	bare.Body, bare.Properties = nil, message.Properties{}
	item := batchItem{BrokerProperties: message.AppendJSON(nil, &message.Received{Message: &bare})}
	if m.Properties.Len() > 0 {
		item.UserProperties = message.AppendProperties(nil, m.Properties)
	}
	if m.ContentType != "" && utf8.Valid(m.Body) { // text without a type would become text/plain
		item.Body = string(m.Body)
		return item
	}
	item.Body, item.IsBodyBase64 = present(m.Body), true
	return item
}
