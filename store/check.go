package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Check reads everything: bbolt's pages, and every record's checksum. It calls
// report for each thing that is wrong, and returns how many records there are.
// It is for a folder that nothing else happens to: while it runs no page is reused.
func (s *Store) Check(report func(problem string)) (records uint64, err error) {
	err = s.bolt.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			report(err.Error())
		}
		r := &Reader{bolt: tx}
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			for rec := range r.Scan(Table(name), nil, nil) {
				records++
				if rec.Err != nil {
					report(rec.Err.Error())
				}
			}
			return nil
		})
	})
	if err != nil {
		return records, fmt.Errorf("check: %w", err)
	}
	return records, nil
}

// AllDue gives every entry of the due index of one class that is not damaged.
func (r *Reader) AllDue(class byte, fn func(Due)) {
	for rec := range r.Scan(dueTable, []byte{class}, PrefixEnd([]byte{class})) {
		if d, damage := rec.due(); damage == nil {
			fn(d)
		}
	}
}
