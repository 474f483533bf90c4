package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/policy"
)

// Every element at the ends of its range. [P2]
func TestQueueElements(t *testing.T) {
	t.Parallel()
	maxSpan := "P10675199DT2H48M5.4775807S"
	characters := strings.Repeat("😀", 1024)
	tests := []struct {
		element, text string
		want          func(*policy.Queue)
	}{
		{"LockDuration", "PT1S", func(q *policy.Queue) { q.LockDuration = time.Second }},
		{"LockDuration", "PT12H", func(q *policy.Queue) { q.LockDuration = 12 * time.Hour }},
		{"LockDuration", "PT43200S", func(q *policy.Queue) { q.LockDuration = 12 * time.Hour }},
		{"LockDuration", "PT1.5S", func(q *policy.Queue) { q.LockDuration = 1500 * time.Millisecond }},
		{"MaxDeliveryCount", "1", func(q *policy.Queue) { q.MaxDeliveryCount = 1 }},
		{"MaxDeliveryCount", "1000000", func(q *policy.Queue) { q.MaxDeliveryCount = 1_000_000 }},
		{"MaxDequeueRetries", "0", func(q *policy.Queue) { q.MaxDeliveryCount = 1 }},
		{"MaxDequeueRetries", "3", func(q *policy.Queue) { q.MaxDeliveryCount = 4 }},
		{"MaxDequeueRetries", "999999", func(q *policy.Queue) { q.MaxDeliveryCount = 1_000_000 }},
		{"DefaultMessageTimeToLive", "PT1S", func(q *policy.Queue) { q.TimeToLive = time.Second }},
		{"DefaultMessageTimeToLive", "P14D", func(q *policy.Queue) { q.TimeToLive = 14 * 24 * time.Hour }},
		{"DefaultMessageTimeToLive", maxSpan, func(q *policy.Queue) { q.TimeToLive = 0 }},
		{"DefaultMessageTimeToLive", "PT9223372036.854775806S", func(q *policy.Queue) { q.TimeToLive = policy.Forever - 1 }},
		{"DefaultMessageTimeToLive", "PT9223372036.854775808S", func(q *policy.Queue) { q.TimeToLive = 0 }},
		{"MaxMessageAge", "PT10M", func(q *policy.Queue) { q.TimeToLive = 10 * time.Minute }},
		{"DeadLetteringOnMessageExpiration", "true", func(q *policy.Queue) { q.DeadLetterExpired = true }},
		{"DeadLetteringOnMessageExpiration", "1", func(q *policy.Queue) { q.DeadLetterExpired = true }},
		{"DeadLetteringOnMessageExpiration", "0", func(q *policy.Queue) {}},
		{"MaxMessageSizeInKilobytes", "1", func(q *policy.Queue) { q.MaxMessageKilobytes = 1 }},
		{"MaxMessageSizeInKilobytes", "102400", func(q *policy.Queue) { q.MaxMessageKilobytes = 102_400 }},
		{"MaxMessageSize", "64", func(q *policy.Queue) { q.MaxMessageKilobytes = 64 }},
		{"MaxQueueLength", "0", func(q *policy.Queue) {}},
		{"MaxQueueLength", "9223372036854775807", func(q *policy.Queue) { q.MaxLength = 1<<63 - 1 }},
		{"MaxSizeInMegabytes", "0", func(q *policy.Queue) {}},
		{"MaxSizeInMegabytes", "8796093022207", func(q *policy.Queue) { q.MaxMegabytes = 1<<43 - 1 }},
		{"EnqueueTimeout", "PT0S", func(q *policy.Queue) { q.EnqueueTimeout = 0 }},
		{"EnqueueTimeout", "-PT0S", func(q *policy.Queue) { q.EnqueueTimeout = 0 }},
		{"EnqueueTimeout", "PT1M", func(q *policy.Queue) { q.EnqueueTimeout = time.Minute }},
		{"Overflow", "RejectIncomingMessage", func(q *policy.Queue) {}},
		{"Overflow", "DiscardIncomingMessage", func(q *policy.Queue) { q.Overflow = policy.DiscardIncoming }},
		{"Overflow", "DiscardExistingMessage", func(q *policy.Queue) { q.Overflow = policy.DiscardExisting }},
		{"MaxConcurrentReaders", "1", func(q *policy.Queue) { q.MaxLocked = 1 }},
		{"MaxConcurrentReaders", "2147483647", func(q *policy.Queue) { q.MaxLocked = 1<<31 - 1 }},
		{"PoisonMessageDrop", "/poison", func(q *policy.Queue) { q.DeadLetterTo = "/poison" }},
		{"PoisonMessageDrop", "httpd", func(q *policy.Queue) { q.DeadLetterTo = "httpd" }},
		{"PoisonMessageDrop", " a%20b\n", func(q *policy.Queue) { q.DeadLetterTo = "a%20b" }},
		{"ForwardDeadLetteredMessagesTo", "/poison", func(q *policy.Queue) { q.DeadLetterTo = "/poison" }},
		{"ForwardTo", "/next", func(q *policy.Queue) { q.ForwardTo = "/next" }},
		{"RequiresSession", "false", func(q *policy.Queue) {}},
		{"RequiresDuplicateDetection", "0", func(q *policy.Queue) {}},
		{"DuplicateDetectionHistoryTimeWindow", "PT600S", func(q *policy.Queue) {}},
		{"DefaultStatus", "Pending", func(q *policy.Queue) {}},
		{"KeepProcessedMessagesFor", "PT0S", func(q *policy.Queue) {}},
		{"IdempotentMessages", "false", func(q *policy.Queue) {}},
		{"PreviousVersion", "false", func(q *policy.Queue) {}},
		{"AutoDeleteOnIdle", maxSpan, func(q *policy.Queue) {}},
		{"Authorization", "Required", func(q *policy.Queue) {}},
		{"Discoverability", "Managers", func(q *policy.Queue) {}},
		{"Discoverability", "Public", func(q *policy.Queue) { q.Discoverability = policy.Public }},
		{"TransportProtection", "None", func(q *policy.Queue) {}},
		{"ExpirationInstant", "2030-01-31T12:00:00Z", func(q *policy.Queue) {
			q.ExpiresAt = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
		}},
		{"Status", "Disabled", func(q *policy.Queue) { q.Status = policy.Disabled }},
		{"Status", "SendDisabled", func(q *policy.Queue) { q.Status = policy.SendDisabled }},
		{"Status", "ReceiveDisabled", func(q *policy.Queue) { q.Status = policy.ReceiveDisabled }},
		{"UserMetadata", "", func(q *policy.Queue) {}},
		{"UserMetadata", " kept \n as it is ", func(q *policy.Queue) { q.UserMetadata = " kept \n as it is " }},
		{"UserMetadata", characters, func(q *policy.Queue) { q.UserMetadata = characters }},
	}
	for _, test := range tests {
		body := inQueue("<" + test.element + ">" + test.text + "</" + test.element + ">")
		if got, want := mustParse(t, body), with(test.want); got != policy.Policy(want) {
			t.Errorf("%s %.40q: got %+v, want %+v", test.element, test.text, got, want)
		}
	}
}

// [P2]
func TestQueueElementsRefuse(t *testing.T) {
	t.Parallel()
	lock, count := "a duration from PT1S to PT12H", "a whole number from 1 to 1000000"
	tests := []struct{ element, text, want string }{
		{"LockDuration", "", lock},
		{"LockDuration", "0", lock},
		{"LockDuration", "30", lock},
		{"LockDuration", "30s", lock},
		{"LockDuration", "00:00:30", lock},
		{"LockDuration", "PT0S", lock},
		{"LockDuration", "-PT30S", lock},
		{"LockDuration", "PT0.999999999S", lock},
		{"LockDuration", "PT12H0.000000001S", lock},
		{"LockDuration", "P1M", lock},
		{"LockDuration", "P0Y0DT30S", lock},
		{"LockDuration", "P10675199DT2H48M5.4775807S", lock},
		{"LockDuration", "PT9223372036854775808S", lock},
		{"LockDuration", "PT30S PT30S", lock},
		{"LockDuration", "NaN", lock},
		{"MaxDeliveryCount", "", count},
		{"MaxDeliveryCount", "0", count},
		{"MaxDeliveryCount", "-1", count},
		{"MaxDeliveryCount", "1000001", count},
		{"MaxDeliveryCount", "2147483648", count},
		{"MaxDeliveryCount", "18446744073709551617", count},
		{"MaxDeliveryCount", "NaN", count},
		{"MaxDeliveryCount", "1.0", count},
		{"MaxDeliveryCount", "1e3", count},
		{"MaxDeliveryCount", "0x10", count},
		{"MaxDeliveryCount", "1_0", count},
		{"MaxDeliveryCount", "１", count},
		{"MaxDeliveryCount", "1 0", count},
		{"MaxDequeueRetries", "-1", "a whole number from 0 to 999999"},
		{"MaxDequeueRetries", "1000000", "a whole number from 0 to 999999"},
		{"MaxDequeueRetries", "9223372036854775807", "a whole number from 0 to 999999"},
		{"DefaultMessageTimeToLive", "PT0S", "a duration of at least PT1S"},
		{"DefaultMessageTimeToLive", "PT0.999S", "a duration of at least PT1S"},
		{"DefaultMessageTimeToLive", "-P10675199DT2H48M5.4775808S", "a duration of at least PT1S"},
		{"MaxMessageAge", "PT0S", "a duration of at least PT1S"},
		{"DeadLetteringOnMessageExpiration", "", "true or false"},
		{"DeadLetteringOnMessageExpiration", "True", "true or false"},
		{"DeadLetteringOnMessageExpiration", "yes", "true or false"},
		{"MaxMessageSizeInKilobytes", "0", "from 1 to 102400"},
		{"MaxMessageSizeInKilobytes", "102401", "from 1 to 102400"},
		{"MaxMessageSize", "0", "from 1 to 102400"},
		{"MaxQueueLength", "-1", "from 0 to 9223372036854775807"},
		{"MaxQueueLength", "9223372036854775808", "from 0 to 9223372036854775807"},
		{"MaxSizeInMegabytes", "-1", "from 0 to 8796093022207"},
		{"MaxSizeInMegabytes", "8796093022208", "from 0 to 8796093022207"},
		{"EnqueueTimeout", "-PT1S", "a duration from PT0S to PT1M"},
		{"EnqueueTimeout", "PT1M0.1S", "a duration from PT0S to PT1M"},
		{"Overflow", "", "one of RejectIncomingMessage, DiscardIncomingMessage, DiscardExistingMessage"},
		{"Overflow", "Reject", "one of RejectIncomingMessage"},
		{"Overflow", "rejectIncomingMessage", "one of RejectIncomingMessage"},
		{"MaxConcurrentReaders", "0", "from 1 to 2147483647"},
		{"MaxConcurrentReaders", "2147483648", "from 1 to 2147483647"},
		{"PoisonMessageDrop", "", "a name"},
		{"PoisonMessageDrop", "  ", "a name"},
		{"ForwardDeadLetteredMessagesTo", "", "a name"},
		{"ForwardTo", "", "a name"},
		{"RequiresSession", "maybe", "true or false"},
		{"DuplicateDetectionHistoryTimeWindow", "PT19S", "a duration from PT20S to P7D"},
		{"DuplicateDetectionHistoryTimeWindow", "P7DT1S", "a duration from PT20S to P7D"},
		{"KeepProcessedMessagesFor", "-PT1S", "a duration of at least PT0S"},
		{"AutoDeleteOnIdle", "PT0S", "a duration of at least PT1S"},
		{"Authorization", "required", "one of Required, NotRequired, RequiredToSend, RequiredToListen"},
		{"Discoverability", "Everybody", "one of Managers, ManagersListeners, ManagersListenersSenders, Public"},
		{"TransportProtection", "TLS", "one of None, AllPaths"},
		{"ExpirationInstant", "", "an instant such as"},
		{"ExpirationInstant", "tomorrow", "an instant such as"},
		{"ExpirationInstant", "2030-01-31", "an instant such as"},
		{"ExpirationInstant", "2030-01-31T12:00:00", "an instant such as"},
		{"ExpirationInstant", "1893456000", "an instant such as"},
		{"Status", "Deleting", "one of Active, Disabled, SendDisabled, ReceiveDisabled"},
		{"UserMetadata", strings.Repeat("é", 1025), "at most 1024 characters"},
	}
	for _, test := range tests {
		_, err := parse(inQueue("<" + test.element + ">" + test.text + "</" + test.element + ">"))
		value := test.text
		if len(value) > 200 {
			value = value[:200] + "…"
		}
		wantField(t, err, test.element, value, test.want)
		if errors.Is(err, policy.ErrNotAvailable) {
			t.Errorf("%s %q: got %v", test.element, test.text, err)
		}
	}
}

func TestHugeNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ element, text string }{
		{"MaxDeliveryCount", strings.Repeat("9", 200_000)},
		{"LockDuration", "PT" + strings.Repeat("9", 200_000) + "S"},
		{"LockDuration", "PT1." + strings.Repeat("9", 200_000) + "H"},
		{"ExpirationInstant", strings.Repeat("2", 200_000) + "-01-31T12:00:00Z"},
	} {
		_, err := parse(inQueue("<" + test.element + ">" + test.text + "</" + test.element + ">"))
		wantField(t, err, test.element, test.text[:200]+"…", "")
	}
}

// [P2]
func TestNotAvailableYet(t *testing.T) {
	t.Parallel()
	tests := []struct{ element, text, want string }{
		{"RequiresSession", "true", "false, the default: sessions are not available yet"},
		{"RequiresDuplicateDetection", "1", "false, the default: duplicate detection is not available yet"},
		{"DuplicateDetectionHistoryTimeWindow", "PT20S", "PT10M, the default: duplicate detection is not available yet"},
		{"DefaultStatus", "OnHold", "Pending, the default: a status of messages is not available yet"},
		{"KeepProcessedMessagesFor", "P7D", "no such element: keeping processed messages is not available yet"},
		{"KeepProcessedMessagesFor", "P10675199DT2H48M5.4775807S", "no such element: keeping processed messages is not available yet"},
		{"IdempotentMessages", "true", "false, the default: idempotent messages are not available yet"},
		{"PreviousVersion", "true", "false, the default: previous versions are not available yet"},
		{"Index", "$.Product.Sku", "no such element: property indexes are not available yet"},
		{"AutoDeleteOnIdle", "PT5M", "no such element: deleting an idle queue is not available yet"},
		{"PoisonMessageDrop", "http://example.com/", "a name: pushing dead letters to a URL is not available yet"},
		{"ForwardDeadLetteredMessagesTo", "HTTPS://example.com/", "a name: pushing dead letters to a URL is not available yet"},
		{"Authorization", "NotRequired", "Required, the default: rights are not available yet"},
		{"Authorization", "RequiredToSend", "Required, the default: rights are not available yet"},
		{"Discoverability", "ManagersListeners", "Managers, the default, or Public: rights are not available yet"},
		{"TransportProtection", "AllPaths", "None, the default: requiring TLS is not available yet"},
	}
	for _, test := range tests {
		_, err := parse(inQueue("<" + test.element + ">" + test.text + "</" + test.element + ">"))
		wantField(t, err, test.element, test.text, test.want)
		if !errors.Is(err, policy.ErrNotAvailable) {
			t.Errorf("%s %q: got %v", test.element, test.text, err)
		}
	}
}

func TestQueueBytes(t *testing.T) {
	t.Parallel()
	q := with(func(q *policy.Queue) { q.MaxMegabytes = 1<<43 - 1 })
	if got := q.MaxMessageBytes(); got != 1<<20 {
		t.Errorf("got largest body %d", got)
	}
	if got := q.MaxBytes(); got != 1<<63-1<<20 {
		t.Errorf("got largest size %d", got)
	}
	if got := policy.NewQueue().MaxBytes(); got != 0 {
		t.Errorf("got default size %d", got)
	}
}
