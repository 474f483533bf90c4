package policy_test

import (
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/policy"
)

func inConnectionPoint(inside string) string {
	return strings.ReplaceAll(inQueue(inside), "QueuePolicy", "ConnectionPointPolicy")
}

// [P2] [L2]
func TestConnectionPoint(t *testing.T) {
	t.Parallel()
	for inside, want := range map[string]policy.ConnectionPoint{
		"":                               policy.NewConnectionPoint(),
		"<MaxListeners>1</MaxListeners>": {MaxListeners: 1, RequiresAuthorization: true},
		"<MaxListeners>1000</MaxListeners><RequiresClientAuthorization>true</RequiresClientAuthorization>": {MaxListeners: 1000, RequiresAuthorization: true},
		"<Status>SendDisabled</Status>": {Common: policy.Common{Status: policy.SendDisabled}, MaxListeners: 25, RequiresAuthorization: true},
	} {
		if got := mustParse(t, inConnectionPoint(inside)); got != policy.Policy(want) {
			t.Errorf("%s: got %+v", inside, got)
		}
	}
}

// [P2]
func TestConnectionPointRefuses(t *testing.T) {
	t.Parallel()
	for inside, want := range map[string][3]string{
		"<MaxListeners>0</MaxListeners>":                                   {"MaxListeners", "0", "a whole number from 1 to 1000"},
		"<MaxListeners>1001</MaxListeners>":                                {"MaxListeners", "1001", "a whole number from 1 to 1000"},
		"<LockDuration>PT1S</LockDuration>":                                {"LockDuration", "PT1S", "an element of ConnectionPointPolicy: MaxListeners"},
		"<RequiresClientAuthorization>false</RequiresClientAuthorization>": {"RequiresClientAuthorization", "false", "rights are not available yet"},
	} {
		_, err := parse(inConnectionPoint(inside))
		wantField(t, err, want[0], want[1], want[2])
	}
}

// Which directions a status opens.
func TestConnectionPointStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[policy.Status][2]bool{
		policy.Active: {true, true}, policy.Disabled: {}, policy.SendDisabled: {true, false}, policy.ReceiveDisabled: {false, true},
	} {
		p := policy.NewConnectionPoint()
		p.Status = status
		if got := [2]bool{p.Listens(), p.Relays()}; got != want {
			t.Errorf("%v: got %v, want %v", status, got, want)
		}
	}
}
