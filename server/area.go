package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A check is one thing that has to be true of a healthy broker.
type check struct {
	name string
	err  error
}

// livez answers whether the process is worth keeping [A1].
func (x *exchange) livez() error {
	return x.answerChecks([]check{{"store", x.server.broker.Failed()}})
}

// readyz answers whether messages can be sent [A1].
func (x *exchange) readyz() error {
	ctx, cancel := context.WithTimeout(x.r.Context(), readyTimeout)
	defer cancel()
	return x.answerChecks([]check{
		{"store", x.server.broker.Failed()},
		{"space", x.server.broker.Ready(ctx)},
	})
}

// answerChecks answers ok, or 503 with what is wrong. With ?verbose it lists
// the checks.
func (x *exchange) answerChecks(checks []check) error {
	query, err := x.arguments()
	if err != nil {
		return err
	}
	var failed []error
	var list strings.Builder
	for _, c := range checks {
		mark := "+"
		if c.err != nil {
			mark = "-"
			failed = append(failed, fmt.Errorf("%s: %w", c.name, c.err))
		}
		fmt.Fprintf(&list, "[%s] %s\n", mark, c.name)
	}
	if len(failed) > 0 {
		return fmt.Errorf("%w: %w", errNotReady, errors.Join(failed...))
	}
	if query.Has("verbose") {
		return x.write(http.StatusOK, textType, []byte(list.String()+"ok\n"))
	}
	return x.write(http.StatusOK, textType, []byte("ok\n"))
}

const textType = "text/plain; charset=utf-8"

// info answers what the broker says of itself [A1]. No name and no message is
// in it.
func (x *exchange) info() error {
	i := x.server.broker.Info()
	return x.writeJSON(http.StatusOK, jsonType, struct {
		Version       string           `json:"version"`
		Started       time.Time        `json:"started"`
		Configuration string           `json:"configuration,omitempty"`
		Names         int              `json:"names"`
		RelayPort     int64            `json:"relayPort,omitempty"`
		Store         storeInfo        `json:"store"`
		Limits        map[string]int64 `json:"limits"`
	}{
		Version: x.server.opts.Version, Started: i.StartedAt.UTC(), Configuration: x.server.opts.Configuration, Names: i.Names,
		RelayPort: x.server.relay.Load(),
		Store:     storeInfo{i.Store.FileBytes, i.Store.FreeBytes, i.Store.DiskFree, i.Store.LastCommit},
		Limits:    x.server.limits(),
	})
}

// storeInfo is what is shown of the store.
type storeInfo struct {
	FileBytes  int64  `json:"fileBytes"`
	FreeBytes  int64  `json:"freeBytes"`     // of the file
	DiskFree   int64  `json:"diskFreeBytes"` // beside it
	LastCommit uint64 `json:"lastCommit"`
}
