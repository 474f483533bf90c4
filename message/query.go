package message

import (
	"net/url"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// The arguments of a send that are not text.
const (
	argTimeToLive = "time-to-live"
	argDelay      = "delay"
	argSchedule   = "scheduled-enqueue-time"
)

// FromQuery reads the arguments of a send into m, over what BrokerProperties
// said; a delay begins at now. Arguments of other names are not its business.
// Errors are *problem.Field. [Q2]
func FromQuery(query url.Values, now time.Time, m *Message) error {
	for i := range fields[:fieldContentType] {
		f := &fields[i]
		if text, ok, err := argument(query, f.query); err != nil {
			return err
		} else if ok {
			if err := f.set(m, "", f.query, text); err != nil {
				return err
			}
		}
	}
	if err := m.queryTimeToLive(query); err != nil {
		return err
	}
	return m.querySchedule(query, now)
}

// argument returns an argument that may be given once.
func argument(query url.Values, name string) (text string, ok bool, err error) {
	switch values := query[name]; len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	default:
		return "", false, problem.NewField(name, values[1], "the argument once")
	}
}

func (m *Message) queryTimeToLive(query url.Values) error {
	text, ok, err := argument(query, argTimeToLive)
	if err != nil || !ok {
		return err
	}
	d, err := ParseDuration(argTimeToLive, text)
	if err != nil {
		return err
	}
	if d == 0 {
		return problem.NewField(argTimeToLive, text, "a duration greater than 0")
	}
	m.limit(d)
	return nil
}

func (m *Message) querySchedule(query url.Values, now time.Time) error {
	delay, delayed, err := argument(query, argDelay)
	if err != nil {
		return err
	}
	at, scheduled, err := argument(query, argSchedule)
	switch {
	case err != nil:
		return err
	case delayed && scheduled:
		return problem.NewField(argDelay, delay, "either a delay or a scheduled-enqueue-time")
	case scheduled:
		return m.scheduleText(argSchedule, at)
	case !delayed:
		return nil
	}
	d, err := ParseDuration(argDelay, delay)
	switch {
	case err != nil:
		return err
	case d > maxInstant.Sub(now):
		return problem.NewField(argDelay, delay, "a delay that ends before the year 2262")
	case d == 0:
		m.ScheduledAt = time.Time{}
		return nil
	}
	return m.schedule(argDelay, now.Add(d))
}
