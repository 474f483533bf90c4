package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// A socket is the client's end of a WebSocket. What comes is read at once.
type socket struct {
	*bus
	conn   *websocket.Conn
	frames chan string
	ended  chan struct{}
	err    error // read after ended
}

// socket opens one at a path.
func (b *bus) socket(path string) *socket {
	b.Helper()
	s := b.quiet(path)
	go s.read()
	return s
}

// quiet opens a socket that reads nothing by itself.
func (b *bus) quiet(path string) *socket {
	b.Helper()
	d := websocket.Dialer{
		Subprotocols:   []string{"jitney.push.v1"},
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return b.listener.dial() },
	}
	conn, _, err := d.Dial("ws://localhost"+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	s := &socket{bus: b, conn: conn, frames: make(chan string, 10_000), ended: make(chan struct{})}
	b.Cleanup(func() { conn.Close() })
	return s
}

func (s *socket) read() {
	defer close(s.ended)
	defer close(s.frames)
	for {
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			s.err = err
			s.conn.Close()
			return
		}
		s.frames <- string(data)
	}
}

func (s *socket) write(frame string, args ...any) {
	s.Helper()
	if err := s.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, frame, args...)); err != nil {
		s.Error(err)
	}
}

// next returns the next frame.
func (s *socket) next() string {
	s.Helper()
	select {
	case f, ok := <-s.frames:
		if !ok {
			s.Fatalf("the socket has ended: %v", s.err)
		}
		return f
	case <-time.After(time.Minute):
		s.Fatal("no frame came")
		return ""
	}
}

func (s *socket) want(frame string) {
	s.Helper()
	if got := s.next(); got != frame {
		s.Errorf("frame %.300s, want %.300s", got, frame)
	}
}

// wantNone checks that nothing is there.
func (s *socket) wantNone() {
	s.Helper()
	synctest.Wait()
	select {
	case f := <-s.frames:
		s.Errorf("frame %.300s", f)
	default:
	}
}

// A delivered message, as far as tests look at it.
type delivered struct {
	SequenceNumber int64
	DeliveryCount  int
	Lock           string
	Body           string
	LockedUntilUtc time.Time
}

func (s *socket) delivery() delivered {
	s.Helper()
	var f struct{ Deliver *delivered }
	frame := s.next()
	if err := json.Unmarshal([]byte(frame), &f); err != nil || f.Deliver == nil {
		s.Fatalf("frame %.300s, want a delivery", frame)
	}
	return *f.Deliver
}

func (s *socket) wantBodies(bodies ...string) (locks []string) {
	s.Helper()
	for _, body := range bodies {
		d := s.delivery()
		if d.Body != body {
			s.Errorf("message %q, want %q", d.Body, body)
		}
		locks = append(locks, d.Lock)
	}
	return locks
}

// wantProblem checks that the next frame is an error with a ref.
func (s *socket) wantProblem(status int, slug, ref string) {
	s.Helper()
	var f struct {
		Error struct {
			Type   string
			Status int
		}
		Ref json.RawMessage
	}
	frame := s.next()
	if err := json.Unmarshal([]byte(frame), &f); err != nil || f.Error.Status != status ||
		f.Error.Type != "urn:jitney:problem:"+slug || string(f.Ref) != ref {
		s.Errorf("frame %.300s, want problem %d %s and ref %s", frame, status, slug, ref)
	}
}

// wantClose checks how the broker closes the socket.
func (s *socket) wantClose(code int) string {
	s.Helper()
	select {
	case <-s.ended:
	case <-time.After(2 * time.Minute):
		s.Fatal("the socket is open")
	}
	closed, ok := errors.AsType[*websocket.CloseError](s.err)
	if !ok || closed.Code != code {
		s.Errorf("the socket ends with %v, want %d", s.err, code)
		return ""
	}
	return closed.Text
}

// leave closes the socket as a client does that is done.
func (s *socket) leave() {
	s.Helper()
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
	s.wantClose(1000)
}

func (b *bus) router(path, elements string) {
	b.Helper()
	b.call("POST", path, `{"RouterPolicy":{`+elements+`}}`, "Content-Type", policyType).want(201)
}

// Sends over a socket are carried out in order, each frame in one commit. [S10]
func TestSocketSends(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxMessageSizeInKilobytes":1`)
		s := b.socket("/orders")
		s.write(`{"send":[{"body":"a"}],"ref":1}`)
		s.write(`{"send":[{"body":"b"},{"body":"c","messageId":"x"}],"ref":{"any":["thing"]}}`)
		s.write(`{"send":[{"body":"d"}]}`)
		s.want(`{"sent":[{"sequenceNumber":1}],"ref":1}`)
		s.want(`{"sent":[{"sequenceNumber":2},{"sequenceNumber":3}],"ref":{"any":["thing"]}}`)
		s.want(`{"sent":[{"sequenceNumber":4}]}`)
		s.write(`{"send":[{"body":"e"},{"nobody":"e"}],"ref":"bad"}`)
		s.wantProblem(400, "bad-value", `"bad"`)
		s.write(`{"send":[{"body":"%s"}],"ref":2}`, strings.Repeat("x", 1025))
		s.wantProblem(413, "too-large", "2")
		for i := range 200 {
			s.write(`{"send":[{"body":"m"}],"ref":%d}`, i)
		}
		for i := range 200 {
			s.want(fmt.Sprintf(`{"sent":[{"sequenceNumber":%d}],"ref":%d}`, i+5, i))
		}
		s.leave()
		b.wantCounts("/orders", "Active 204")
	})
}

// A router says where each message went. [S10]
func TestSocketSendsToRouter(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.router("/news", "")
		live, s := b.socket("/news"), b.socket("/news")
		sent := func(frame, answer string, bodies ...string) {
			s.write("%s", frame)
			live.wantBodies(bodies...)
			f := s.next()
			for strings.HasPrefix(f, `{"deliver"`) { // where the answer stands among them is not defined
				f = s.next()
			}
			if f != answer {
				b.Errorf("frame %s, want %s", f, answer)
			}
		}
		sent(`{"send":[{"body":"a"}],"ref":1}`, `{"sent":[{"outcome":"unrouted"}],"ref":1}`, "a")
		b.call("POST", "/news/subscriptions", `{"SubscriptionPolicy":{}}`, "Content-Type", policyType, "Slug", "a").want(201)
		sent(`{"send":[{"body":"b"},{"body":"c"}]}`, `{"sent":[{"deliveries":1},{"deliveries":1}]}`, "b", "c")
	})
}

// A full queue holds the sends, but not the settlements that make room. [S10]
func TestSocketSettlesWhileSendsAreHeld(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxQueueLength":1`)
		s := b.socket("/orders")
		s.write(`{"send":[{"body":"a"}]}`)
		s.want(`{"sent":[{"sequenceNumber":1}]}`)
		s.write(`{"credit":1}`)
		lock := s.wantBodies("a")[0]
		s.write(`{"send":[{"body":"b"}]}`)
		s.wantNone()
		s.write(`{"settle":[{"lock":"%s","disposition":"complete"}],"ref":1}`, lock)
		first, second := s.next(), s.next()
		if strings.HasPrefix(first, `{"settled"`) {
			first, second = second, first
		}
		if first != `{"sent":[{"sequenceNumber":2}]}` || !strings.Contains(second, `"status":200`) {
			b.Errorf("%s, %s", first, second)
		}
		start := time.Now()
		for i := range 3 {
			s.write(`{"send":[{"body":"c"}],"ref":%d}`, i)
		}
		for i := range 3 {
			s.wantProblem(503, "queue-full", fmt.Sprint(i))
		}
		if took := time.Since(start); took > 21*time.Second {
			b.Errorf("the answers took %v", took)
		}
		s.leave()
	})
}

// What has credit comes under a lock and can be settled in every way. [S9]
func TestSocketReceives(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		s := b.socket("/orders")
		s.write(`{"credit":1}`)
		s.wantNone()
		for _, body := range []string{"a", "b", "c", "d", "e", "f"} {
			b.send("/orders", body)
		}
		d := s.delivery()
		if want := "http://localhost/orders/messages/1/"; d.Body != "a" || d.DeliveryCount != 1 || !strings.HasPrefix(d.Lock, want) {
			b.Errorf("%+v", d)
		}
		s.wantNone()
		s.write(`{"credit":5}`)
		locks := append([]string{d.Lock}, s.wantBodies("b", "c", "d", "e", "f")...)
		token := locks[1][strings.LastIndexByte(locks[1], '/')+1:]
		s.write(`{"settle":[{"lock":%q,"disposition":"complete"},{"lock":%q,"disposition":"abandon","delay":60},
			{"lock":%q,"disposition":"dead-letter","reason":"r"},{"lock":%q,"disposition":"defer"},
			{"lock":%q,"disposition":"reschedule","delay":"PT1H"},{"lock":%q,"disposition":"release"},
			{"lock":%q,"disposition":"complete"},{"lock":"none","disposition":"complete"}],"ref":[]}`,
			locks[0], token, locks[2], locks[3], locks[4], locks[5], locks[0])
		s.want(fmt.Sprintf(`{"settled":[{"lock":%q,"status":200},{"lock":%q,"status":200},{"lock":%q,"status":200},{"lock":%q,"status":200},`+
			`{"lock":%q,"status":200},{"lock":%q,"status":200},{"lock":%q,"status":410,"reason":"settled"},{"lock":"none","status":410,"reason":"unknown"}],"ref":[]}`,
			locks[0], token, locks[2], locks[3], locks[4], locks[5], locks[0]))
		b.wantCounts("/orders", "Active 1, Scheduled 2, Deferred 1, DeadLetter 1")
		dead := b.socket("/orders/$DeadLetterQueue")
		dead.write(`{"credit":1000}`)
		dead.wantBodies("c")
		dead.leave()
		b.wantCounts("/orders", "Active 1, Scheduled 2, Deferred 1, DeadLetter 1")
		s.leave()
	})
}

// A lock that is renewed lasts. [S9]
func TestSocketRenews(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"LockDuration":"PT30S"`)
		b.send("/orders", "a")
		s := b.socket("/orders")
		s.write(`{"credit":1}`)
		d := s.delivery()
		time.Sleep(20 * time.Second)
		s.write(`{"renew":[{"lock":%q},{"lock":"no"}],"ref":1}`, d.Lock)
		until := time.Now().Add(30 * time.Second).UTC().Format(time.RFC3339Nano)
		s.want(fmt.Sprintf(`{"renewed":[{"lock":%q,"status":200,"lockedUntilUtc":%q},{"lock":"no","status":410,"reason":"unknown"}],"ref":1}`, d.Lock, until))
		s.write(`{"renew":[{"lock":%q,"duration":"PT90S"}]}`, d.Lock)
		s.next()
		time.Sleep(80 * time.Second)
		s.write(`{"settle":[{"lock":%q,"disposition":"complete"}]}`, d.Lock)
		s.want(fmt.Sprintf(`{"settled":[{"lock":%q,"status":200}]}`, d.Lock))
		s.leave()
	})
}

// What a client has got when its socket ends is abandoned; what was on its way,
// and what it had credit for, is as if it had not been delivered. [S9] [R2]
func TestSocketGivesBack(t *testing.T) {
	for _, end := range []string{"close", "break", "shutdown"} {
		t.Run(end, func(t *testing.T) {
			inBubble(t, func(b *bus) {
				b.queue("/orders", "")
				for range 300 {
					b.send("/orders", "x")
				}
				s := b.quiet("/orders")
				s.write(`{"credit":500}`)
				for range 10 {
					if _, _, err := s.conn.ReadMessage(); err != nil {
						b.Fatal(err)
					}
				}
				synctest.Wait() // the writer is at the eleventh
				switch end {
				case "close":
					go s.read()
					for range 290 {
						s.next()
					}
					s.leave()
				case "break":
					s.conn.Close()
				case "shutdown":
					go s.read()
					return
				}
				synctest.Wait()
				b.wantCounts("/orders", "Active 300")
				counts := map[int]int{}
				for range 3 {
					var list []struct{ DeliveryCount int }
					b.call("POST", "/orders/messages/head?count=100", "", "Accept", "application/json").want(201).decode(&list)
					for _, m := range list {
						counts[m.DeliveryCount]++
					}
				}
				want := map[int]int{1: 289, 2: 11}
				if end == "close" {
					want = map[int]int{2: 300}
				}
				if fmt.Sprint(counts) != fmt.Sprint(want) {
					b.Errorf("messages by delivery count: %v, want %v", counts, want)
				}
			})
		})
	}
}

// Messages that come while nobody is there come when somebody is. [S9]
func TestSocketResumes(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.router("/news", "")
		b.call("POST", "/news/subscriptions", `{"SubscriptionPolicy":{}}`, "Content-Type", policyType, "Slug", "mine").want(201)
		s := b.socket("/news/subscriptions/mine")
		s.write(`{"credit":10}`)
		b.call("POST", "/news", "a").want(201)
		b.call("POST", "/news", "b").want(201)
		locks := s.wantBodies("a", "b")
		s.write(`{"settle":[{"lock":%q,"disposition":"complete"}]}`, locks[0])
		s.next()
		s.conn.Close()
		synctest.Wait()
		b.call("POST", "/news", "c").want(201)
		s = b.socket("/news/subscriptions/mine")
		s.write(`{"credit":10}`)
		if d := s.delivery(); d.Body != "b" || d.DeliveryCount != 2 {
			b.Errorf("%+v", d)
		}
		s.wantBodies("c")
		s.write(`{"send":[{"body":"x"}],"ref":7}`)
		s.wantProblem(409, "wrong-role", "7")
		s.leave()
	})
}

// A client that holds as many locks as it may gets no more before it settles.
func TestSocketBoundsLocks(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		s := b.socket("/orders")
		for range 12 {
			s.write(`{"send":[%s{"body":"x"}]}`, strings.Repeat(`{"body":"x"},`, 99))
			s.next()
		}
		s.write(`{"credit":1000}`)
		var locks []string
		for range 1000 {
			locks = append(locks, s.delivery().Lock)
		}
		s.write(`{"credit":1000}`)
		s.wantNone()
		s.write(`{"settle":[{"lock":%q,"disposition":"complete"},{"lock":%q,"disposition":"complete"}]}`, locks[0], locks[1])
		s.next()
		s.delivery()
		s.delivery()
		s.wantNone()
		time.Sleep(time.Minute) // the locks of the others end
		s.write(`{"settle":[{"lock":%q,"disposition":"complete"}]}`, locks[2])
		s.next()
		s.delivery()
		s.leave()
	})
}

// A live subscriber gets what is sent while it listens, and settles nothing. [S9]
func TestSocketListens(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.router("/news", "")
		b.call("POST", "/news", "missed").want(202)
		one, two := b.socket("/news"), b.socket("/news")
		one.write(`{"credit":5}`)
		b.call("POST", "/news", "a", "BrokerProperties", `{"Label":"l"}`).want(202)
		one.wantBodies("a")
		if f := two.next(); !strings.Contains(f, `"label":"l"`) || strings.Contains(f, `"lock"`) {
			b.Errorf("%s", f)
		}
		one.write(`{"settle":[{"lock":"x","disposition":"complete"}],"ref":0}`)
		one.want(`{"settled":[{"lock":"x","status":410,"reason":"unknown"}],"ref":0}`)
		two.leave()
		b.call("POST", "/news", "b").want(202)
		one.wantBodies("b")
		one.leave()
		b.wantMetric("jitney_sockets{kind=\"live\"}", "0")
	})
}

// Live subscribers of a router that sends to one share its messages, as far as
// they have credit, and settle them. [S9] [S3]
func TestSocketCompetes(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.router("/jobs", `"MessageDistribution":"OneSubscriber"`)
		one, two := b.socket("/jobs"), b.socket("/jobs")
		b.call("POST", "/jobs", "a").want(201)
		one.wantNone()
		one.write(`{"credit":1}`)
		lock := one.wantBodies("a")[0]
		b.call("POST", "/jobs", "b").want(201)
		one.wantNone()
		two.write(`{"credit":2}`)
		two.wantBodies("b")
		one.write(`{"settle":[{"lock":%q,"disposition":"complete"}]}`, lock)
		one.want(fmt.Sprintf(`{"settled":[{"lock":%q,"status":200}]}`, lock))
		two.conn.Close()
		synctest.Wait()
		one.write(`{"credit":1}`)
		if d := one.delivery(); d.Body != "b" || d.DeliveryCount != 2 {
			b.Errorf("%+v", d)
		}
		one.leave()
	})
}

// wantMetric checks a figure of /-/metrics.
func (b *bus) wantMetric(name, value string) {
	b.Helper()
	synctest.Wait()
	text := b.call("GET", "/-/metrics", "").want(200).body
	if !strings.Contains(text, "\n"+name+" "+value+"\n") {
		b.Errorf("no %s %s in /-/metrics", name, value)
	}
}
