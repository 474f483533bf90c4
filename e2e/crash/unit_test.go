package crash_test

import (
	"cmp"
	"slices"
)

// checkUnits finds batches of which only a part is there, and streams with
// holes [Q4].
func (w *world) checkUnits(f *findings) {
	units := map[int][]*story{}
	for _, s := range w.stories {
		if a := s.attempt; a != nil && a.unit.shape != single && !a.to.route().deletes {
			units[a.unit.number] = append(units[a.unit.number], s)
		}
	}
	for _, list := range units {
		slices.SortFunc(list, func(a, b *story) int { return cmp.Compare(a.attempt.turn, b.attempt.turn) })
		w.checkUnit(list, f)
	}
}

func (w *world) checkUnit(list []*story, f *findings) {
	if w.drained == 0 {
		return
	}
	missing := slices.IndexFunc(list, isMissing)
	if missing < 0 {
		return
	}
	if list[0].attempt.unit.shape == stream {
		list = list[missing:]
	}
	for _, s := range list {
		if len(s.deliveries) > 0 {
			f.add(torn, s.id, "it is there, but %s of the same request is not", list[max(0, slices.IndexFunc(list, isMissing))].id)
			return
		}
	}
}

func isMissing(s *story) bool { return len(s.deliveries) == 0 }
