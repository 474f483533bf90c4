package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

func inSubscription(inside string) string {
	return strings.ReplaceAll(inQueue(inside), "QueuePolicy", "SubscriptionPolicy")
}

func inRule(inside string) string { return inSubscription("<Rule>" + inside + "</Rule>") }

func inCorrelation(inside string) string {
	return inRule("<CorrelationFilter>" + inside + "</CorrelationFilter>")
}

func inProperty(inside string) string {
	return inCorrelation("<Property>" + inside + "</Property>")
}

func subscription(edit func(*policy.Subscription)) policy.Subscription {
	s := policy.NewSubscription()
	edit(&s)
	return s
}

// [S1] [P2]
func TestSubscriptionElements(t *testing.T) {
	t.Parallel()
	for body, edit := range map[string]func(*policy.Subscription){
		inSubscription(""): func(*policy.Subscription) {},
		inSubscription("<MaxInFlight>1</MaxInFlight>"):         func(*policy.Subscription) {},
		inSubscription("<MaxInFlight>100</MaxInFlight>"):       func(s *policy.Subscription) { s.MaxInFlight = 100 },
		inSubscription("<Address> http://a </Address>"):        func(s *policy.Subscription) { s.PushTo = "http://a" },
		inSubscription("<Address>HTTPS://a.b:1/c?d</Address>"): func(s *policy.Subscription) { s.PushTo = "HTTPS://a.b:1/c?d" },
		inSubscription("<EndTo>https://a/</EndTo>"):            func(s *policy.Subscription) { s.EndTo = "https://a/" },
		inSubscription("<ForwardTo>/a</ForwardTo>"):            func(s *policy.Subscription) { s.ForwardTo = "/a" },
		inSubscription("<LockDuration>PT5S</LockDuration>"):    func(s *policy.Subscription) { s.LockDuration = 5 * time.Second },
		inSubscription("<MaxDequeueRetries>0</MaxDequeueRetries>"): func(s *policy.Subscription) {
			s.MaxDeliveryCount = 1
		},
		inSubscription("<ExpirationInstant>2030-01-31T12:00:00Z</ExpirationInstant>"): func(s *policy.Subscription) {
			s.ExpiresAt = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
		},
		inSubscription("<HttpHeader><Value>1</Value><Name> A </Name></HttpHeader><MaxInFlight>2</MaxInFlight><HttpHeader><Name>B</Name><Value> 2 </Value></HttpHeader>"): func(s *policy.Subscription) {
			s.Headers, s.MaxInFlight = []policy.Header{{Name: "A", Value: "1"}, {Name: "B", Value: " 2 "}}, 2
		},
		inSubscription("<Rule/>"):        func(s *policy.Subscription) { s.Rules = []policy.Rule{{}} },
		inSubscription("<Rule/><Rule/>"): func(s *policy.Subscription) { s.Rules = []policy.Rule{{}, {}} },
		inRule("<Name>a</Name><SqlFilter>a &lt; 1</SqlFilter><SqlAction>SET a = 1</SqlAction>"): func(s *policy.Subscription) {
			s.Rules = []policy.Rule{{Name: "a", SQL: "a < 1", Action: "SET a = 1"}}
		},
		inCorrelation(""): func(s *policy.Subscription) { s.Rules = []policy.Rule{{Equal: []policy.Correlation{{}}}} },
		inCorrelation("<MessageId>1</MessageId><SessionId>2</SessionId><CorrelationId>3</CorrelationId><Label>4</Label><To>5</To><ReplyTo>6</ReplyTo><ReplyToSessionId>7</ReplyToSessionId><ContentType>8</ContentType>"): func(s *policy.Subscription) {
			s.Rules = []policy.Rule{{Equal: []policy.Correlation{{MessageID: "1", SessionID: "2", CorrelationID: "3", Label: "4", To: "5", ReplyTo: "6", ReplyToSessionID: "7", ContentType: "8"}}}}
		},
		inCorrelation("<Subject>4</Subject>"): func(s *policy.Subscription) {
			s.Rules = []policy.Rule{{Equal: []policy.Correlation{{Label: "4"}}}}
		},
		inCorrelation("<Property><Name>a</Name><Value>b</Value></Property><Property><Name>c</Name><Value>1</Value><Type>long</Type></Property>" +
			"<Property><Name>d</Name><Value>1</Value><Type>double</Type></Property><Property><Name>e</Name><Value>true</Value><Type>boolean</Type></Property>"): func(s *policy.Subscription) {
			s.Rules = []policy.Rule{{Equal: []policy.Correlation{{Properties: []policy.Property{
				{Name: "a", Value: "b"}, {Name: "c", Value: "1", Type: policy.LongProperty},
				{Name: "d", Value: "1", Type: policy.DoubleProperty}, {Name: "e", Value: "true", Type: policy.BooleanProperty},
			}}}}}
		},
	} {
		want := subscription(edit)
		if got := mustParse(t, body); !reflect.DeepEqual(got, policy.Policy(want)) {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
		wantTwin(t, want)
	}
}

// Values that may be empty are stated when they are. [S1]
func TestEmptyValuesSurvive(t *testing.T) {
	t.Parallel()
	wantTwin(t, mustParse(t, inProperty("<Name>a</Name><Value/>")))
	wantTwin(t, mustParse(t, inSubscription("<HttpHeader><Name>A</Name><Value></Value></HttpHeader>")))
}

// A rule can be stated in JSON by itself or in a list. [N6]
func TestSubscriptionJSON(t *testing.T) {
	t.Parallel()
	for body, rules := range map[string][]policy.Rule{
		`{"Rule":{"Name":"a"}}`:                     {{Name: "a"}},
		`{"Rule":[{"Name":"a"}]}`:                   {{Name: "a"}},
		`{"Rule":[{"Name":"a"},{"SqlFilter":"b"}]}`: {{Name: "a"}, {SQL: "b"}},
		`{"Rule":[{}]}`:                             {{}},
		`{"Rule":[]}`:                               nil,
		`{"Rule":[{"CorrelationFilter":{}}]}`:       {{Equal: []policy.Correlation{{}}}},
		`{"Rule":[{"CorrelationFilter":[{}]}]}`:     {{Equal: []policy.Correlation{{}}}},
		`{"Rule":{"CorrelationFilter":{"To":"x"}}}`: {{Equal: []policy.Correlation{{To: "x"}}}},
		`{"Rule":{"CorrelationFilter":{"Property":{"Name":"a","Value":"b","Type":"string"}}}}`: {{Equal: []policy.Correlation{{Properties: []policy.Property{{Name: "a", Value: "b"}}}}}},
	} {
		got, err := policy.ParseJSON([]byte(`{"SubscriptionPolicy":` + body + `}`))
		want := subscription(func(s *policy.Subscription) { s.Rules = rules })
		if err != nil || !policy.Equal(got, want) {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
}

// [P2]: what is wrong inside a rule says which element it is.
func TestSubscriptionRefuses(t *testing.T) {
	t.Parallel()
	times := func(n int, element string) string { return strings.Repeat(element, n) }
	property := "<Property><Name>a</Name><Value>b</Value></Property>"
	header := "<HttpHeader><Name>a</Name><Value>b</Value></HttpHeader>"
	long := strings.Repeat("é", 4097)
	for _, c := range []struct{ body, element, value, want string }{
		{inSubscription("<MaxInFlight>0</MaxInFlight>"), "MaxInFlight", "0", "from 1 to 100"},
		{inSubscription("<MaxInFlight>101</MaxInFlight>"), "MaxInFlight", "101", "from 1 to 100"},
		{inSubscription("<MaxInFlight>1</MaxInFlight><MaxInFlight>1</MaxInFlight>"), "MaxInFlight", "1", "once"},
		{inSubscription("<Address>/a</Address>"), "Address", "/a", "http or https"},
		{inSubscription("<Address>http:/a</Address>"), "Address", "http:/a", "host"},
		{inSubscription("<EndTo>a@b</EndTo>"), "EndTo", "a@b", "http or https"},
		{inSubscription("<Rules/>"), "Rules", "", "an element of SubscriptionPolicy"},
		{inSubscription(times(101, "<Rule/>")), "Rule", "", "at most 100 times"},
		{inSubscription(times(33, header)), "HttpHeader", "", "at most 32 times"},
		{inSubscription("<Rule>all</Rule>"), "Rule", "all", "elements inside"},
		{inSubscription("<Rule a='b'/>"), "Rule", "a", "no attribute"},
		{inSubscription("<Rule xmlns='urn:x'/>"), "Rule", "urn:x", "the namespace"},
		{inSubscription("<HttpHeader><Name>a</Name></HttpHeader>"), "Value", "", ""},
		{inSubscription("<HttpHeader><Value>a</Value></HttpHeader>"), "Name", "", "the name of a field"},
		{inSubscription("<HttpHeader><Name>a</Name><Value>" + long[:2*1025] + "</Value></HttpHeader>"), "Value", long[:2*1025], "at most 1024"},
		{inRule("<Name>a</Name><Name>b</Name>"), "Name", "b", "once"},
		{inRule("<Name>" + long[:2*51] + "</Name>"), "Name", long[:2*51], "at most 50"},
		{inRule("<Filter/>"), "Filter", "", "an element of Rule"},
		{inRule("<SqlFilter>" + long + "</SqlFilter>"), "SqlFilter", long, "at most 4096"},
		{inRule("<SqlAction>" + long + "</SqlAction>"), "SqlAction", long, "at most 4096"},
		{inRule("<CorrelationFilter/><CorrelationFilter/>"), "CorrelationFilter", "", "at most 1 times"},
		{inCorrelation("<Id>1</Id>"), "Id", "1", "an element of CorrelationFilter"},
		{inCorrelation("<Label>a</Label><Subject>b</Subject>"), "Subject", "b", "once; Label"},
		{inCorrelation("<To>" + long[:2*1025] + "</To>"), "To", long[:2*1025], "at most 1024"},
		{inCorrelation(times(65, property)), "Property", "", "at most 64 times"},
		{inProperty("<Name>a</Name>"), "Value", "", ""},
		{inProperty("<Value>a</Value>"), "Name", "", "the name of a property"},
		{inProperty("<Name> </Name><Value>a</Value>"), "Name", " ", "the name of a property"},
		{inProperty("<Name>a</Name><Value>a</Value><Type>int</Type>"), "Type", "int", "string, long, double, boolean"},
		{inProperty("<Name>a</Name><Value><b/></Value>"), "Value", "b", "without elements"},
	} {
		_, err := parse(c.body)
		cut, _ := errors.AsType[*problem.Field](problem.NewField("", c.value, "")) // as a long value is
		wantField(t, err, c.element, cut.Value, c.want)
	}
	for _, at := range []string{times(100, "<Rule/>"), times(32, header), "<Rule><CorrelationFilter>" + times(64, property) + "</CorrelationFilter></Rule>"} {
		wantTwin(t, mustParse(t, inSubscription(at)))
	}
}

// A secret is stored, is part of what is stated, and is never shown. [S1]
func TestSecret(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	s := mustParse(t, inSubscription("<Secret>"+secret+"</Secret>"))
	if shown := string(entryOf(s).AppendXML(nil)); strings.Contains(shown, "Secret") || strings.Contains(shown, secret) {
		t.Errorf("shown: %s", shown)
	}
	entry, err := json.Marshal(entryOf(s))
	if err != nil || strings.Contains(string(entry), "Secret") {
		t.Errorf("shown: %s, %v", entry, err)
	}
	stored, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(stored), secret) {
		t.Errorf("stored: %s, %v", stored, err)
	}
	if policy.Equal(s, policy.NewSubscription()) {
		t.Error("a policy with a secret is equal to one without")
	}
}

// [S1]: a link says who moves the messages on.
func TestSubscriptionFromEntry(t *testing.T) {
	t.Parallel()
	const entry = `<entry xmlns="http://www.w3.org/2005/Atom">%s</entry>`
	element := func(inside string) string {
		return `<SubscriptionPolicy xmlns="` + policy.Namespace + `">` + inside + `</SubscriptionPolicy>`
	}
	for _, c := range []struct{ inside, forwardTo, pushTo string }{
		{``, "", ""},
		{element(""), "", ""},
		{`<link href="/a"/>`, "/a", ""},
		{`<link rel="alternate" href="/a/b"/>` + element("<MaxInFlight>2</MaxInFlight>"), "/a/b", ""},
		{`<link rel="self" href="/x"/><link rel="alternate" href="https://a/b"/>`, "", "https://a/b"},
		{`<link rel="edit" href="/x"/>` + element("<ForwardTo>/a</ForwardTo>"), "/a", ""},
	} {
		e, err := atom.ParseEntry(fmt.Appendf(nil, entry, c.inside))
		if err != nil {
			t.Fatal(c.inside, err)
		}
		if s, err := policy.SubscriptionFromEntry(e, ""); err != nil || s.ForwardTo != c.forwardTo || s.PushTo != c.pushTo {
			t.Errorf("%s: got %+v, %v", c.inside, s, err)
		}
	}
	for _, c := range []struct{ inside, element, value, want string }{
		{`<link rel="alternate" href="/a"/><link rel="alternate" href="/b"/>`, "link", "/b", "one subscriber; there is already /a"},
		{`<link rel="alternate" href="/b"/>` + element("<ForwardTo>/a</ForwardTo>"), "link", "/b", "already /a"},
		{`<link rel="alternate" href="/b"/>` + element("<Address>https://a/</Address>"), "link", "/b", "already https://a/"},
		{`<link rel="alternate" href="a"/>`, "link", "a", "the path of a name"},
		{`<link rel="alternate" href="http://"/>`, "link", "http://", "a host"},
		{`<QueuePolicy xmlns="` + policy.Namespace + `"/>`, "QueuePolicy", "", "SubscriptionPolicy, or no policy"},
		{element("") + element(""), "SubscriptionPolicy", "", "one policy only"},
		{element("<MaxInFlight/>"), "MaxInFlight", "", "a whole number"},
	} {
		e, err := atom.ParseEntry(fmt.Appendf(nil, entry, c.inside))
		if err != nil {
			t.Fatal(c.inside, err)
		}
		_, err = policy.SubscriptionFromEntry(e, "")
		wantField(t, err, c.element, c.value, c.want)
	}
}

// subscriptions are random ones, empty values among them where they are none.
func subscriptions() *rapid.Generator[policy.Subscription] {
	texts := func(most int) *rapid.Generator[string] { return rapid.StringN(0, most, -1).Filter(atom.IsText) }
	words := rapid.StringN(1, 20, -1).Filter(func(s string) bool { return atom.IsText(s) && strings.TrimSpace(s) == s })
	values := texts(20).Filter(func(s string) bool { return s != "" })
	properties := rapid.Custom(func(t *rapid.T) policy.Property {
		return policy.Property{Name: words.Draw(t, "name"), Value: values.Draw(t, "value"), Type: rapid.SampledFrom([]policy.PropertyType{0, 1, 2, 3}).Draw(t, "type")}
	})
	correlations := rapid.Custom(func(t *rapid.T) policy.Correlation {
		return policy.Correlation{
			MessageID: texts(9).Draw(t, "id"), Label: texts(9).Draw(t, "label"), ContentType: texts(9).Draw(t, "content type"),
			Properties: rapid.SliceOfN(properties, 0, 3).Draw(t, "properties"),
		}
	})
	rules := rapid.Custom(func(t *rapid.T) policy.Rule {
		return policy.Rule{
			Name: texts(50).Draw(t, "name"), SQL: texts(99).Draw(t, "sql"), Action: texts(99).Draw(t, "action"),
			Equal: rapid.SliceOfN(correlations, 0, 1).Draw(t, "equal"),
		}
	})
	headers := rapid.Custom(func(t *rapid.T) policy.Header {
		return policy.Header{Name: words.Draw(t, "name"), Value: values.Draw(t, "value")}
	})
	return rapid.Custom(func(t *rapid.T) policy.Subscription {
		s := policy.NewSubscription()
		s.Queue = queues().Draw(t, "queue")
		if rapid.Bool().Draw(t, "pushed") {
			s.PushTo, s.ForwardTo = "https://example.com/"+rapid.StringMatching(`[a-z]{0,9}`).Draw(t, "path"), ""
		}
		s.MaxInFlight = rapid.IntRange(1, 100).Draw(t, "in flight")
		s.Headers = rapid.SliceOfN(headers, 0, 4).Draw(t, "headers")
		s.Rules = rapid.SliceOfN(rules, 0, 4).Draw(t, "rules")
		return s
	}).Filter(func(s policy.Subscription) bool { return policy.Validate(s) == nil })
}

// [N6] [P3]
func TestSubscriptionSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := subscriptions().Draw(t, "policy")
		got, err := parse(string(entryOf(want).AppendXML(nil)))
		if err != nil || !policy.Equal(got, want) {
			t.Fatalf("XML: got %+v, %v, want %+v", got, err, want)
		}
		for _, twin := range []any{want, entryOf(want)} {
			document, err := json.Marshal(twin)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = policy.ParseJSON(document); err != nil || !policy.Equal(got, want) {
				t.Fatalf("%s: got %+v, %v, want %+v", document, got, err, want)
			}
		}
		if err := policy.Change(want, got); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever is inside a SubscriptionPolicy, it is refused with the element that
// is to blame, or survives both forms.
func FuzzSubscription(f *testing.F) {
	for _, seed := range []string{
		``, `<Rule/>`, `<Rule><Rule/></Rule>`, `<Rule><CorrelationFilter><Property><Name>a</Name><Value/></Property></CorrelationFilter></Rule>`,
		`<HttpHeader><Name>a</Name><Value></Value></HttpHeader>`, `<HttpHeader>a</HttpHeader>`, `<Secret>whsec_</Secret>`, `<Rule><Name> </Name></Rule>`,
		`<Address>http://a\b@c/</Address>`, `<Address>http://[::1]:99999/</Address>`, `<EndTo>http://a%00/</EndTo>`, `<Rule><SqlFilter>&#13;</SqlFilter></Rule>`,
		`<Rule><CorrelationFilter><Subject/><Label/></CorrelationFilter></Rule>`, `<MaxInFlight>１</MaxInFlight>`, `<ForwardTo>/a/../b</ForwardTo>`,
	} {
		f.Add(inSubscription(seed))
	}
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parse(body)
		if err != nil {
			if field, ok := errors.AsType[*problem.Field](err); !ok || field.Element == "" || field.Want == "" {
				t.Errorf("got error %v, want a *problem.Field", err)
			}
			return
		}
		s, is := p.(policy.Subscription)
		if !is {
			return
		}
		s.Secret = "" // it is not shown
		wantTwin(t, s)
	})
}
