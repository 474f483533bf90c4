package policy

import "time"

func routerElements() rows[Router] {
	return rows[Router]{
		of("MessageDistribution", distribution(), func(r *Router) *Distribution { return &r.Distribution }).fixedAtFirst(),
		of("MaxSubscribers", whole(1, 2000), func(r *Router) *int { return &r.MaxSubscribers }),
		of("MaxMessageSizeInKilobytes", whole(1, maxMessageKilobytes), func(r *Router) *int { return &r.MaxMessageKilobytes }).
			also("MaxMessageSize"),
		of("MaxBufferLength", whole[int64](1, 1<<31-1), func(r *Router) *int64 { return &r.MaxBufferLength }),
		of("BufferTimeout", span(0, time.Minute), func(r *Router) *time.Duration { return &r.BufferTimeout }),
		of("Overflow", overflow(), func(r *Router) *Overflow { return &r.Overflow }),
		of("PushDeliveryRetries", whole(0, 100), func(r *Router) *int { return &r.PushRetries }),
		of("PushDeliveryTimeout", span(time.Second, 5*time.Minute), func(r *Router) *time.Duration { return &r.PushTimeout }),
		status(inRouter),
	}
}

// distribution is a Distribution, also by its short word.
func distribution() value[Distribution] {
	v, short := oneOf[Distribution]("AllSubscribers", "OneSubscriber"), oneOf[Distribution]("All", "One")
	long := v.parse
	v.parse = func(text string) (Distribution, bool) {
		if d, ok := short.parse(text); ok {
			return d, ok
		}
		return long(text)
	}
	return v
}

// subscriptionElements are those that a queue does not have.
func subscriptionElements() rows[Subscription] {
	return rows[Subscription]{
		of("Address", word(wantPushURL, isPushURL), func(s *Subscription) *string { return &s.PushTo }),
		many("HttpHeader", maxHeaders, headerElements(), func(s *Subscription) *[]Header { return &s.Headers }),
		of("MaxInFlight", whole(1, MaxInFlight), func(s *Subscription) *int { return &s.MaxInFlight }),
		of("Secret", word("whsec_ and 24 to 64 bytes in base64", anything), func(s *Subscription) *string { return &s.Secret }).
			keptSecret(),
		of("EndTo", word(wantPushURL, isPushURL), func(s *Subscription) *string { return &s.EndTo }),
		many("Rule", MaxRules, ruleElements(), func(s *Subscription) *[]Rule { return &s.Rules }),
	}
}

func headerElements() rows[Header] {
	return rows[Header]{
		of("Name", word("the name of a field", anything), func(h *Header) *string { return &h.Name }).mustBeStated(),
		of("Value", text(1024), func(h *Header) *string { return &h.Value }).mustBeStated(),
	}
}

func ruleElements() rows[Rule] {
	return rows[Rule]{
		of("Name", text(50), func(r *Rule) *string { return &r.Name }),
		of("SqlFilter", text(maxFilter), func(r *Rule) *string { return &r.SQL }),
		many("CorrelationFilter", 1, correlationElements(), func(r *Rule) *[]Correlation { return &r.Equal }),
		of("SqlAction", text(maxFilter), func(r *Rule) *string { return &r.Action }),
	}
}

func correlationElements() rows[Correlation] {
	any := text(1024)
	return rows[Correlation]{
		of("MessageId", any, func(c *Correlation) *string { return &c.MessageID }),
		of("SessionId", any, func(c *Correlation) *string { return &c.SessionID }),
		of("CorrelationId", any, func(c *Correlation) *string { return &c.CorrelationID }),
		of("Label", any, func(c *Correlation) *string { return &c.Label }).also("Subject"),
		of("To", any, func(c *Correlation) *string { return &c.To }),
		of("ReplyTo", any, func(c *Correlation) *string { return &c.ReplyTo }),
		of("ReplyToSessionId", any, func(c *Correlation) *string { return &c.ReplyToSessionID }),
		of("ContentType", any, func(c *Correlation) *string { return &c.ContentType }),
		many("Property", maxProperties, propertyElements(), func(c *Correlation) *[]Property { return &c.Properties }),
	}
}

func propertyElements() rows[Property] {
	return rows[Property]{
		of("Name", word("the name of a property", anything), func(p *Property) *string { return &p.Name }).mustBeStated(),
		of("Value", text(1024), func(p *Property) *string { return &p.Value }).mustBeStated(),
		of("Type", oneOf[PropertyType]("string", "long", "double", "boolean"), func(p *Property) *PropertyType { return &p.Type }),
	}
}
