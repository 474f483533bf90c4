package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/jitney-mq/jitney/e2e/faultfs"
)

func TestMain(m *testing.M) {
	faultfs.Main()
	goleak.VerifyTestMain(m)
}
