package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// work is jitney work, as its flags say.
type work struct {
	*env
	parallel     int
	timeout      duration
	lockDuration duration
	maxRun       duration
	retryDelay   duration
	backoff      duration
	maxBackoff   duration
	max          int
	untilEmpty   bool
	prefix       bool
}

func newWorkCommand(e *env) *cobra.Command {
	w := work{
		env:          e,
		timeout:      duration(10 * time.Second),
		lockDuration: duration(time.Minute),
		retryDelay:   duration(time.Second),
		backoff:      duration(time.Second),
		maxBackoff:   duration(5 * time.Minute),
	}
	cmd := &cobra.Command{
		Use:   "work NAME -- COMMAND [ARGUMENT...]",
		Short: "Run a command for each message of a queue",
		Long:  workHelp,
		Example: `  jitney work /orders -- ./ship-order
  jitney work /pictures --parallel 4 -- sh -c 'convert - -resize 200 "$JITNEY_LABEL.png"'
  jitney work /orders --until-empty --timeout 1s -- tee -a orders.txt`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := w.check(args[1]); err != nil {
				return err
			}
			c, err := e.client()
			if err != nil {
				return err
			}
			signals := make(chan os.Signal, 2)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
			defer signal.Stop(signals)
			return newWorker(&w, c, args[0], args[1:]).run(cmd.Context(), signals)
		},
	}
	w.addFlags(cmd)
	return cmd
}

func (w *work) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SetInterspersed(true)
	flags.IntVarP(&w.parallel, "parallel", "p", 1, "how many commands to run at the same time")
	flags.Var(&w.timeout, "timeout", "how long one poll of the queue waits, up to 5m")
	flags.Var(&w.lockDuration, "lock-duration", "how long to lock each message, from 1s; the lock is renewed while the command runs")
	flags.Var(&w.maxRun, "max-run", "kill a command that takes longer; 0: never")
	flags.Var(&w.retryDelay, "retry-delay", "how long until a message comes again whose command failed")
	flags.Var(&w.backoff, "backoff", "how long after the first exit code 75; doubles with each delivery")
	flags.Var(&w.maxBackoff, "max-backoff", "the longest back-off")
	flags.IntVar(&w.max, "max", 0, "end after so many messages; 0: go on")
	flags.BoolVar(&w.untilEmpty, "until-empty", false, "end once a poll brings nothing")
	flags.BoolVar(&w.prefix, "prefix", false, "show output line by line as it comes, each with its message's sequence number")
}

func (w *work) check(command string) error {
	switch {
	case w.parallel < 1 || w.parallel > maxParallel:
		return usagef("--parallel %d: want 1 to %d", w.parallel, maxParallel)
	case w.max < 0:
		return usagef("--max %d: want no negative number", w.max)
	case time.Duration(w.lockDuration) < time.Second:
		return usagef("--lock-duration %s: want at least 1s", time.Duration(w.lockDuration))
	}
	if _, err := exec.LookPath(command); err != nil {
		return usage(fmt.Errorf("the command cannot be run: %w", err))
	}
	return nil
}

// maxParallel bounds the commands that run at the same time.
const maxParallel = 1000

const workHelp = `Receive messages and run a command for each: the body is its standard input,
the properties are in its environment. The command's exit code decides:

  0      the message is done: it is completed
  75     not now (EX_TEMPFAIL): it is abandoned and comes again after a
         back-off that doubles with each delivery, from --backoff to
         --max-backoff
  other  it failed: the message is abandoned and comes again after
         --retry-delay, which is short, so that a message that cannot be
         processed soon has its deliveries and is dead-lettered

Both of the latter count as a delivery. A command that a signal ended or that
took longer than --max-run has failed. A command may settle its message itself
(jitney settle "$JITNEY_LOCK" …); its exit code does not count then.

The lock is renewed at a third of its time. Where that fails until its end, or
somebody else has the message, the command is killed with all its children, as
the message may be with another receiver: no two run at the same time.

SIGINT and SIGTERM end it: no more messages are taken, commands that run are
waited for. A second signal kills them, and their messages are released, as if
never delivered; the exit code is 130 then. Otherwise it is 0 whatever became of
the commands. While the broker is out of reach it tries again, unless that is so
from the start.

With --parallel the output of each command is shown in one piece when it ends,
with --prefix line by line.

The command's environment has, besides what jitney's has:

  JITNEY_URL              the broker
  JITNEY_NAME             the queue
  JITNEY_LOCK             the lock
  JITNEY_MESSAGE_ID       and JITNEY_LABEL, JITNEY_CONTENT_TYPE,
                          JITNEY_CORRELATION_ID, JITNEY_SESSION_ID, JITNEY_TO,
                          JITNEY_REPLY_TO: empty if the message has none
  JITNEY_SEQUENCE_NUMBER
  JITNEY_DELIVERY_COUNT   1 the first time
  JITNEY_ENQUEUED_AT      RFC 3339
  JITNEY_PROPERTY_name    one for each application property; what cannot stand
                          in a variable's name becomes _
  JITNEY_PROPERTIES       all of them, exactly, as JSON`
