package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// inQueue returns an entry with a QueuePolicy that holds inside.
func inQueue(inside string) string {
	return `<entry xmlns="http://www.w3.org/2005/Atom"><QueuePolicy xmlns="` + policy.Namespace + `">` + inside + `</QueuePolicy></entry>`
}

func inMetadata(inside string) string {
	return strings.ReplaceAll(inQueue(inside), "QueuePolicy", "MetadataPolicy")
}

func parse(body string) (policy.Policy, error) {
	entry, err := atom.ParseEntry([]byte(body))
	if err != nil {
		return nil, err
	}
	return policy.FromEntry(entry)
}

func mustParse(t *testing.T, body string) policy.Policy {
	t.Helper()
	p, err := parse(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return p
}

// wantField fails unless err holds a *problem.Field with this element and
// value, whose wanted text contains want.
func wantField(t *testing.T, err error, element, value, want string) {
	t.Helper()
	field, ok := errors.AsType[*problem.Field](err)
	if !ok {
		t.Fatalf("got error %v, want a *problem.Field", err)
	}
	if field.Element != element || field.Value != value || !strings.Contains(field.Want, want) {
		t.Fatalf("got %q %q wanting %q, want %q %q wanting …%s…", field.Element, field.Value, field.Want, element, value, want)
	}
}

// [P2]
func TestEmptyPolicyIsTheDefault(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		inQueue(""),
		inQueue(" \n<!-- nothing --> <?a?>"),
		strings.Replace(inQueue(""), "2009/05/servicebus", "2009/05/servicebus", 1),
		strings.Replace(inQueue(""), policy.Namespace, "http://schemas.microsoft.com/ws/2007/08/connect", 1),
		`<entry xmlns="http://www.w3.org/2005/Atom"><p:QueuePolicy xmlns:p="` + policy.Namespace + `"/></entry>`,
		`<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><QueuePolicy xmlns="` + policy.Namespace + `"/></content></entry>`,
		`<entry xmlns="http://www.w3.org/2005/Atom"><x xmlns="urn:x"/><QueuePolicy xmlns="` + policy.Namespace + `"/><RetentionPolicy xmlns="urn:x"/></entry>`,
	} {
		if got := mustParse(t, body); got != policy.Policy(policy.NewQueue()) {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

// [P1] [P2]
func TestWhichPolicy(t *testing.T) {
	t.Parallel()
	in := func(inside string) string {
		return `<entry xmlns="http://www.w3.org/2005/Atom" xmlns:p="` + policy.Namespace + `">` + inside + `</entry>`
	}
	tests := map[string]struct{ body, element, value, want string }{
		"None":           {in(""), "entry", "", "one policy: QueuePolicy or MetadataPolicy"},
		"OnlyOthers":     {in("<p:CountDetails/>"), "entry", "CountDetails", "one policy: QueuePolicy or MetadataPolicy"},
		"AsText":         {in("<content>&lt;QueuePolicy/&gt;</content>"), "entry", "", "one policy"},
		"TwoQueues":      {in("<p:QueuePolicy/><p:QueuePolicy/>"), "QueuePolicy", "", "one policy only; there is already QueuePolicy"},
		"QueueAndOther":  {in("<p:QueuePolicy/><p:MetadataPolicy/>"), "MetadataPolicy", "", "there is already QueuePolicy"},
		"BothPlaces":     {in(`<content type="application/xml"><p:QueuePolicy/></content><p:QueuePolicy/>`), "QueuePolicy", "", "one policy only"},
		"NoNamespace":    {in(`<QueuePolicy xmlns=""/>`), "QueuePolicy", "", "the namespace " + policy.Namespace},
		"AtomNamespace":  {in(`<QueuePolicy/>`), "QueuePolicy", atom.Namespace, "the namespace " + policy.Namespace},
		"WrongNamespace": {in(`<QueuePolicy xmlns="urn:p"/>`), "QueuePolicy", "urn:p", "the namespace " + policy.Namespace},
		"Unknown":        {in("<p:TopicPolicy/>"), "TopicPolicy", "", "QueuePolicy or MetadataPolicy"},
		"WrongCase":      {in("<p:queuePolicy/>"), "queuePolicy", "", "QueuePolicy or MetadataPolicy"},
		"Description":    {in(`<QueueDescription xmlns="urn:a"/>`), "entry", "QueueDescription", "one policy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(test.body)
			wantField(t, err, test.element, test.value, test.want)
			if errors.Is(err, policy.ErrNotAvailable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestStructure(t *testing.T) {
	t.Parallel()
	xsi := ` xmlns:i="http://www.w3.org/2001/XMLSchema-instance"`
	tests := map[string]struct{ body, element, value, want string }{
		"Unknown":         {inQueue("<LockDuratoin>PT30S</LockDuratoin>"), "LockDuratoin", "PT30S", "an element of QueuePolicy: LockDuration, MaxDeliveryCount"},
		"OfAnotherPolicy": {inQueue("<Address>http://a/</Address>"), "Address", "http://a/", "an element of QueuePolicy"},
		"WrongCase":       {inQueue("<lockDuration>PT30S</lockDuration>"), "lockDuration", "PT30S", "an element of QueuePolicy"},
		"WrongNamespace":  {inQueue(`<LockDuration xmlns="urn:a">PT30S</LockDuration>`), "LockDuration", "urn:a", "the namespace " + policy.Namespace},
		"NoNamespace":     {inQueue(`<LockDuration xmlns="">PT30S</LockDuration>`), "LockDuration", "", "the namespace " + policy.Namespace},
		"Twice":           {inQueue("<LockDuration>PT30S</LockDuration><LockDuration>PT30S</LockDuration>"), "LockDuration", "PT30S", "once; LockDuration was stated before"},
		"TwiceByAlias":    {inQueue("<MaxDeliveryCount>3</MaxDeliveryCount><MaxDequeueRetries>2</MaxDequeueRetries>"), "MaxDequeueRetries", "2", "once; MaxDeliveryCount was stated before"},
		"AliasTwice":      {inQueue("<MaxMessageAge>PT1S</MaxMessageAge><MaxMessageAge>PT1S</MaxMessageAge>"), "MaxMessageAge", "PT1S", "once; MaxMessageAge was stated before"},
		"TextInside":      {inQueue("PT30S"), "QueuePolicy", "PT30S", "elements inside, no text"},
		"Nested":          {inQueue("<LockDuration><Value>PT30S</Value></LockDuration>"), "LockDuration", "Value", "without elements inside"},
		"Endpoint":        {inQueue(`<PoisonMessageDrop><Address>http://a/</Address></PoisonMessageDrop>`), "PoisonMessageDrop", "Address", "a name, without elements inside"},
		"Nil":             {inQueue(`<LockDuration i:nil="true"` + xsi + `/>`), "LockDuration", "xsi:nil", "leave the element out"},
		"NilWithValue":    {inQueue(`<LockDuration i:nil="1"` + xsi + `>PT30S</LockDuration>`), "LockDuration", "xsi:nil", "leave the element out"},
		"Attribute":       {inQueue(`<LockDuration unit="s">30</LockDuration>`), "LockDuration", "unit", "no attribute"},
		"RootAttribute":   {strings.Replace(inQueue(""), "<QueuePolicy", `<QueuePolicy version="2"`, 1), "QueuePolicy", "version", "no attribute"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(test.body)
			wantField(t, err, test.element, test.value, test.want)
		})
	}
}

// What an XML writer may do to a document changes nothing.
func TestSameThingOtherwise(t *testing.T) {
	t.Parallel()
	xsi := ` xmlns:i="http://www.w3.org/2001/XMLSchema-instance"`
	want := policy.NewQueue()
	want.MaxDeliveryCount = 3
	want.UserMetadata = "a"
	for _, body := range []string{
		inQueue("<MaxDeliveryCount>3</MaxDeliveryCount><UserMetadata>a</UserMetadata>"),
		inQueue("<UserMetadata>a</UserMetadata><MaxDeliveryCount>3</MaxDeliveryCount>"),
		inQueue("\n <MaxDeliveryCount>\r\n\t+03 </MaxDeliveryCount>\n<UserMetadata>a</UserMetadata>\n"),
		inQueue("<MaxDeliveryCount><![CDATA[3]]></MaxDeliveryCount><UserMetadata><![CDATA[]]>&#97;</UserMetadata>"),
		inQueue("<MaxDeliveryCount><!-- 10 -->3<?x 0?></MaxDeliveryCount><UserMetadata>a<!-- b --></UserMetadata>"),
		inQueue(`<MaxDeliveryCount i:nil="false" i:type="int"` + xsi + `>3</MaxDeliveryCount><UserMetadata xml:space="preserve">a</UserMetadata>`),
		inQueue(`<p:MaxDeliveryCount xmlns:p="` + policy.Namespace + `">3</p:MaxDeliveryCount><UserMetadata>a</UserMetadata>`),
		inQueue(`<MaxDequeueRetries xmlns="http://schemas.microsoft.com/ws/2007/08/connect">2</MaxDequeueRetries><UserMetadata>a</UserMetadata>`),
	} {
		if got := mustParse(t, body); got != policy.Policy(want) {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

func TestTruncatedPolicy(t *testing.T) {
	t.Parallel()
	whole := inQueue("<LockDuration>PT30S</LockDuration><Overflow>DiscardIncomingMessage</Overflow>")
	mustParse(t, whole)
	for i := range len(whole) {
		if p, err := parse(whole[:i]); err == nil {
			t.Errorf("%q gave %+v", whole[:i], p)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		p                    policy.Policy
		element, value, want string
	}{
		"ZeroQueue":   {policy.Queue{}, "LockDuration", "PT0S", "from PT1S to PT12H"},
		"Negative":    {with(func(q *policy.Queue) { q.MaxLength = -1 }), "MaxQueueLength", "-1", "from 0"},
		"NoSuchValue": {with(func(q *policy.Queue) { q.Overflow = 3 }), "Overflow", "3", "one of RejectIncomingMessage"},
		"Waiting":     {with(func(q *policy.Queue) { q.RequiresSession = true }), "RequiresSession", "true", "false, the default"},
		"NotText":     {with(func(q *policy.Queue) { q.UserMetadata = "\x00" }), "UserMetadata", "\x00", "at most 1024"},
		"NotUTF8":     {with(func(q *policy.Queue) { q.ForwardTo = "\xff" }), "ForwardTo", "\xff", "a name"},
		"NoAddress":   {policy.Metadata{}, "Address", "", "an absolute URI"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantField(t, policy.Validate(test.p), test.element, test.value, test.want)
		})
	}
	for _, p := range []policy.Policy{policy.NewQueue(), policy.Metadata{Address: "https://example.com"}} {
		if err := policy.Validate(p); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// with returns a queue's defaults with a change.
func with(change func(*policy.Queue)) policy.Queue {
	q := policy.NewQueue()
	change(&q)
	return q
}
