package crash_test

import "time"

// everybodySends is what the senders send.
func everybodySends() []traffic {
	return []traffic{
		{to: orders, shape: always(single), size: small},
		{to: orders, shape: mostlySingle, size: small},
		{to: orders, shape: mostlySingle, size: medium},
		{to: risky, shape: always(single), size: small},
		{to: fast, shape: always(single), size: mixed},
		{to: perishable, shape: mostlySingle, size: small, life: someLife},
		{to: inbox, shape: mostlySingle, size: medium},
		{to: later, shape: mostlySingle, size: small, delay: soon},
		{to: bulk, shape: always(stream), size: small},
		{to: bulk, shape: always(single), size: large},
	}
}

// everybodyReceives is what the consumers do, and where.
func everybodyReceives() []struct {
	at *place
	habit
} {
	everything := habit{abandon: 12, hide: 6, release: 6, putAside: 5, refuse: 5, reschedule: 0, keep: 4, renew: 10, count: 8}
	return []struct {
		at *place
		habit
	}{
		{orders, everything},
		{orders, everything},
		{orders, habit{abandon: 20, renew: 10, count: 1}},
		{ordersDead, habit{abandon: 20, keep: 5, refuse: 5, count: 4, slow: 200 * time.Millisecond}},
		{risky, habit{abandon: 30, release: 10, keep: 3, refuse: 10, count: 3}},
		{poison, habit{abandon: 10, renew: 10, count: 5}},
		{perishable, habit{abandon: 10, hide: 10, keep: 2, count: 3, slow: 300 * time.Millisecond}},
		{perishableDead, habit{abandon: 5, count: 50}},
		{outbox, habit{abandon: 10, release: 5, count: 10}},
		{outbox, habit{abandon: 5, keep: 2, renew: 5, count: 3}},
		{later, habit{abandon: 5, hide: 10, reschedule: 15, keep: 2, count: 5}},
		{later, habit{reschedule: 5, putAside: 5, count: 5}},
		{bulk, habit{abandon: 3, count: 100}},
		{bulk, habit{abandon: 3, refuse: 1, keep: 1, count: 20}},
		{bulkDead, habit{count: 3}},
	}
}

func always(s shape) func(*worker) shape { return func(*worker) shape { return s } }

func mostlySingle(w *worker) shape {
	switch drawn := w.random.IntN(100); {
	case drawn < 10:
		return batch
	case drawn < 13:
		return stream
	}
	return single
}

// small is the size of a body in one record, medium of one that may be in
// several, and large of one that may be written in steps, in bytes.
func small(w *worker) int { return w.random.IntN(1500) }

func medium(w *worker) int {
	if w.chance(20) {
		return w.random.IntN(40 << 10)
	}
	return small(w)
}

// mixed is mostly small, and seldom large.
func mixed(w *worker) int {
	if w.chance(5) {
		return large(w)
	}
	return small(w)
}

func large(w *worker) int {
	if w.chance(50) {
		return 200<<10 + w.random.IntN(2<<20)
	}
	return medium(w)
}

func someLife(w *worker) time.Duration {
	if w.chance(50) {
		return 0
	}
	return w.between(50*time.Millisecond, 2*time.Second).Truncate(time.Millisecond)
}

func soon(w *worker) time.Duration {
	return w.between(0, 2*time.Second)
}
