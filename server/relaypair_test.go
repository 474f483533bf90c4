package server_test

import (
	"encoding/json"
	"strings"
	"time"
)

// connecting asks for a sender's socket; the result waits for it.
func (b *bus) connecting(path string, headers ...string) func() *peer {
	if !strings.Contains(path, "?") {
		path += "?"
	}
	return b.opening("/$hc"+path+"&sb-hc-action=connect", headers...)
}

func (b *bus) opening(path string, headers ...string) func() *peer {
	done := make(chan *peer, 1)
	go func() {
		defer close(done)
		done <- b.open(path, headers...)
	}()
	return func() *peer {
		b.Helper()
		p := <-done
		if p == nil {
			b.Fatal("no socket")
		}
		return p
	}
}

// address is where the listener is to open the socket that a sender wants.
func (p *peer) address() string {
	p.Helper()
	m := p.hear()
	if m.Accept == nil {
		p.Fatal("no accept")
	}
	return m.Accept.Address
}

// join connects a sender to the listener.
func (p *peer) join(path string, headers ...string) (sender, listener *peer) {
	p.Helper()
	pending := p.connecting(path, headers...)
	listener = p.open(p.address())
	return pending(), listener
}

// echo listens, and answers each request with what it was, and each socket with
// what it says.
func (b *bus) echo(path string) *peer {
	b.Helper()
	p := b.listen(path)
	go p.work()
	return p
}

func (p *peer) work() {
	for f := range p.got {
		var m told
		_ = json.Unmarshal([]byte(f.data), &m)
		switch {
		case m.Accept != nil:
			go p.open(m.Accept.Address).reflect()
		case m.Request != nil && m.Request.Method == "":
			go p.fetch(m.Request.Address)
		case m.Request != nil:
			body := ""
			if *m.Request.Body {
				body = (<-p.got).data
			}
			p.answer(m.Request.ID, 200, m.Request.Method+" "+m.Request.Target+" "+body)
		}
	}
}

func (p *peer) reflect() {
	for f := range p.got {
		_ = p.conn.WriteMessage(f.kind, []byte(f.data)) // who has gone wants no echo
	}
}

func (p *peer) fetch(address string) {
	at := p.open(address)
	r := at.hear().Request
	at.answer(r.ID, 200, r.Method+" "+r.Target+" "+at.next().data)
}

// A pair is a listener and a sender's socket that nothing should disturb.
type pair struct {
	*bus
	sender *peer
}

func (b *bus) pair() *pair {
	b.Helper()
	b.point("/steady")
	b.echo("/steady")
	return &pair{b, b.connecting("/steady")()}
}

// wantWorking checks that the pair relays as if nothing was.
func (p *pair) wantWorking() {
	p.Helper()
	start := time.Now()
	p.call("POST", "/steady/x", "hello").want(200).wantBody("POST /steady/x hello")
	p.sender.write(textFrame("hello"))
	p.sender.want(textFrame("hello"))
	if took := time.Since(start); took > time.Second {
		p.Errorf("the others were held up for %v", took)
	}
}

// pointWith makes a connection point of the given elements, as JSON members.
func (b *bus) pointWith(path, elements string) {
	b.Helper()
	b.call("POST", path, `{"ConnectionPointPolicy":{`+elements+`}}`, "Content-Type", policyType).want(201)
}

// changePoint gives a connection point another policy.
func (b *bus) changePoint(path, elements string) {
	b.Helper()
	b.call("PUT", path+"/$policy", `{"ConnectionPointPolicy":{`+elements+`}}`, "Content-Type", policyType, "If-Match", "*").want(200)
}
