package server

import (
	"net/http"
	"time"
)

type metrics struct{}

type meter struct{}

func newMetrics(*Server) *metrics { return &metrics{} }

func (m *metrics) meter(string) *meter { return &meter{} }

func (m *metrics) count(*exchange, time.Duration) {}

func (x *exchange) scrape() error {
	x.WriteHeader(http.StatusNoContent)
	return nil
}
