package main

// What the tests of one promise are run with.
const (
	powerLoss = "./store -run PowerLoss"
	model     = "./queue -run TestModel -rapid.checks=300"
	sending   = "./queue -run Sent|Batch|Limits|Overflow|Discard|Held|PlaceIs|WaitForRoom|Status|DiskIsFull"
	receiving = "./queue -run Receiver|MaxConcurrent|DeliveryCount|WithoutSweep|Expiry|Positions|Window|Deletion"
	settling  = "./queue -run Token|Lost|OneLock|Settle|Renew|Reason|Cancel|LockBy|LockHolds|LockedMessage"
	moving    = "./queue -run Forward|Target|Poison|Redrive|EachMove"
	keeping   = "./queue -run Bod|Nothing|Damaged|BitFlips|MadeAgain"
	crowded   = "-race ./queue -run Crowd"
	routing   = "./router ./broker -run Draw|Uniform|Route|Router|Model|Subscri"
	pushing   = "./broker -run Push|Gone|Slow|Consent|Circuit|Buffer"
	sharing   = "./queue -run Share|Distribute"
	relaying  = "./relay ./relay/control ./relay/duplex ./server -run Relay|Point|Draw|Listener|Join|Header|EndToEnd|Write"
)

// mutants are the bugs. Many of them have been there.
var mutants = []mutant{
	// Durability.
	{"answer before the commit", "P1", "store/committer.go",
		"\treturn s.finish(tx)\n",
		"\tfor _, o := range s.batch {\n\t\to.done <- struct{}{}\n\t}\n\ts.batch = nil\n\treturn s.finish(tx)\n", powerLoss},
	{"no sync", "P1", "store/init.go",
		"NoFreelistSync:  true,", "NoFreelistSync:  true,\n\t\tNoSync: true,", powerLoss},
	{"a held sender is answered before its commit", "P1", "queue/send.go",
		"if !s.held {", "if s.numbers != nil {", crowded},
	{"a batch is let in as soon as one of it fits", "Q4", "queue/send.go",
		"q.hasRoom(max(1, len(s.messages)), s.bytes)", "q.hasRoom(1, 0)", sending},
	{"the last number is not durable", "P1", "queue/counts.go",
		"b = binary.AppendUvarint(b, c.next)", "b = binary.AppendUvarint(b, 1)", keeping},

	// Locks and settlements.
	{"the token is not compared", "P4", "queue/settle.go",
		" || e.lock.random != random {\n\t\treturn nil, &LockError{q", " {\n\t\treturn nil, &LockError{q", settling},
	{"an expired lock is accepted", "P4", "queue/settle.go",
		"if !e.lock.until.After(tx.Now) {", "if !e.lock.until.After(tx.Now) && false {", receiving},
	{"a lock is not durable", "R9", "queue/entry.go",
		"e.flags |= isLocked\n", "\n", settling},
	{"locks do not end after a restart", "R9", "queue/set.go",
		"tx.OnCommit(func() { s.apply(locks) })", "_ = locks", settling},
	{"a renewal is not durable", "R9", "queue/settle.go",
		"q.move(tx, &from, e, e.place)", "q.locks = append(q.locks, lockChange{q.lockKey(e), until})\n\t\t_ = from", settling},
	{"a locked message expires", "R4", "queue/state.go",
		"e.sub == Main && e.state != Locked\n", "e.sub == Main\n", settling},
	{"a waiter that is gone still gets the lock", "R2", "queue/receive.go",
		"for !q.withdrawReceiver(r) {", "for false {", receiving},
	{"what a client that is gone was given stays locked", "R2", "queue/receive.go",
		"q.undeliver(list)\n", "\n", receiving},
	{"a wrong reason after the last delivery", "R4", "queue/settle.go",
		"if ranOut(DeadLetter, readyLine) {", "if false {", settling},

	// Deliveries.
	{"the delivery count is not durable", "P5", "queue/entry.go",
		"uint64(e.deliveries), uint64(e.unsent)", "0, uint64(e.unsent)", receiving},
	{"one delivery too many", "P5", "queue/state.go",
		"int(e.deliveries+e.unsent) >= q", "int(e.deliveries+e.unsent) > q", receiving},
	{"the dead-letter move is two transactions", "P5", "queue/settle.go",
		"q.bury(tx, e, dead{reason: cmp.Or(cut(s.Reason), reasonUnstated), description: cut(s.Description)})",
		"why := dead{reason: cmp.Or(cut(s.Reason), reasonUnstated), description: cut(s.Description)}\n\t\tq.leave(tx, e)\n\t\ttx.OnCommit(func() {\n\t\t\tgo q.update(context.Background(), func(tx *store.Tx) error {\n\t\t\t\tq.enter(tx, e)\n\t\t\t\tq.bury(tx, e, why)\n\t\t\t\treturn nil\n\t\t\t})\n\t\t})", moving},
	{"a redelivery goes to the tail", "P6", "queue/state.go",
		"q.activate(tx, e, e.position) // [R7]", "q.activate(tx, e, q.tail()) // [R7]", receiving},
	{"a release counts as a delivery", "R3", "queue/settle.go",
		"e.deliveries--\n\tif", "if", receiving},
	{"a rescheduled message keeps its place", "R7", "queue/settle.go",
		"q.activate(tx, e, q.tail())", "q.activate(tx, e, e.position)", receiving},
	{"receivers are served last in, first out", "R1", "queue/receive.go",
		"q.receivers[r.Sub].PushBack(r)", "q.receivers[r.Sub].PushFront(r)", receiving},
	{"one lock above MaxConcurrentReaders", "R1", "queue/receive.go",
		"[Locked] >= uint64(limit)", "[Locked] > uint64(limit)", receiving},
	{"deliveries that a commit has no room for are forgotten", "P11", "queue/receive.go",
		"\t\tif tx.Full() {\n\t\t\tq.again = true\n\t\t\treturn\n", "\t\tif tx.Full() {\n\t\t\treturn\n", receiving},
	{"messages behind the window are forgotten", "P1", "queue/lane.go",
		"l.next = l.ready[maxWindow]\n", "l.next = everything\n", receiving},
	{"an old message is delivered", "R1", "queue/receive.go",
		"if e.expired(tx.Now) {\n\t\t\tq.expire", "if false {\n\t\t\tq.expire", receiving},
	{"an old message is dropped instead of dead-lettered", "R8", "queue/state.go",
		"if q.Policy().DeadLetterExpired {", "if false {", receiving},
	{"who waits when the queue is closed is served", "R1", "queue/receive.go",
		"\tif q.gives() != nil {\n\t\treturn\n\t}\n", "\n", "./queue -run Disabled"},
	{"a deletion does not answer those who wait", "P11", "queue/queue.go",
		"close(q.gone)\n", "\n", receiving},

	{"who gives up while a commit fails waits for ever", "P11", "queue/receive.go",
		"case <-time.After(lookAgain):\n", "case <-(chan time.Time)(nil):\n", "./queue -run CommitFails"},
	{"a sender that gives up while a commit fails waits for ever", "P11", "queue/send.go",
		"case <-time.After(lookAgain):\n", "case <-(chan time.Time)(nil):\n", "./queue -run CommitFails"},
	{"a receive that is refused has written before", "P11", "queue/receive.go",
		"if err := q.lineUp(r); err != nil {\n\t\treturn err\n\t}\n\t_, err := q.set.endLocks(tx)\n\treturn err\n",
		"if _, err := q.set.endLocks(tx); err != nil {\n\t\treturn err\n\t}\n\treturn q.lineUp(r)\n", "./queue -run MostWaiting"},

	// Fullness.
	{"held senders are let in last in, first out", "P6", "queue/send.go",
		"q.senders.PushBack(s)", "q.senders.PushFront(s)", sending},
	{"a newcomer overtakes those who are held", "P6", "queue/send.go",
		"if q.senders.Len() == 0 && q.fits(s) {", "if q.fits(s) {", sending},
	{"one message above MaxQueueLength", "P11", "queue/send.go",
		"+int64(messages) > p.MaxLength", "+int64(messages) > p.MaxLength+1", sending},
	{"one byte above MaxSizeInMegabytes", "P11", "queue/send.go",
		"+bytes <= p.MaxBytes()", "+bytes <= p.MaxBytes()+1", sending},
	{"a refused sender gives back bytes that it never had", "P11", "queue/set.go",
		"senders, all := h.senders.Add(1), h.bytes.Add(bytes)\n\tif senders > maxHeldSenders || all > maxHeldBytes && bytes > 0 {",
		"if h.senders.Add(1) > maxHeldSenders || h.bytes.Add(bytes) > maxHeldBytes && bytes > 0 {", sending},
	{"who is held behind one that is gone stays held", "P11", "queue/send.go",
		"defer q.set.matchAgain(q) // there can be room for those behind\n", "\n", sending},
	{"who does not fit into a commit stays held", "P11", "queue/send.go",
		"\t\tif tx.Full() {\n\t\t\tq.again = true\n", "\t\tif tx.Full() {\n", sending},
	{"a full disk takes messages", "P11", "queue/send.go",
		"return tx.Room()", "return nil", sending},
	{"a locked message is displaced", "P4", "queue/send.go",
		"rec.Err == nil && err == nil && e.state == Active", "rec.Err == nil && err == nil", sending},

	// Moving on.
	{"a message moves on for ever", "S5", "queue/forward.go",
		"if e.hops >= maxHops {", "if e.hops > maxHops {", moving},
	{"a poison drop that fails loses the message", "P1", "queue/state.go",
		"if q.forward(tx, &from, e, to) == nil {", "if q.forward(tx, &from, e, to); true {", moving},
	{"a redrive of what fails again never ends", "R8", "queue/browse.go",
		"if !ready || position > last {", "if !ready {", moving + " -timeout 20s"},
	{"a redrive keeps the count of deliveries", "R8", "queue/browse.go",
		"e.deliveries, e.lock, e.dead = 0, lock{}, dead{}", "e.lock, e.dead = lock{}, dead{}", moving},
	{"a restart leaves messages that were to move on", "P1", "queue/set.go",
		"s.matchAgain(q) // the last process", "_ = q // the last process", moving},

	// Records.
	{"the counts drift", "P2", "queue/state.go",
		"q.counts.bytes[e.sub] -= uint64(e.body.size)\n", "\n", sending},
	{"a moved message is not found", "R7", "queue/state.go",
		"tx.Put(movedTable, q.id.movedKey(e.seq), movedValue(e.position))", "", receiving},
	{"a damaged record is served", "P2", "store/record.go",
		"if n < 0 || checksum(t, key, sealed[:n]) != binary.BigEndian.Uint32(sealed[n:]) {", "if n < 0 {", "./queue -run DamagedBody"},
	{"a damaged locked entry counts as active", "P2", "queue/receive.go",
		"if l == readyLine && q.set.locks", "if false && q.set.locks", keeping},
	{"half of a damaged body is served when it is read again", "P2", "queue/delivery.go",
		"err != nil {\n\t\treturn err\n\t}\n\td.Body = b\n", "err != nil {\n\t\td.Body = b\n\t\treturn err\n\t}\n\td.Body = b\n", keeping},
	{"bodies that were never sent stay for ever", "P2", "queue/set.go",
		"for _, key := range unfinished(tx) {", "for _, key := range unfinished(tx)[:0] {", keeping},
	{"a large body stays when its message is gone", "P2", "queue/body.go",
		"tx.Put(trashTable, trashBody.key(b.id), trashValue())\n\t\treturn\n", "return\n", keeping},
	{"the cache outlives a commit that failed", "P2", "queue/queue.go",
		"q.set.recent = recent{}", "", "./queue -run CommitFails"},

	// Routers.
	{"all is a commit for each half of the subscriptions", "S2", "queue/distribute.go",
		"\terr = s.store.Update(ctx, func(tx *store.Tx) error { return p.distribute(s, tx, choices, counts) })\n",
		"\tfor half := range 2 {\n\t\tpart := make([]Choice, len(choices))\n\t\tfor i, choice := range choices {\n" +
			"\t\t\tpart[i].Make = func(tx *store.Tx) ([]Copy, error) {\n\t\t\t\tall, err := choice.Make(tx)\n\t\t\t\tif half == 0 {\n" +
			"\t\t\t\t\treturn all[:len(all)/2], err\n\t\t\t\t}\n\t\t\t\treturn all[len(all)/2:], err\n\t\t\t}\n\t\t}\n" +
			"\t\terr = s.store.Update(ctx, func(tx *store.Tx) error { return p.distribute(s, tx, part, counts) })\n\t}\n", sharing},
	{"all leaves a subscription out", "S2", "router/table.go",
		"for _, i := range candidates {", "for _, i := range candidates[:min(1, len(candidates))] {", routing},
	{"one hands one message to two", "S3", "router/draw.go",
		"return durable[i].copies, nil", "return append(durable[i].copies[:1:1], durable[0].copies...), nil", routing},
	{"the draw is not even", "S3", "router/draw.go",
		"if i := r.set.draw(n); i < len(durable) {", "if i := r.set.draw(n) / 2; i < len(durable) {", routing},
	{"a filter that fails is a match", "S6", "router/subscription.go",
		"ok, err := r.filter.Match(m)\n", "ok, err := r.filter.Match(m)\n\t\tok, err = ok || err != nil, nil\n", routing},
	{"a subscription that is full refuses the send", "S2", "queue/distribute.go",
		"if why != nil {\n\t\tq.refuse(&e, why)\n\t}\n", "if why != nil {\n\t\treturn\n\t}\n", routing},
	{"a shared body goes with its first queue", "S2", "queue/share.go",
		"case n > 1:", "case n > 9:", sharing},
	{"a push counts before it was sent", "S7", "router/endpoint.go",
		"if s.Disposition = queue.Unsent; r.Sent {", "if s.Disposition = queue.Unsent; true {", pushing},
	{"pushes never come to an end", "S7", "router/endpoint.go",
		"if d.Attempts >= p.PushRetries+1 {", "if d.Attempts < 0 {", pushing},
	{"one at a time does not wait for the one that failed", "S7", "router/endpoint.go",
		"func (e *endpoint) ordered() bool { return e.limit == 1 }", "func (e *endpoint) ordered() bool { return false }", pushing},
	{"the lock of a push outlives the broker", "R9", "queue/set.go",
		"if e.flags&isVolatile != 0 {", "if false {", pushing},
	{"nobody is asked for consent", "S8", "router/endpoint.go",
		"if e.point == \"\" && e.set.push.NeedsConsent(e.to.URL) {", "if false {", pushing},

	// The relay.
	{"a request that a listener had goes to another one", "L1", "relay/request.go",
		"return s.fetched || !errors.Is(err, errHeard)", "return true", relaying},
	{"the first listener gets everything", "L1", "relay/meeting.go",
		"nth := h.opts.Draw(free)", "nth := h.opts.Draw(free) * 0", relaying},
	{"a listener that comes late is refused", "L1", "relay/connect.go",
		"if m == nil && !h.isMissed(v.ID) {", "if m == nil {", relaying},
	{"half a response is taken for a whole one", "L1", "relay/response.go",
		"\t\terr = fmt.Errorf(\"%w: %w\", errHeard, err)\n", "\t\terr = io.EOF\n", relaying},
	{"a token's end is not kept", "L1", "relay/listener.go",
		"if !until.IsZero() {", "if until.IsZero() {", relaying},
	{"a close loses its code", "L1", "relay/duplex/join.go",
		"return closed.Code, closed.Text", "return websocket.CloseNormalClosure, closed.Text", relaying},
	{"fields of a connection are passed on", "L1", "relay/control/header.go",
		"\tfor _, name := range hopByHop {\n\t\tdelete(own, name)\n", "\tfor range hopByHop {\n", relaying},
	{"what is left of a relayed body is the next request", "L1", "server/relayhttp.go",
		"_, err := io.Copy(io.Discard, y.r.Body); err != nil {", "_, err := io.Copy(io.Discard, y.r.Body); err != nil && false {", relaying},
	{"a name without a policy counts as something else", "L2", "server/relay.go",
		"broker.ErrNoRole, lead.Longest())", "broker.ErrWrongRole, lead.Longest())", relaying},
	{"a one-way request is answered before it is taken", "L3", "server/relay.go",
		"OneWay(y.point.Name, y.outgoing()); err != nil {", "OneWay(y.point.Name, y.outgoing()); err != nil && false {", relaying},
	{"messages are pushed where nobody listens", "L4", "router/endpoint.go",
		"return e.point == \"\" || e.set.hears(e.point)", "return true", relaying},
	{"a relayed page runs in the broker's origin", "L5", "server/relayhttp.go",
		"if !y.relayOnly {", "if y.relayOnly {", relaying},
	{"a page listens", "L5", "server/relaysocket.go",
		"!x.server.guard.origins[strings.ToLower(origin)]", "origin == \"\"", relaying},
}
