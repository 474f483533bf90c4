package client

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/atom"
)

// Counts says how many messages a queue holds, by state.
type Counts struct {
	Active             int64     `json:"active"`
	Locked             int64     `json:"locked"`
	Scheduled          int64     `json:"scheduled"`
	Deferred           int64     `json:"deferred"`
	DeadLetter         int64     `json:"deadLetter"`
	Transfer           int64     `json:"transfer"`
	TransferDeadLetter int64     `json:"transferDeadLetter"`
	Bytes              int64     `json:"bytes"`                   // of all bodies and properties
	OldestAt           time.Time `json:"oldestEnqueued,omitzero"` // when the oldest message was enqueued; zero: none is there
}

// Counts returns the counts of a queue, as of its last commit; of a dead-letter
// queue only Active.
func (c *Client) Counts(ctx context.Context, queue string) (Counts, error) {
	entry, _, err := c.entry(ctx, &request{
		method: http.MethodGet,
		path:   escape(queue),
		header: headers("Accept", atom.EntryType),
	})
	if err != nil {
		return Counts{}, err
	}
	counts, _ := CountsOf(entry)
	return counts, nil
}

// CountsOf returns the counts that an entry shows, and whether it shows any.
func CountsOf(entry *atom.Entry) (Counts, bool) {
	for i := range entry.Extensions {
		if entry.Extensions[i].Name.Local == "CountDetails" {
			return countsFrom(entry.Extensions[i].Children), true
		}
	}
	return Counts{}, false
}

func countsFrom(details []atom.Element) (counts Counts) {
	fields := map[string]*int64{
		"ActiveMessageCount":             &counts.Active,
		"LockedMessageCount":             &counts.Locked,
		"ScheduledMessageCount":          &counts.Scheduled,
		"DeferredMessageCount":           &counts.Deferred,
		"DeadLetterMessageCount":         &counts.DeadLetter,
		"TransferMessageCount":           &counts.Transfer,
		"TransferDeadLetterMessageCount": &counts.TransferDeadLetter,
		"SizeInBytes":                    &counts.Bytes,
		"MessageCount":                   &counts.Active, // all that a dead-letter queue shows
	}
	for _, d := range details {
		if field := fields[d.Name.Local]; field != nil {
			*field, _ = strconv.ParseInt(d.Text, 10, 64) // what is not a number shows as 0
		} else if d.Name.Local == "OldestEnqueuedTimeUtc" {
			counts.OldestAt, _ = time.Parse(time.RFC3339Nano, d.Text)
		}
	}
	return counts
}
