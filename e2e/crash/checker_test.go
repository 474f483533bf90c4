package crash_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// TestCheckersAccept shows histories in which everything is as promised.
func TestCheckersAccept(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(s *scene){
		"nothing": func(*scene) {},
		"completed": func(s *scene) {
			s.consume(s.send(orders))
		},
		"forwarded": func(s *scene) {
			s.consume(s.send(inbox))
		},
		"each disposition": func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 2), client.Release)
			s.settleAs(s.receive(a, 2), client.Abandon, done, time.Second)
			s.wait(time.Second)
			s.settle(s.receive(a, 3), client.Reschedule)
			s.settle(s.receive(a, 1), client.Defer)
			s.receive(a, 2)
			s.settle(s.amend(func(d *delivery) { d.mode = byNumber }), client.DeadLetter)
			s.settle(s.receiveFrom(a, ordersDead, 3, byRequest), client.Complete)
		},
		"lock ran out": func(s *scene) {
			a := s.send(orders)
			d := s.receive(a, 1)
			s.wait(lockTime)
			again := s.receive(a, 2)
			s.settleAs(d, client.Complete, refused, 0)
			s.settle(again, client.Complete)
		},
		"lock renewed": func(s *scene) {
			d := s.receive(s.send(orders), 1)
			s.wait(lockTime - time.Second)
			s.renew(d, done)
			s.wait(lockTime - time.Second)
			s.settle(d, client.Complete)
		},
		"settlement without an answer, carried out": func(s *scene) {
			d := s.receive(s.send(orders), 1)
			s.settleAs(d, client.Complete, unknown, 0)
			s.settleAs(d, client.Complete, refused, 0)
		},
		"settlement without an answer, not carried out": func(s *scene) {
			a := s.send(orders)
			s.settleAs(s.receive(a, 1), client.Complete, unknown, 0)
			s.wait(lockTime)
			s.settle(s.receive(a, 2), client.Complete)
		},
		"abandon without an answer, carried out": func(s *scene) {
			a := s.send(orders)
			s.settleAs(s.receive(a, 1), client.Abandon, unknown, 0)
			s.settle(s.receive(a, 2), client.Complete)
		},
		"send without an answer, carried out": func(s *scene) {
			s.consume(s.sendAs(orders, unknown, single, 1)[0])
		},
		"send without an answer, not carried out": func(s *scene) {
			s.sendAs(orders, unknown, single, 1)
		},
		"stream of which the beginning is there": func(s *scene) {
			s.consume(s.sendAs(bulk, unknown, stream, 3)[0])
		},
		"receive without an answer": func(s *scene) {
			a := s.send(orders)
			s.blind(orders)
			s.wait(lockTime)
			s.settle(s.receive(a, 2), client.Complete)
		},
		"deleted without an answer": func(s *scene) {
			s.send(fast)
			s.blind(fast)
		},
		"delivered as often as allowed": func(s *scene) {
			a := s.send(risky)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 2), client.Abandon)
			s.settle(s.receiveFrom(a, poison, 1, tooOften), client.Complete)
		},
		"redriven": func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.DeadLetter)
			s.redrives = append(s.redrives, redrive{s.call(unknown), ordersDead})
			s.consume(a)
		},
		"too old": func(s *scene) {
			a := s.send(perishable)
			s.wait(perishable.life)
			s.settle(s.receiveFrom(a, perishableDead, 1, tooOld), client.Complete)
		},
		"locked by number at an instant that is not told": func(s *scene) {
			a := s.send(risky)
			s.settle(s.receive(a, 1), client.Defer)
			s.receive(a, 2)
			d := s.amend(func(d *delivery) { d.mode, d.given, d.givenBy = byNumber, d.start-clockSlack, d.end })
			s.settle(d, client.Abandon)
			last := s.receiveFrom(a, poison, 1, tooOften)
			s.amend(func(next *delivery) { next.given = d.end - instantly/2; next.givenBy = next.given })
			s.settle(last, client.Complete)
		},
		"given back in its place": func(s *scene) {
			a, b := s.send(orders), s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 2), client.Complete)
			s.consume(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			play(s)
			w := s.end()
			for _, f := range w.check() {
				t.Errorf("%s", f)
			}
			nonlinear, undecided := w.checkLinear()
			for _, f := range nonlinear {
				t.Errorf("%s", f)
			}
			if undecided > 0 {
				t.Errorf("%d messages were not decided", undecided)
			}
		})
	}
}

// A crime is a history in which a promise is broken.
type crime struct {
	rule   rule
	linear bool // the search finds it too
	play   func(s *scene)
}

// crimes are by what has happened.
func crimes() map[string]crime {
	all := map[string]crime{}
	for _, some := range []map[string]crime{losses(), strangers(), locks(), courses(), sequences(), times()} {
		for name, c := range some {
			all[name] = c
		}
	}
	return all
}

func losses() map[string]crime {
	return map[string]crime{
		"acknowledged and never seen": {lost, true, func(s *scene) {
			s.consume(s.send(orders))
			s.send(orders)
		}},
		"received, not completed and never seen again": {lost, true, func(s *scene) {
			s.receive(s.send(orders), 1)
		}},
		"lost after a settlement without an answer": {lost, true, func(s *scene) {
			s.settleAs(s.receive(s.send(orders), 1), client.Abandon, unknown, 0)
		}},
		"deleted by nobody": {lost, true, func(s *scene) {
			s.send(fast)
		}},
		"part of a batch": {torn, false, func(s *scene) {
			s.consume(s.sendAs(orders, unknown, batch, 2)[1])
		}},
		"stream with a hole": {torn, false, func(s *scene) {
			list := s.sendAs(bulk, unknown, stream, 3)
			s.consume(list[0])
			s.consume(list[2])
		}},
	}
}

func strangers() map[string]crime {
	return map[string]crime{
		"never sent": {unexpected, false, func(s *scene) {
			s.consume(&attempt{id: "stranger", to: orders, number: 7})
		}},
		"sent and refused": {unexpected, false, func(s *scene) {
			s.consume(s.sendAs(orders, refused, single, 1)[0])
		}},
		"sent without a connection": {unexpected, false, func(s *scene) {
			s.consume(s.sendAs(orders, unreached, single, 1)[0])
		}},
		"not as it was sent": {damaged, false, func(s *scene) {
			d := s.receive(s.send(orders), 1)
			s.amend(func(d *delivery) { d.damage = "other bytes" })
			s.settle(d, client.Complete)
		}},
		"another sequence number": {misnumbered, false, func(s *scene) {
			a := s.send(orders)
			a.number++
			s.consume(a)
		}},
		"the same sequence number twice": {misnumbered, false, func(s *scene) {
			a, b := s.send(orders), s.send(orders)
			s.change(func(b *attempt) { b.number = a.number })
			s.consume(a)
			b.number = a.number
			s.consume(b)
		}},
	}
}

func locks() map[string]crime {
	return map[string]crime{
		"received again after completion": {afterEnd, true, func(s *scene) {
			a := s.send(orders)
			s.consume(a)
			s.wait(lockTime)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"received again after deletion": {afterEnd, true, func(s *scene) {
			a := s.send(fast)
			s.receive(a, 1)
			s.receive(a, 2)
		}},
		"locked twice": {twoLocks, true, func(s *scene) {
			a := s.send(orders)
			s.receive(a, 1)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"locked again although it was renewed": {twoLocks, true, func(s *scene) {
			a := s.send(orders)
			d := s.receive(a, 1)
			s.wait(lockTime - time.Second)
			s.renew(d, done)
			s.wait(lockTime - time.Second/2)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"completion without an answer does not end the lock": {twoLocks, true, func(s *scene) {
			a := s.send(orders)
			s.settleAs(s.receive(a, 1), client.Complete, unknown, 0)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"settled after the lock ran out": {deadLock, true, func(s *scene) {
			d := s.receive(s.send(orders), 1)
			s.wait(2 * lockTime)
			s.settle(d, client.Complete)
		}},
		"settled by an old lock": {deadLock, true, func(s *scene) {
			a := s.send(orders)
			old := s.receive(a, 1)
			s.wait(lockTime)
			s.receive(a, 2)
			s.settle(old, client.Complete)
		}},
		"settled twice": {deadLock, true, func(s *scene) {
			d := s.receive(s.send(orders), 1)
			s.settle(d, client.Complete)
			s.settle(d, client.Complete)
		}},
		"renewed after completion": {deadLock, true, func(s *scene) {
			d := s.receive(s.send(orders), 1)
			s.settle(d, client.Complete)
			s.renew(d, done)
		}},
		"lock lost": {lockLost, true, func(s *scene) {
			a := s.send(orders)
			s.settleAs(s.receive(a, 1), client.Complete, refused, 0)
			s.wait(lockTime)
			s.settle(s.receive(a, 2), client.Complete)
		}},
	}
}

func courses() map[string]crime {
	return map[string]crime{
		"count begins anew": {miscounted, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 2), client.Abandon)
			s.settle(s.receive(a, 1), client.Complete)
		}},
		"count stays": {miscounted, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 1), client.Complete)
		}},
		"count jumps": {miscounted, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 3), client.Complete)
		}},
		"delivered once too often": {misplaced, true, func(s *scene) {
			a := s.send(risky)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receive(a, 2), client.Abandon)
			s.settle(s.receive(a, 3), client.Complete)
		}},
		"dead-lettered too soon": {misplaced, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.settle(s.receiveFrom(a, ordersDead, 2, tooOften), client.Complete)
		}},
		"not dead-lettered": {misplaced, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.DeadLetter)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"dead-lettered for another reason": {misplaced, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.DeadLetter)
			s.settle(s.receiveFrom(a, ordersDead, 2, tooOften), client.Complete)
		}},
		"deferred, and received from the head": {misplaced, true, func(s *scene) {
			a := s.send(orders)
			s.settle(s.receive(a, 1), client.Defer)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"not forwarded": {misplaced, true, func(s *scene) {
			a := s.send(inbox)
			s.settle(s.receiveFrom(a, inbox, 1, ""), client.Complete)
		}},
		"came back without a redrive": {misplaced, true, func(s *scene) {
			a := s.send(orders)
			s.redrives = append(s.redrives, redrive{s.call(done), ordersDead})
			s.settle(s.receive(a, 1), client.DeadLetter)
			s.consume(a)
		}},
	}
}

func sequences() map[string]crime {
	return map[string]crime{
		"second before first": {disordered, false, func(s *scene) {
			a, b := s.send(orders), s.send(orders)
			s.consume(b)
			s.consume(a)
		}},
		"out of order behind a forward": {disordered, false, func(s *scene) {
			a, b := s.send(inbox), s.send(inbox)
			a.number, b.number = b.number, a.number
			s.consume(b)
			s.consume(a)
		}},
		"higher number of another sender first": {disordered, false, func(s *scene) {
			a, b := s.send(orders), s.send(orders)
			s.change(func(a *attempt) { a.sender = "another" })
			s.consume(b)
			s.consume(a)
		}},
		"given back to the tail": {disordered, false, func(s *scene) {
			a, b := s.send(orders), s.send(orders)
			s.settle(s.receive(a, 1), client.Abandon)
			s.consume(b)
			s.settle(s.receive(a, 2), client.Complete)
		}},
	}
}

func times() map[string]crime {
	return map[string]crime{
		"before its schedule": {tooEarly, false, func(s *scene) {
			a := s.send(later)
			s.change(func(a *attempt) { a.visible = time.Second })
			s.consume(a)
		}},
		"before its delay": {tooEarly, false, func(s *scene) {
			a := s.send(orders)
			s.settleAs(s.receive(a, 1), client.Abandon, done, time.Second)
			s.settle(s.receive(a, 2), client.Complete)
		}},
		"too old before its time": {misplaced, true, func(s *scene) {
			a := s.send(perishable)
			s.settle(s.receiveFrom(a, perishableDead, 1, tooOld), client.Complete)
		}},
		"after its time": {tooLate, false, func(s *scene) {
			a := s.send(perishable)
			s.wait(perishable.life)
			s.consume(a)
		}},
	}
}

// TestCheckersFind shows histories in which a promise is broken. A checker
// that does not find it would prove nothing about a broker.
func TestCheckersFind(t *testing.T) {
	t.Parallel()
	for name, c := range crimes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			c.play(s)
			w := s.end()
			found := w.check()
			if !slices.ContainsFunc(found, func(f finding) bool { return f.rule == c.rule }) {
				t.Errorf("found %v, want %s", found, c.rule)
			}
			nonlinear, _ := w.checkLinear()
			if c.linear != (len(nonlinear) > 0) {
				t.Errorf("the search found %v", nonlinear)
			}
		})
	}
}
