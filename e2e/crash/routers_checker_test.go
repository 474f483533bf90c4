package crash_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// The names of sinks in scenes.
const (
	steady = "steady" // with one slot
	moody  = "moody"  // with two
)

// sendMarked sends a message that all subscribe to.
func (s *scene) sendMarked(to *place) *attempt {
	s.send(to)
	s.change(func(a *attempt) { a.marked = true })
	a := s.attempts[len(s.attempts)-1]
	return &a
}

// push has the broker of the moment push a message.
func (s *scene) push(a *attempt, sink string, count, status int) {
	s.pushes = append(s.pushes, push{
		call: s.call(done), id: a.id, sink: sink, slots: 1, generation: len(s.kills),
		hook: "hook of " + a.id, count: count, number: a.number, status: status,
	})
	if sink == moody {
		s.pushes[len(s.pushes)-1].slots = 2
	}
}

// amendPush has fn change the last push.
func (s *scene) amendPush(fn func(p *push)) { fn(&s.pushes[len(s.pushes)-1]) }

func (s *scene) kill() { s.kills = append(s.kills, s.call(done)) }

// closed is a time in which nobody listens at an endpoint.
func (s *scene) closed() {
	s.closures = append(s.closures, closure{s.call(done), oneBuffer})
}

// hear has a listener get a message over a socket.
func (s *scene) hear(a *attempt, count int) *delivery {
	s.receiveFrom(a, oneBuffer, count, "")
	return s.amend(func(d *delivery) { d.mode, d.generation, d.number = heard, len(s.kills), a.number })
}

// bury completes a message among the dead letters of the router to one.
func (s *scene) bury(a *attempt, count int, reason string) {
	d := s.receiveFrom(a, oneDead, count, reason)
	s.amend(func(d *delivery) { d.number = a.number })
	s.settle(d, client.Complete)
}

// everywhere completes all copies of a message but that of the router to one.
func (s *scene) everywhere(a *attempt) {
	for _, p := range []*place{pulled, kept, every, half} {
		if p != half || a.marked {
			s.settle(s.receiveFrom(a, p, 1, ""), client.Complete)
		}
	}
}

// judged is what the checkers say in the end.
func (s *scene) judged() (all, nonlinear []finding) {
	s.drained = s.call(done).end
	w, found := (&routersCast{}).judge(&s.history)
	nonlinear, _ = w.checkLinear()
	return append(found, w.check()...), nonlinear
}

// TestRouterCheckersAccept shows histories in which everything is as promised.
func TestRouterCheckersAccept(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(s *scene){
		"everywhere and pushed": func(s *scene) {
			a := s.sendMarked(allRouter)
			s.everywhere(a)
			s.push(a, steady, 1, 200)
		},
		"everywhere and pulled": func(s *scene) {
			a := s.send(allRouter)
			s.everywhere(a)
			s.settle(s.receiveFrom(a, onePulled, 1, ""), client.Complete)
		},
		"send without an answer, nowhere": func(s *scene) {
			s.sendAs(allRouter, unknown, batch, 3)
		},
		"send without an answer, everywhere": func(s *scene) {
			for _, a := range s.sendAs(allRouter, unknown, batch, 2) {
				s.everywhere(a)
				s.push(a, moody, 1, 204)
			}
		},
		"pushed until it was taken": func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.push(a, steady, 2, 503)
			s.push(a, moody, 3, 201)
		},
		"killed before the answer was on disk": func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, steady, 1, 200)
			s.kill()
			s.push(a, moody, 2, 200)
		},
		"killed before it was seen": func(s *scene) {
			a := s.send(oneRouter)
			s.kill()
			s.kill()
			s.push(a, moody, 3, 200)
		},
		"seen after its broker was killed": func(s *scene) {
			a := s.send(oneRouter)
			s.kill()
			s.push(a, moody, 1, 200)
			s.amendPush(func(p *push) { p.generation = 0 })
			s.push(a, moody, 2, 200)
		},
		"pushed in vain": func(s *scene) {
			a := s.send(oneRouter)
			for count := range oneBuffer.max {
				s.push(a, moody, count+1, 500)
			}
			s.bury(a, oneBuffer.max+1, inVain)
		},
		"nobody listened": func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.closed()
			s.bury(a, 2, inVain)
		},
		"killed too often": func(s *scene) {
			a := s.send(oneRouter)
			for count := range oneBuffer.max {
				s.push(a, moody, count+1, 200)
				s.kill()
			}
			s.bury(a, oneBuffer.max+1, tooOften)
		},
		"over a socket": func(s *scene) {
			a := s.send(oneRouter)
			s.settle(s.hear(a, 1), client.Abandon)
			s.settle(s.hear(a, 2), client.Release)
			s.settle(s.hear(a, 2), client.Complete)
		},
		"the socket's broker was killed": func(s *scene) {
			a := s.send(oneRouter)
			s.settleAs(s.hear(a, 1), client.Complete, unknown, 0)
			s.kill()
			s.push(a, steady, 2, 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			play(s)
			found, nonlinear := s.judged()
			for _, f := range append(found, nonlinear...) {
				t.Errorf("%s", f)
			}
		})
	}
}

func spreads() map[string]crime {
	return map[string]crime{
		"a copy is missing": {lost, true, func(s *scene) {
			a := s.sendMarked(allRouter)
			s.everywhere(a)
		}},
		"a copy is missing of a send without an answer": {torn, false, func(s *scene) {
			a := s.sendAs(allRouter, unknown, single, 1)[0]
			s.everywhere(a)
		}},
		"the filter lets nothing pass": {lost, true, func(s *scene) {
			a := s.send(innerRouter)
			s.settle(s.receiveFrom(a, every, 1, ""), client.Complete)
			s.change(func(a *attempt) { a.marked = true })
		}},
		"the filter lets everything pass": {unexpected, false, func(s *scene) {
			a := s.send(innerRouter)
			s.settle(s.receiveFrom(a, every, 1, ""), client.Complete)
			s.settle(s.receiveFrom(a, half, 1, ""), client.Complete)
		}},
		"part of a batch": {torn, false, func(s *scene) {
			a := s.sendAs(allRouter, unknown, batch, 2)[0]
			s.everywhere(a)
			s.push(a, steady, 1, 200)
		}},
		"twice in one place": {misnumbered, true, func(s *scene) {
			a := s.send(allRouter)
			s.everywhere(a)
			s.push(a, steady, 1, 200)
			s.receiveFrom(a, kept, 1, "")
			s.settle(s.amend(func(d *delivery) { d.number++ }), client.Complete)
		}},
		"second before first": {disordered, false, func(s *scene) {
			a, b := s.send(allRouter), s.send(allRouter)
			s.everywhere(b)
			s.everywhere(a)
			s.push(a, moody, 1, 200)
			s.push(b, moody, 1, 200)
		}},
		"in vain in a queue that does not push": {misplaced, true, func(s *scene) {
			a := s.send(oneRouter)
			s.receiveFrom(a, onePulled, 1, "")
			s.wait(lockTime)
			s.bury(a, 2, inVain)
		}},
	}
}

func draws() map[string]crime {
	return map[string]crime{
		"to two of one": {afterEnd, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, steady, 1, 200)
			s.settle(s.receiveFrom(a, onePulled, 1, ""), client.Complete)
		}},
		"to two of one, both under way": {afterEnd, true, func(s *scene) {
			a := s.send(oneRouter)
			d := s.receiveFrom(a, onePulled, 1, "")
			s.push(a, steady, 1, 200)
			s.settle(d, client.Complete)
		}},
		"to nobody": {lost, true, func(s *scene) {
			s.send(oneRouter)
		}},
		"at two endpoints at one time": {twoLocks, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 200)
			s.amendPush(func(p *push) { p.end += time.Second })
			s.push(a, steady, 2, 200)
		}},
		"at a socket and an endpoint": {afterEnd, true, func(s *scene) {
			a := s.send(oneRouter)
			s.hear(a, 1)
			s.push(a, steady, 2, 200)
		}},
	}
}

func taken() map[string]crime {
	return map[string]crime{
		"pushed again by the same broker": {afterEnd, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, steady, 1, 200)
			s.push(a, steady, 2, 200)
		}},
		"pushed again by the same broker, which was killed": {twoLocks, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 200)
			s.push(a, steady, 2, 200)
			s.kill()
		}},
		"pushed again after another push in its slot": {afterEnd, true, func(s *scene) {
			a, b := s.send(oneRouter), s.send(oneRouter)
			s.push(a, steady, 1, 200)
			s.push(b, steady, 1, 200)
			s.kill()
			s.push(a, steady, 2, 200)
		}},
		"pushed again after pushes in all slots": {afterEnd, true, func(s *scene) {
			a, b, c := s.send(oneRouter), s.send(oneRouter), s.send(oneRouter)
			s.push(a, moody, 1, 200)
			s.push(b, moody, 1, 200)
			s.amendPush(func(p *push) { p.end += time.Second / 2 })
			s.push(c, moody, 1, 200)
			s.kill()
			s.push(a, moody, 2, 200)
		}},
		"taken over a socket and pushed": {afterEnd, true, func(s *scene) {
			a := s.send(oneRouter)
			s.settle(s.hear(a, 1), client.Complete)
			s.kill()
			s.push(a, moody, 2, 200)
		}},
		"settled over a socket whose broker has gone": {deadLock, true, func(s *scene) {
			a := s.send(oneRouter)
			d := s.hear(a, 1)
			s.kill()
			s.wait(time.Second)
			s.push(a, moody, 2, 200)
			s.settle(d, client.Complete)
		}},
	}
}

func tries() map[string]crime {
	return map[string]crime{
		"count stays": {miscounted, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.push(a, moody, 1, 200)
		}},
		"count begins anew": {miscounted, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.push(a, moody, 2, 500)
			s.kill()
			s.push(a, moody, 1, 200)
		}},
		"count jumps": {miscounted, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.push(a, moody, 3, 200)
		}},
		"given up too soon": {misplaced, true, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.bury(a, 2, inVain)
		}},
		"pushed once too often": {misplaced, true, func(s *scene) {
			a := s.send(oneRouter)
			for count := range oneBuffer.max {
				s.push(a, moody, count+1, 500)
			}
			s.push(a, moody, oneBuffer.max+1, 200)
		}},
		"another webhook-id": {misnumbered, false, func(s *scene) {
			a := s.send(oneRouter)
			s.push(a, moody, 1, 500)
			s.push(a, moody, 2, 200)
			s.amendPush(func(p *push) { p.hook += "!" })
		}},
		"one webhook-id for two": {misnumbered, false, func(s *scene) {
			a, b := s.send(oneRouter), s.send(oneRouter)
			s.push(a, moody, 1, 200)
			s.push(b, moody, 1, 200)
			s.amendPush(func(p *push) { p.hook = "hook of " + a.id })
		}},
		"not as it was sent": {damaged, false, func(s *scene) {
			s.push(s.send(oneRouter), steady, 1, 200)
			s.amendPush(func(p *push) { p.damage = "other bytes" })
		}},
		"never sent": {unexpected, false, func(s *scene) {
			s.push(&attempt{id: "stranger", number: 7}, steady, 1, 200)
		}},
	}
}

// TestRouterCheckersFind shows histories in which a promise is broken.
func TestRouterCheckersFind(t *testing.T) {
	t.Parallel()
	for _, some := range []map[string]crime{spreads(), draws(), taken(), tries()} {
		for name, c := range some {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newScene()
				c.play(s)
				found, nonlinear := s.judged()
				if !slices.ContainsFunc(found, func(f finding) bool { return f.rule == c.rule }) {
					t.Errorf("found %v, want %s", found, c.rule)
				}
				if c.linear != (len(nonlinear) > 0) {
					t.Errorf("the search found %v", nonlinear)
				}
			})
		}
	}
}
