package main

import (
	"go/constant"
	"strconv"
	"strings"
	"testing"
	"time"
)

// limited are the packages whose limits clients can meet.
var limited = []string{"namespace", "atom", "policy", "message", "queue", "broker", "server", "problem", "router", "filter", "push", "relay", "relay/control", "relay/duplex"}

// inward are the limits of those packages that bound work or memory in a way
// that no client can tell.
var inward = map[string]bool{
	"atom.MaxFeed":      true, // of feeds that are read, by clients
	"broker.maxExpired": true, "message.maxElementBytes": true, "namespace.maxFoldRounds": true, "namespace.maxPolicies": true,
	"queue.maxDeadText": true, // what comes over HTTP is shorter, see server.maxReasonBytes
	"queue.maxDeletes":  true, "queue.maxEntrySize": true, "queue.maxInMemory": true, "queue.maxScanned": true,
	"queue.maxSweep": true, "queue.maxWhole": true, "queue.maxWindow": true, "server.maxCharge": true,
	"atom.MaxEntry":    true, // server.maxPolicyBytes
	"policy.maxFilter": true, "policy.maxMessageKilobytes": true, "policy.maxHeaders": true, "queue.maxRecentHead": true, "filter.MaxStringBytes": true,
	"filter.maxFoundCharacters": true, "filter.MaxSteps": true, "router.maxTrialDepth": true,
	"router.maxFailures":  true, // of an endpoint, see S8
	"push.maxIdlePerHost": true, "push.maxAnswerHeader": true, "push.maxAnswerBody": true, "push.maxInterim": true,
	"push.maxErrorBytes": true, "server.maxCloseReason": true, "push.maxIDBytes": true, "push.MaxRetryAfter": true, "push.maxLabelBytes": true, "push.maxHostBytes": true,
	"control.maxSeconds": true, "duplex.maxHeader": true, "duplex.maxCopied": true, "duplex.maxBuffer": true, "duplex.maxLarge": true, "duplex.maxReason": true,
	"relay.maxMissed":     true,                            // of those, the earliest are 404
	"push.MaxSecretBytes": true, "router.maxBackoff": true, // see S7
}

// Each row of the table of limits names a constant of that value.
func TestLimits(t *testing.T) {
	t.Parallel()
	code := parseSource(t, limited...)
	listed := map[string]bool{}
	for _, row := range tableBelow(t, protocol(t), "## Limits") {
		name := row[4]
		listed[name] = true
		pkg, own, _ := strings.Cut(name, ".")
		got, ok := constant.Int64Val(code.named(pkg, own))
		if want := quantity(t, row[1]); !ok || got != want {
			t.Errorf("%s: the document says %s, the code %d", name, row[1], got)
		}
	}
	for name := range code {
		_, own, _ := strings.Cut(name, ".")
		isLimit := strings.HasPrefix(own, "max") || strings.HasPrefix(own, "Max")
		if isLimit && code.isNumber(name) && !listed[name] && !inward[name] {
			t.Errorf("%s is a limit that the document lacks", name)
		}
	}
	for name := range inward {
		if _, ok := code[name]; !ok {
			t.Errorf("%s is no more", name)
		}
	}
}

func (s source) isNumber(name string) bool {
	pkg, own, _ := strings.Cut(name, ".")
	return s.named(pkg, own).Kind() == constant.Int
}

// quantity reads a value of the table: 10,000, 64 MiB, 20 s.
func quantity(t *testing.T, text string) int64 {
	t.Helper()
	digits, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(strings.ReplaceAll(digits, ",", ""), 10, 64)
	factor := map[string]int64{
		"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "s": int64(time.Second), "h": int64(time.Hour),
	}[unit]
	if err != nil || factor == 0 {
		t.Fatalf("no quantity: %q", text)
	}
	return n * factor
}
