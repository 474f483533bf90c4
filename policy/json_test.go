package policy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
)

// [N6]
func TestParseJSON(t *testing.T) {
	t.Parallel()
	want := with(func(q *policy.Queue) {
		q.MaxDeliveryCount = 4
		q.DeadLetterExpired = true
		q.TimeToLive = 0
		q.UserMetadata = "é"
	})
	for _, body := range []string{
		`{"QueuePolicy":{"MaxDeliveryCount":4,"DeadLetteringOnMessageExpiration":true,"UserMetadata":"\u00e9"}}`,
		`{"title":"one","links":[{"rel":"self","href":"/one/$policy"}],"QueuePolicy":
			{"UserMetadata":"é","MaxDequeueRetries":3,"DeadLetteringOnMessageExpiration":true,"DefaultMessageTimeToLive":"P10675199DT2H48M5.4775807S"}}`,
	} {
		got, err := policy.ParseJSON([]byte(body))
		if err != nil || got != policy.Policy(want) {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
	if got, err := policy.ParseJSON([]byte(`{"QueuePolicy":{}}`)); err != nil || got != policy.Policy(policy.NewQueue()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// [N6]
func TestParseJSONRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, element, value, want string }{
		"Empty":            {``, "entry", "", "valid JSON"},
		"NoPolicy":         {`{}`, "entry", "", "one policy: QueuePolicy or MetadataPolicy"},
		"UnknownMember":    {`{"QueuePolicy":{},"comment":"a"}`, "comment", "a", "no other member than a policy"},
		"Unwrapped":        {`{"LockDuration":"PT30S"}`, "LockDuration", "PT30S", "no other member than a policy: QueuePolicy"},
		"TwoPolicies":      {`{"QueuePolicy":{},"MetadataPolicy":{}}`, "MetadataPolicy", "", "one policy only"},
		"SamePolicyTwice":  {`{"QueuePolicy":{},"QueuePolicy":{}}`, "QueuePolicy", "", "only once"},
		"PolicyNull":       {`{"QueuePolicy":null}`, "QueuePolicy", "null", "a value"},
		"PolicyString":     {`{"QueuePolicy":""}`, "QueuePolicy", "", "elements inside"},
		"PolicyList":       {`{"QueuePolicy":[{}]}`, "QueuePolicy", "", "elements inside"},
		"UnknownPolicy":    {`{"TopicPolicy":{}}`, "TopicPolicy", "", "QueuePolicy or MetadataPolicy"},
		"UnknownField":     {`{"QueuePolicy":{"lockDuration":"PT30S"}}`, "lockDuration", "PT30S", "an element of QueuePolicy"},
		"DuplicateField":   {`{"QueuePolicy":{"LockDuration":"PT30S","LockDuration":"PT30S"}}`, "LockDuration", "", "only once"},
		"DuplicateAlias":   {`{"QueuePolicy":{"MaxMessageAge":"PT1S","DefaultMessageTimeToLive":"PT1S"}}`, "DefaultMessageTimeToLive", "PT1S", "once; MaxMessageAge"},
		"Null":             {`{"QueuePolicy":{"LockDuration":null}}`, "LockDuration", "null", "leave the member out"},
		"DurationNumber":   {`{"QueuePolicy":{"LockDuration":30}}`, "LockDuration", "30", "as a JSON string"},
		"NumberString":     {`{"QueuePolicy":{"MaxDeliveryCount":"10"}}`, "MaxDeliveryCount", `"10"`, "as a JSON number"},
		"NumberFraction":   {`{"QueuePolicy":{"MaxDeliveryCount":1.5}}`, "MaxDeliveryCount", "1.5", "a whole number"},
		"NumberExponent":   {`{"QueuePolicy":{"MaxDeliveryCount":1e400}}`, "MaxDeliveryCount", "1e400", "a whole number"},
		"BooleanNumber":    {`{"QueuePolicy":{"RequiresSession":0}}`, "RequiresSession", "0", "as a JSON boolean"},
		"BooleanString":    {`{"QueuePolicy":{"RequiresSession":"false"}}`, "RequiresSession", `"false"`, "as a JSON boolean"},
		"Object":           {`{"QueuePolicy":{"UserMetadata":{}}}`, "UserMetadata", "{}", "as a JSON string"},
		"List":             {`{"QueuePolicy":{"LockDuration":["PT30S"]}}`, "LockDuration", `["PT30S"]`, "as a JSON string"},
		"OutOfRange":       {`{"QueuePolicy":{"LockDuration":"PT0S"}}`, "LockDuration", "PT0S", "from PT1S to PT12H"},
		"ControlCharacter": {`{"QueuePolicy":{"UserMetadata":"\u0000"}}`, "UserMetadata", "\x00", "control characters"},
		"TrailingData":     {`{"QueuePolicy":{}}{}`, "entry", "", "valid JSON"},
		"TooLong":          {`{"QueuePolicy":{}}` + strings.Repeat(" ", atom.MaxEntry), "entry", "", "at most 262144 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.ParseJSON([]byte(test.body))
			wantField(t, err, test.element, test.value, test.want)
		})
	}
	for _, body := range []string{`{"QueuePolicy":{"Index":["$.a"]}}`, `{"QueuePolicy":{"Index":[]}}`, `{"ConnectionPointPolicy":{"RequiresClientAuthorization":false}}`} {
		if _, err := policy.ParseJSON([]byte(body)); !errors.Is(err, policy.ErrNotAvailable) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestMarshalJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(with(func(q *policy.Queue) { q.ForwardTo = "/next" }))
	want := `{"QueuePolicy":{"LockDuration":"PT1M","MaxDeliveryCount":10,"DeadLetteringOnMessageExpiration":false,` +
		`"MaxMessageSizeInKilobytes":1024,"EnqueueTimeout":"PT10S","Overflow":"RejectIncomingMessage","ForwardTo":"/next",` +
		`"Status":"Active","RequiresSession":false,"RequiresDuplicateDetection":false,` +
		`"DuplicateDetectionHistoryTimeWindow":"PT10M","DefaultStatus":"Pending","IdempotentMessages":false,` +
		`"PreviousVersion":false,"Authorization":"Required","Discoverability":"Managers","TransportProtection":"None"}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	got, err = json.Marshal(policy.Metadata{Address: "https://example.com/a"})
	want = `{"MetadataPolicy":{"Address":"https://example.com/a","Status":"Active","Authorization":"Required",` +
		`"Discoverability":"Managers","TransportProtection":"None"}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}
