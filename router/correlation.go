package router

import (
	"strconv"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// correlation returns the filter that a policy states. Its errors are
// *problem.Field.
func correlation(c *policy.Correlation) (*filter.Filter, error) {
	conditions := filter.Conditions{
		MessageID: c.MessageID, CorrelationID: c.CorrelationID, Label: c.Label, To: c.To,
		ReplyTo: c.ReplyTo, ReplyToSessionID: c.ReplyToSessionID, ContentType: c.ContentType,
	}
	if c.SessionID != "" {
		conditions.SessionID = &c.SessionID
	}
	for _, p := range c.Properties {
		v, err := valueOf(&p)
		if err != nil {
			return nil, err
		}
		conditions.Properties.Set(p.Name, v)
	}
	return filter.Correlation(conditions), nil
}

// valueOf reads a property as what its type says.
func valueOf(p *policy.Property) (v message.Value, err error) {
	switch p.Type {
	case policy.LongProperty:
		var n int64
		n, err = strconv.ParseInt(p.Value, 10, 64)
		v = message.Int64(n)
	case policy.DoubleProperty:
		var f float64
		f, err = strconv.ParseFloat(p.Value, 64)
		v = message.Double(f)
	case policy.BooleanProperty:
		var b bool
		b, err = strconv.ParseBool(p.Value)
		v = message.Bool(b)
	default:
		v = message.String(p.Value)
	}
	if err != nil {
		err = problem.NewField("Property", p.Value, "a value of the type that is stated for %s", p.Name)
	}
	return v, err
}
