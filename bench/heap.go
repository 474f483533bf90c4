package bench

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// liveHeap returns the bytes of objects that are in use, after a collection.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one only finalised
	return readHeap().live
}

// heap is bytes of this process' heap.
type heap struct {
	live    uint64 // in use when the collector last looked
	objects uint64 // in use or not collected yet
}

func readHeap() heap {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(read)
	return heap{read[0].Value.Uint64(), read[1].Value.Uint64()}
}

// heapEvery is how often a watch looks.
const heapEvery = 5 * time.Millisecond

// A heapWatch keeps the largest heap that it sees.
type heapWatch struct {
	peak  heap
	stop  chan struct{}
	ended sync.WaitGroup
}

func watchHeap() *heapWatch {
	w := &heapWatch{stop: make(chan struct{})}
	w.ended.Go(w.watch)
	return w
}

func (w *heapWatch) watch() {
	ticker := time.NewTicker(heapEvery)
	defer ticker.Stop()
	for {
		now := readHeap()
		w.peak.live, w.peak.objects = max(w.peak.live, now.live), max(w.peak.objects, now.objects)
		select {
		case <-ticker.C:
		case <-w.stop:
			return
		}
	}
}

// end returns the peaks. It is called once.
func (w *heapWatch) end() heap {
	close(w.stop)
	w.ended.Wait()
	return w.peak
}

func mebibytes(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
