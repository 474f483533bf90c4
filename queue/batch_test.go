package queue_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// [Q4]: a batch that is larger than a commit should be is all there or not at
// all, and leaves nothing behind when it is refused.
func TestLargeBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 1000 })
		batch := make([]queue.Outgoing, 1000)
		for i := range batch {
			body := strings.Repeat(fmt.Sprintf("%04d", i), 256+i%3*512)
			batch[i].Message = &message.Message{Body: []byte(body)}
		}
		h.send(q, batch...)
		if _, _, err := q.Send(t.Context(), batch...); err == nil {
			t.Error("a batch was taken that has no room")
		}
		for i := range batch {
			d := h.receive(q, queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})[0]
			if err := d.Load(); err != nil || string(d.Body) != string(batch[i].Body) {
				t.Fatalf("message %d came back as %d bytes, %v", i, len(d.Body), err)
			}
			d.Close()
		}
		h.reopen(q) // and nothing is left: the harness checks the folder
	})
}
