// Package crash_test kills a broker with SIGKILL while it is used, starts it
// again on the same folder, and compares all that its users saw with what the
// broker has promised them.
package crash_test

import (
	"context"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/e2e/build"
)

// program is the path of the broker's program.
var program string

// TestMain builds the program once.
func TestMain(m *testing.M) {
	build.Main(m, func(dir string) error {
		program = filepath.Join(dir, "jitney")
		return nil
	})
}

// A plan is how much is done. Environment variables change it:
// JITNEY_EVIDENCE=30m goes on killing for so long, JITNEY_KILLS is another
// number of kills, JITNEY_SEED repeats the draws of a run, though not its timing.
type plan struct {
	kills  int
	budget time.Duration
	seed   uint64
}

// killsOfRun is how many kills a folder sees before it is emptied and another
// one begins.
const killsOfRun = 50

func newPlan(t *testing.T) plan {
	p := plan{kills: 100, budget: time.Hour, seed: rand.Uint64N(1_000_000)}
	if testing.Short() {
		p.kills = 10
	}
	var err error
	if text := os.Getenv("JITNEY_EVIDENCE"); text != "" {
		p.kills = math.MaxInt
		p.budget, err = time.ParseDuration(text)
		noError(t, err)
	}
	if text := os.Getenv("JITNEY_KILLS"); text != "" {
		p.kills, err = strconv.Atoi(text)
		noError(t, err)
	}
	if text := os.Getenv("JITNEY_SEED"); text != "" {
		p.seed, err = strconv.ParseUint(text, 10, 64)
		noError(t, err)
	}
	return p
}

// readSources reads the folders that the program is made of: go test takes a
// result from its cache unless something has changed that the test has read.
func readSources(t *testing.T) {
	noError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "../.." || path == "../../docs") {
			return fs.SkipDir
		}
		return err
	}))
}

// maxShown bounds the findings that are printed; all are counted.
const maxShown = 20

// TestCrash is about queues.
func TestCrash(t *testing.T) { crash(t, newQueuesCast) }

// TestRouters is about routers, their subscriptions and those they push to [S1]
// [S2] [S3] [S6] [S7] [S9].
func TestRouters(t *testing.T) { crash(t, newRoutersCast) }

// crash plays runs of a cast until the plan is carried out.
func crash(t *testing.T, newCast func(*run) (cast, error)) {
	readSources(t)
	p := newPlan(t)
	t.Logf("seed %d", p.seed)
	sum := &report{seed: p.seed}
	began := time.Now()
	for sum.kills < p.kills && time.Since(began) < p.budget && len(sum.found) == 0 && !t.Failed() {
		playRun(t, sum, newCast, p.seed+uint64(sum.runs), min(killsOfRun, p.kills-sum.kills))
	}
	sum.took = time.Since(began)
	t.Logf("\n%s", sum)
	for i, f := range sum.found {
		if i == maxShown {
			t.Errorf("and %d more", len(sum.found)-maxShown)
			break
		}
		t.Errorf("%s", f)
	}
}

// playRun adds a run to sum. The folder of one that fails is kept.
func playRun(t *testing.T, sum *report, newCast func(*run) (cast, error), seed uint64, kills int) {
	dir, err := os.MkdirTemp("", "jitney-crash-data-")
	noError(t, err)
	r, err := newRun(program, dir, seed)
	noError(t, err)
	r.cast, err = newCast(r)
	noError(t, err)
	err = r.play(context.Background(), kills)
	w, found := r.cast.judge(&r.history)
	found = append(found, w.check()...)
	nonlinear, undecided := w.checkLinear()
	before := len(sum.found)
	sum.add(r, w, append(found, nonlinear...), undecided)
	if err != nil {
		t.Errorf("%v", err)
	}
	if err != nil || len(sum.found) > before {
		t.Logf("the data folder is kept: %s", dir)
		return
	}
	noError(t, os.RemoveAll(dir))
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
