package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/policy"
)

// subscriptionWith is the policy about which only this was said.
func subscriptionWith(say func(*policy.Subscription)) policy.Subscription {
	p := policy.NewSubscription()
	say(&p)
	return p
}

func TestSubscriptionPolicies(t *testing.T) {
	t.Parallel()
	const file = `{"links":[{"rel":"alternate","href":"/audit"}],"SubscriptionPolicy":{"Rule":{"Name":"big","SqlFilter":"size > 10"}}}`
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	big := policy.Rule{Name: "big", SQL: "size > 10"}
	rows := []struct {
		args string
		file string
		want func(*policy.Subscription)
	}{
		{"", "", func(*policy.Subscription) {}},
		{"--to audit", "", func(p *policy.Subscription) { p.ForwardTo = "/audit" }},
		{"--to https://example.com/", "", func(p *policy.Subscription) { p.PushTo = "https://example.com/" }},
		{"--secret " + secret + " --max-in-flight 8", "", func(p *policy.Subscription) { p.Secret, p.MaxInFlight = secret, 8 }},
		{"--header X-A:1 --header X-B:b:c", "", func(p *policy.Subscription) {
			p.Headers = []policy.Header{{Name: "X-A", Value: "1"}, {Name: "X-B", Value: "b:c"}}
		}},
		{"--set LockDuration=PT5S", "", func(p *policy.Subscription) { p.LockDuration = 5 * time.Second }},
		{"--filter a=1 --action SET+b=2 --rule r", "", func(p *policy.Subscription) {
			p.Rules = []policy.Rule{{Name: "r", SQL: "a=1", Action: "SET b=2"}}
		}},
		{"--label new --correlation-id 7 --property n=1 --property b=true --property d=1.5 --property s=x", "", func(p *policy.Subscription) {
			p.Rules = []policy.Rule{{Equal: []policy.Correlation{{Label: "new", CorrelationID: "7", Properties: []policy.Property{
				{Name: "b", Value: "true", Type: policy.BooleanProperty}, {Name: "d", Value: "1.5", Type: policy.DoubleProperty},
				{Name: "n", Value: "1", Type: policy.LongProperty}, {Name: "s", Value: "x"},
			}}}}}
		}},
		{"", file, func(p *policy.Subscription) { p.ForwardTo, p.Rules = "/audit", []policy.Rule{big} }},
		{"--to /other --filter b=1", file, func(p *policy.Subscription) {
			p.ForwardTo, p.Rules = "/other", []policy.Rule{big, {SQL: "b=1"}}
		}},
		{"--set MaxInFlight=2", `{"links":[{"href":"http://example.com/"}]}`, func(p *policy.Subscription) {
			p.PushTo, p.MaxInFlight = "http://example.com/", 2
		}},
	}
	for _, row := range rows {
		e := program(nil)
		e.stdin = strings.NewReader(row.file)
		args := strings.Fields(row.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "+", " ")
		}
		if row.file != "" {
			args = append(args, "--file", "-")
		}
		got, err := subscriptionOf(e, args)
		if want := subscriptionWith(row.want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s:\n%+v, %v\n%+v", row.args, row.file, got, err, want)
		}
	}
}

// subscriptionOf returns the policy that the flags of jitney subscribe state.
func subscriptionOf(e *env, args []string) (policy.Subscription, error) {
	s := subscribe{env: e}
	cmd := newSubscribeCommand(e)
	cmd.ResetFlags()
	cmd.Flags().StringVar(&s.file, "file", "", "")
	cmd.Flags().StringArrayVar(&s.sets, "set", nil, "")
	s.add(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		return policy.Subscription{}, err
	}
	return s.policy()
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	var e expiry
	if err := e.Set("2030-01-31T12:00:00+01:00"); err != nil || e.String() != "2030-01-31T11:00:00Z" {
		t.Errorf("%s, %v", &e, err)
	}
	before := time.Now()
	if err := e.Set("24h"); err != nil || e.Before(before.Add(24*time.Hour-time.Second)) || e.After(time.Now().Add(24*time.Hour)) {
		t.Errorf("%s, %v", &e, err)
	}
	for _, text := range []string{"", "soon", "0", "-1h", "2030-01-31"} {
		if err := e.Set(text); err == nil || !strings.HasPrefix(err.Error(), "want ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRulesInWords(t *testing.T) {
	t.Parallel()
	p := policy.Subscription{Rules: []policy.Rule{
		{SQL: "size > 10"},
		{Action: "SET a = 1"},
		{Equal: []policy.Correlation{{MessageID: "1", Label: "it's", Properties: []policy.Property{
			{Name: "n", Value: "7", Type: policy.LongProperty}, {Name: "s", Value: "7"},
		}}}},
	}}
	want := []string{"size > 10", "TRUE, then SET a = 1", "sys.MessageId = '1' AND sys.Label = 'it''s' AND n = 7 AND s = '7'"}
	if got := rulesOf(&p); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}
