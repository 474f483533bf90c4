package main

import (
	"strings"

	"github.com/jitney-mq/jitney/policy"
)

// rulesOf returns what each rule of a subscription lets pass, as an SQL filter,
// and what it changes.
func rulesOf(p *policy.Subscription) []string {
	var all []string
	for _, r := range p.Rules {
		text := r.SQL
		if len(r.Equal) > 0 {
			text = equalText(&r.Equal[0])
		}
		if text == "" {
			text = "TRUE"
		}
		if r.Action != "" {
			text += ", then " + r.Action
		}
		all = append(all, text)
	}
	return all
}

// equalText returns a correlation as the SQL filter that lets the same pass.
func equalText(c *policy.Correlation) string {
	var all []string
	for _, field := range []struct{ name, value string }{
		{"MessageId", c.MessageID}, {"SessionId", c.SessionID}, {"CorrelationId", c.CorrelationID}, {"Label", c.Label},
		{"To", c.To}, {"ReplyTo", c.ReplyTo}, {"ReplyToSessionId", c.ReplyToSessionID}, {"ContentType", c.ContentType},
	} {
		if field.value != "" {
			all = append(all, "sys."+field.name+" = "+sqlText(field.value))
		}
	}
	for _, p := range c.Properties {
		value := p.Value
		if p.Type == policy.TextProperty {
			value = sqlText(value)
		}
		all = append(all, p.Name+" = "+value)
	}
	return strings.Join(all, " AND ")
}

func sqlText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
