package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jitney-mq/jitney/policy"
)

// Whatever the documentation says is the default can be stated as such.
func TestDescribedDefaults(t *testing.T) {
	t.Parallel()
	rows := policy.Describe(policy.QueueKind)
	for _, row := range rows {
		if row.Default == "" {
			continue
		}
		body := inQueue(fmt.Sprintf("<%[1]s>%[2]s</%[1]s>", row.Element, row.Default))
		if got := mustParse(t, body); got != policy.Policy(policy.NewQueue()) {
			t.Errorf("%s: got %+v", row.Element, got)
		}
	}
	if len(rows) != 27 {
		t.Errorf("got %d elements", len(rows))
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	rows := map[string]policy.Description{}
	for _, row := range slices.Concat(policy.Describe(policy.QueueKind), policy.Describe(policy.MetadataKind)[:1]) {
		rows[row.Element] = row
	}
	for _, want := range []policy.Description{
		{Element: "MaxDeliveryCount", Aliases: []string{"MaxDequeueRetries"}, Default: "10", Want: "a whole number from 1 to 1000000"},
		{Element: "RequiresSession", Default: "false", Want: "true or false", Fixed: true, Available: "false, the default: sessions are not available yet"},
		{Element: "Address", Want: "an absolute URI with a host, such as https://example.com/about", Required: true},
	} {
		if got := rows[want.Element]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
