package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/jitney-mq/jitney/queue"
)

// metrics are what Prometheus is told [A1]. Requests are counted by route, never by name.
type metrics struct {
	server   *Server
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	other    *meter // of requests that no route was found for
}

// buckets end where long polls do, in seconds.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		server:   s,
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "jitney_http_requests_total", Help: "Requests that were answered.",
		}, []string{"route", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "jitney_http_request_seconds", Help: "Time to the end of the reply, waiting included.", Buckets: buckets,
		}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, brokerFigures{s}, s.sockets, collectors.NewGoCollector())
	m.other = m.meter("other")
	return m
}

// A meter counts the requests of one route. Its parts are looked up once.
type meter struct {
	classes [6]prometheus.Counter // by the first digit of the status
	seconds prometheus.Observer
}

func (m *metrics) meter(route string) *meter {
	t := &meter{seconds: m.seconds.WithLabelValues(route)}
	for digit := range t.classes {
		class := strconv.Itoa(digit) + "xx"
		if digit == 0 {
			class = "none" // the client went before the reply began
		}
		t.classes[digit] = m.requests.WithLabelValues(route, class)
	}
	return t
}

// count notes a request that has been answered.
func (m *metrics) count(x *exchange, took time.Duration) {
	t := m.other
	if x.route != nil {
		t = x.route.meter
	}
	t.classes[min(x.status/100, len(t.classes)-1)].Inc()
	t.seconds.Observe(took.Seconds())
}

// scrape answers Prometheus; ?detail=queues adds a line for each queue and state.
func (x *exchange) scrape() error {
	detail, err := x.argument("detail")
	if err != nil {
		return err
	}
	gatherer := prometheus.Gatherers{x.server.metrics.registry}
	switch detail {
	case "":
	case "queues":
		queues := prometheus.NewRegistry()
		queues.MustRegister(queueFigures{x.server})
		gatherer = append(gatherer, queues)
	default:
		return notYet("detail", detail, "queues, or nothing")
	}
	promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}).ServeHTTP(x, x.r)
	return nil
}

// brokerFigures collects what the broker says of itself when it is asked.
type brokerFigures struct{ server *Server }

// Describe describes nothing: what is collected is fixed here, in Collect.
func (brokerFigures) Describe(chan<- *prometheus.Desc) {}

// Collect is part of prometheus.Collector.
func (f brokerFigures) Collect(to chan<- prometheus.Metric) {
	info := f.server.broker.Info()
	put := func(kind prometheus.ValueType, name, help string, value float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("jitney_"+name, help, nil, nil), kind, value)
	}
	counter := func(name, help string, value uint64) { put(prometheus.CounterValue, name, help, float64(value)) }
	gauge := func(name, help string, value int64) { put(prometheus.GaugeValue, name, help, float64(value)) }

	t := info.Totals
	counter("messages_sent_total", "Messages that senders were told are on disk.", t.Sent)
	counter("messages_received_total", "Deliveries, repeated ones included.", t.Received)
	counter("messages_redelivered_total", "Deliveries of messages that had been delivered before.", t.Redelivered)
	counter("messages_completed_total", "Messages that their receiver completed.", t.Completed)
	counter("messages_abandoned_total", "Locks that their receiver abandoned.", t.Abandoned)
	counter("messages_dead_lettered_total", "Messages that were dead-lettered.", t.DeadLettered)
	counter("messages_expired_total", "Messages that became too old.", t.Expired)
	counter("messages_discarded_total", "Messages that Overflow discarded.", t.Discarded)
	counter("messages_forwarded_total", "Messages that were moved on to another name.", t.Forwarded)
	counter("messages_redriven_total", "Dead letters that were sent back.", t.Redriven)
	r := info.Routers
	counter("router_messages_total", "Messages that came to routers.", r.Messages)
	counter("router_deliveries_total", "Copies that subscriptions got.", r.Deliveries)
	counter("router_unrouted_total", "Messages that no subscription wanted.", r.Unrouted)
	counter("router_filtered_total", "Copies that subscriptions did not want.", r.Filtered)
	counter("pushes_delivered_total", "Pushes that endpoints took.", r.Pushed)
	counter("pushes_failed_total", "Pushes that endpoints did not take.", r.Retried)
	counter("pushes_gone_total", "Pushes that ended their subscription.", r.Refused)
	y := info.Relay
	counter("relay_listens_total", "Control channels that listeners opened.", y.Listens)
	counter("relay_requests_total", "Requests that senders came with.", y.Requests)
	counter("relay_failures_total", "Requests of senders that got no response.", y.Failed)
	counter("relay_sockets_total", "Sockets of senders that were joined to a listener's.", y.Connects)
	counter("relay_one_way_total", "Requests that a listener took one way.", y.OneWay)
	counter("relay_stray_responses_total", "Responses that nobody waited for.", y.Stray)
	counter("relay_socket_bytes_total", "Bytes that were passed on between sockets that have ended.", y.Bytes)
	gauge("relay_listeners", "Listeners.", int64(y.Listeners))
	gauge("relay_waiting", "Requests and sockets that wait for their listener.", int64(y.Meetings))
	gauge("relay_sockets", "Sockets of senders that are joined to a listener's.", int64(y.Sockets))
	gauge("locks", "Locks in force.", int64(t.Locked))
	gauge("senders_held", "Senders that full queues hold.", t.Held)
	gauge("names", "Names that have a role.", int64(info.Names))
	gauge("http_requests_active", "Requests under way.", f.server.active.Load())

	s := info.Store
	counter("store_commits_total", "Transactions that wrote.", s.Commits)
	counter("store_syncs_total", "Syncs of the data file.", s.Syncs)
	counter("store_ops_total", "Ops that the writer has run.", s.Ops)
	counter("store_reruns_total", "Commits that were begun again.", s.Reruns)
	counter("store_quarantined_total", "Damaged records that were put aside.", s.Quarantined)
	counter("store_written_bytes_total", "Bytes of pages written to the data file.", s.PageBytes)
	gauge("store_file_bytes", "Size of the data file.", s.FileBytes)
	gauge("store_free_bytes", "Bytes of the data file that hold nothing.", s.FreeBytes)
	gauge("store_disk_free_bytes", "Bytes of the disk that are free.", s.DiskFree)
	gauge("store_open_views", "Read transactions that are open.", int64(s.OpenViews))
}

// queueFigures collects the counts of each queue.
type queueFigures struct{ server *Server }

// Describe describes nothing: see brokerFigures.
func (queueFigures) Describe(chan<- *prometheus.Desc) {}

// Collect is part of prometheus.Collector.
func (f queueFigures) Collect(to chan<- prometheus.Metric) {
	desc := prometheus.NewDesc("jitney_queue_messages", "Messages of a queue.", []string{"queue", "state"}, nil)
	f.server.broker.EachQueue(maxDetail, func(name string, c queue.Counts) {
		put := func(state string, count uint64) {
			to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(count), name, state)
		}
		put("active", c.Active)
		put("locked", c.Locked)
		put("scheduled", c.Scheduled)
		put("deferred", c.Deferred)
		put("dead-letter", c.DeadLetter)
		put("transfer-dead-letter", c.TransferDeadLetter)
	})
}
