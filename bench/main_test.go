package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/jitney-mq/jitney/bench"
	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// servedDir and servedAddress make the test binary a broker.
const (
	servedDir     = "JITNEY_BENCH_DIR"
	servedAddress = "JITNEY_BENCH_ADDRESS"
)

// partOf makes the test binary a part of a scenario.
const partOf = "JITNEY_BENCH_PART"

func TestMain(m *testing.M) {
	if dir := os.Getenv(servedDir); dir != "" {
		if err := serve(dir, os.Getenv(servedAddress)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(partOf) != "" {
		if err := bench.RunPart(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// partCommand returns a command that runs a part of a scenario.
func partCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), partOf+"=1")
	return cmd
}

// brokerCommand returns a command that serves a folder until it is killed.
func brokerCommand(dir, address string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), servedDir+"="+dir, servedAddress+"="+address)
	return cmd
}

func serve(dir, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	b, err := broker.Open(context.Background(), broker.Options{Dir: dir, Logger: log})
	if err != nil {
		return err
	}
	return server.New(b, server.Options{Logger: log}).Serve(context.Background(), l)
}
