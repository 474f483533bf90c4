package main

import (
	"fmt"
)

// check compares the logbooks with what was sent.
func (s *story) check() error {
	all := map[string][]done{}
	for _, name := range serviceNames {
		list, err := readLogbook(s.logbook(name))
		if err != nil {
			return err
		}
		all[name] = list
	}
	if err := s.checkAudit(all["audit"]); err != nil {
		return err
	}
	delete(all, "audit")
	return s.checkWorkers(all)
}

// checkAudit wants every job once and in the order of sending: jobs that were
// sent again may be there twice, and lines that were written by a service whose
// lock was lost, too.
func (s *story) checkAudit(lines []done) error {
	seen := make(map[int64]bool) // by sequence number: one message
	next, again, redelivered := 0, 0, 0
	for _, d := range lines {
		switch {
		case seen[d.sequence] && d.deliveries > 1:
			redelivered++
		case seen[d.sequence]:
			return fmt.Errorf("audit: message %d came twice, and says that it came once", d.sequence)
		case d.job == next:
			next++
		case d.job == next-1 && s.again[d.job]:
			again++
		default:
			return fmt.Errorf("audit: job %d came when it was the turn of job %d", d.job, next)
		}
		seen[d.sequence] = true
	}
	if next != s.jobs {
		return fmt.Errorf("audit: %d of %d jobs came", next, s.jobs)
	}
	s.say("8. The audit logbook has all %d jobs in the order in which they were sent", s.jobs)
	s.say("   (%d of them twice because they were sent again, %d lines because a message came again).", again, redelivered)
	return nil
}

// checkWorkers wants each job to have been done, and each that was done more
// than once to have a reason.
func (s *story) checkWorkers(logs map[string][]done) error {
	times := make([]int, s.jobs)
	repeats := make([]int, s.jobs) // of them, those whose message had been delivered before
	for _, lines := range logs {
		for _, d := range lines {
			if d.job < 0 || d.job >= s.jobs {
				return fmt.Errorf("nobody sent job %d", d.job)
			}
			if times[d.job]++; d.deliveries > 1 {
				repeats[d.job]++
			}
		}
	}
	twice := 0
	for n := range times {
		switch {
		case times[n] == 0:
			return fmt.Errorf("job %d was not done", n)
		case times[n] == 1:
		case repeats[n] > 0 || s.again[n]:
			twice++
		default:
			return fmt.Errorf("job %d was done %d times, and nothing explains it", n, times[n])
		}
	}
	s.say("9. Each job was done: by the workers with pushed jobs %d and %d, with the WebSocket %d, with the queue %d;",
		len(logs["pushed-1"]), len(logs["pushed-2"]), len(logs["socket"]), len(logs["pulled"]))
	s.say("   %d of them twice, each for a message that was delivered again or sent again.", twice)
	return nil
}
