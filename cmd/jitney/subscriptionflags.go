package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// subscriptionFlags are the flags that describe a subscription.
type subscriptionFlags struct {
	to          string // a name or a URL
	headers     []string
	secret      string
	maxInFlight int
	expires     expiry
	rule        ruleFlags
}

// ruleFlags are the flags that describe its one rule.
type ruleFlags struct {
	name, filter, action string
	label, correlationID string
	properties           properties
}

func (f *subscriptionFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "the `name or URL` that the messages move on to")
	flags.StringArrayVar(&f.headers, "header", nil, "a `'Name: value'` that is added to each push, as often as needed")
	flags.StringVar(&f.secret, "secret", "", "the `secret` that pushes are signed with, whsec_…, as Standard Webhooks has it")
	flags.IntVar(&f.maxInFlight, "max-in-flight", 0, "how `many` messages are pushed at a time; 1, the default, keeps their order")
	flags.Var(&f.expires, "expires", "when it ends: in 24h, or at an instant such as 2030-01-31T12:00:00Z")
	flags.StringVar(&f.rule.filter, "filter", "", "an `SQL` condition on the messages that it gets")
	flags.StringVar(&f.rule.action, "action", "", "what is changed in its copies, as `SQL`: SET … and REMOVE …")
	flags.StringVar(&f.rule.label, "label", "", "the `word` that its messages are about")
	flags.StringVar(&f.rule.correlationID, "correlation-id", "", "the `id` that its messages answer")
	flags.Var(&f.rule.properties, "property", "an application property that its messages have, as often as needed: a number or a boolean is one, the rest is text")
	flags.StringVar(&f.rule.name, "rule", "", "the `name` of the rule with this filter and action (default $Default)")
	markCommandLineOnly(cmd, "to", "header", "secret", "max-in-flight", "expires",
		"filter", "action", "label", "correlation-id", "property", "rule")
}

// apply changes p to what the flags say.
func (f *subscriptionFlags) apply(p *policy.Subscription) error {
	if f.to != "" {
		p.ForwardTo, p.PushTo = "", ""
		if strings.Contains(f.to, "://") {
			p.PushTo = f.to
		} else {
			p.ForwardTo = "/" + strings.TrimPrefix(f.to, "/")
		}
	}
	if f.secret != "" {
		p.Secret = f.secret
	}
	if f.maxInFlight != 0 {
		p.MaxInFlight = f.maxInFlight
	}
	if !f.expires.IsZero() {
		p.ExpiresAt = f.expires.Time
	}
	for _, text := range f.headers {
		name, value, ok := strings.Cut(text, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return usagef("--header %q: want 'Name: value'", text)
		}
		p.Headers = append(p.Headers, policy.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	if err := f.rule.apply(p); err != nil {
		return err
	}
	return policy.Validate(*p)
}

// apply adds the rule that the flags state, if they do.
func (f *ruleFlags) apply(p *policy.Subscription) error {
	equal, err := f.correlation()
	if err != nil {
		return err
	}
	if f.filter != "" && len(equal) > 0 {
		return usagef("--filter: want one filter; --label, --correlation-id and --property are another")
	}
	if f.filter == "" && f.action == "" && f.name == "" && len(equal) == 0 {
		return nil
	}
	p.Rules = append(p.Rules, policy.Rule{Name: f.name, SQL: f.filter, Equal: equal, Action: f.action})
	return nil
}

// correlation returns what messages must equal: one correlation, or none.
func (f *ruleFlags) correlation() ([]policy.Correlation, error) {
	if f.label == "" && f.correlationID == "" && f.properties.Len() == 0 {
		return nil, nil
	}
	c := policy.Correlation{Label: f.label, CorrelationID: f.correlationID}
	for name, value := range f.properties.All() {
		t, ok := propertyTypes[value.Kind()]
		if !ok {
			return nil, usagef("--property %s: want a text, a number or a boolean", name)
		}
		c.Properties = append(c.Properties, policy.Property{Name: name, Value: value.String(), Type: t})
	}
	return []policy.Correlation{c}, nil
}

var propertyTypes = map[message.Kind]policy.PropertyType{
	message.KindString: policy.TextProperty,
	message.KindInt64:  policy.LongProperty,
	message.KindDouble: policy.DoubleProperty,
	message.KindBool:   policy.BooleanProperty,
}

// expiry is an instant, as a flag: stated as one, or as a span from now on.
type expiry struct{ time.Time }

func (e *expiry) Type() string { return "instant" }

func (e *expiry) String() string {
	if e.IsZero() {
		return ""
	}
	return e.Format(time.RFC3339)
}

func (e *expiry) Set(text string) error {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		e.Time = at.UTC()
		return nil
	}
	var span duration
	if err := span.Set(text); err != nil || span <= 0 {
		return fmt.Errorf("want a duration such as 24h or an instant such as 2030-01-31T12:00:00Z")
	}
	e.Time = time.Now().UTC().Add(time.Duration(span)).Truncate(time.Millisecond)
	return nil
}
