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
	entry, err := c.show(ctx, queue)
	if err != nil {
		return Counts{}, err
	}
	counts, _ := CountsOf(entry)
	return counts, nil
}

// show returns the entry of a name itself, with what it holds and does.
func (c *Client) show(ctx context.Context, name string) (*atom.Entry, error) {
	entry, _, err := c.entry(ctx, &request{
		method: http.MethodGet,
		path:   escape(name),
		header: headers("Accept", atom.EntryType),
	})
	return entry, err
}

// CountsOf returns the counts that an entry shows, and whether it shows any.
func CountsOf(entry *atom.Entry) (Counts, bool) {
	if details := extension(entry, "CountDetails"); details != nil {
		return countsFrom(details.Children), true
	}
	return Counts{}, false
}

// extension returns the extension of an entry that has a name, or nil.
func extension(entry *atom.Entry, name string) *atom.Element {
	for i := range entry.Extensions {
		if entry.Extensions[i].Name.Local == name {
			return &entry.Extensions[i]
		}
	}
	return nil
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
