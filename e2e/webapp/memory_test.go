package webapp_test

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/jitney-mq/jitney/e2e/build"
)

// maxGrowth bounds how much more memory a process of a relay has resident at
// its peak than it had idle, in KiB.
const maxGrowth = 64 << 10

// A gauge knows what memory some processes had when they were idle.
type gauge struct {
	testing.TB
	idle map[*process]int // KiB
}

// newGauge reads what idle processes have resident.
func newGauge(t testing.TB, processes ...*process) gauge {
	g := gauge{TB: t, idle: map[*process]int{}}
	if runtime.GOOS != "linux" || build.Race {
		t.Log("memory is not measured: that needs Linux, and a program without the race detector")
		return g
	}
	for _, p := range processes {
		g.idle[p] = g.resident(p, "VmRSS")
	}
	return g
}

// check reads the kernel's record of the peaks, which needs no sampling.
func (g gauge) check() {
	g.Helper()
	for p, idle := range g.idle {
		peak := g.resident(p, "VmHWM")
		g.Logf("%-14v %3d MiB idle, %3d MiB at the peak", p.cmd.Args[1:3], idle>>10, peak>>10)
		if peak-idle > maxGrowth {
			g.Errorf("%s has %d MiB more at its peak than idle, want at most %d", p.cmd, (peak-idle)>>10, maxGrowth>>10)
		}
	}
}

// resident reads a field of /proc/PID/status, in KiB.
func (g gauge) resident(p *process, field string) int {
	g.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		g.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + field + `:\s+(\d+) kB$`).FindSubmatch(status)
	if found == nil {
		g.Fatalf("no %s in\n%s", field, status)
	}
	size, err := strconv.Atoi(string(found[1]))
	if err != nil {
		g.Fatal(err)
	}
	return size
}
