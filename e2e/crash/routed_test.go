package crash_test

// routed counts what only routers do. What else a report counts are the copies
// of their messages.
type routed struct {
	messages              int // of which there are the copies
	pushes, taken, proven int // answered with 2xx, and of those, known to be on disk
	unanswered            int
	closures              int
	heard                 int // over sockets
	inVain, tooOften      int // messages among the dead letters, by reason
}

func (p *routed) add(h *history) {
	if len(h.pushes) == 0 {
		return
	}
	p.messages += len(h.attempts)
	p.closures += len(h.closures)
	for _, s := range pushesOf(h) {
		p.pushes++
		switch {
		case s.status == 0:
			p.unanswered++
		case s.delivered():
			p.taken++
			if s.known > 0 {
				p.proven++
			}
		}
	}
	buried := map[string]string{}
	for i := range h.deliveries {
		if d := &h.deliveries[i]; d.mode == heard {
			p.heard++
		} else if d.from == oneDead {
			buried[d.id] = d.reason
		}
	}
	for _, reason := range buried {
		if reason == inVain {
			p.inVain++
		} else {
			p.tooOften++
		}
	}
}

// describe adds rows to a table.
func (p *routed) describe(row func(what, format string, args ...any)) {
	if p.pushes == 0 {
		return
	}
	row("messages to routers", "%d, of which all that follows are the copies", p.messages)
	row("pushes", "%d, %d answered with 2xx (%d of these known to be on disk), %d not answered, %d times nobody listened",
		p.pushes, p.taken, p.proven, p.unanswered, p.closures)
	row("over sockets", "%d", p.heard)
	row("dead letters", "%d pushed in vain, %d delivered too often", p.inVain, p.tooOften)
}
