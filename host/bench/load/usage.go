package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Used is what processes have used so far.
type used struct {
	cpu time.Duration // user and system
	rss int64         // bytes in memory now
}

// ticks per second of the times in /proc; the same on every Linux that Go runs on.
const ticks = 100

// usageOf sums what a process and its children use. Zero where /proc is not there.
func usageOf(pid int) (u used) {
	for _, p := range tree(pid) {
		one := usageOfOne(p)
		u.cpu += one.cpu
		u.rss += one.rss
	}
	return u
}

// usageOfOne reads /proc/PID/stat. The times of children that have ended and were waited
// for are included, so that a database's closed connections are not forgotten.
func usageOfOne(pid int) (u used) {
	fields := statOf(pid)
	if len(fields) < 22 {
		return u
	}
	var sum int64
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		sum += n
	}
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	return used{cpu: time.Duration(sum) * time.Second / ticks, rss: pages * int64(os.Getpagesize())}
}

// busy is how much processor time the whole machine has spent, whoever used it, and what
// its host took away.
func busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var sum int64
	for i, f := range strings.Fields(line) {
		switch i { // user, nice, system, then idle and iowait, then irq, softirq, steal
		case 1, 2, 3, 6, 7, 8:
			n, _ := strconv.ParseInt(f, 10, 64)
			sum += n
		}
	}
	return time.Duration(sum) * time.Second / ticks
}

// statOf returns the fields of /proc/PID/stat after the name, which may have spaces; the
// first is the state, the second the parent.
func statOf(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return nil
	}
	return strings.Fields(string(b[end+1:]))
}

// tree returns a process and all its descendants.
func tree(pid int) []int {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		p, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if fields := statOf(p); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], p)
		}
	}
	found := []int{pid}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// A sampler looks at memory now and then while load is offered.
type sampler struct {
	stop    chan struct{}
	done    sync.WaitGroup
	Samples []sample
}

// A sample is what one look has seen.
type sample struct {
	At     time.Duration
	Server int64 // bytes, all servers
}

// watch looks at the servers' memory every so often until end is called.
func watch(every time.Duration, memory func() int64) *sampler {
	s := &sampler{stop: make(chan struct{})}
	start := time.Now()
	s.done.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			s.Samples = append(s.Samples, sample{time.Since(start), memory()})
			select {
			case <-s.stop:
				return
			case <-ticker.C:
			}
		}
	})
	return s
}

// end stops looking and returns the largest value seen.
func (s *sampler) end() (most int64) {
	close(s.stop)
	s.done.Wait()
	for _, x := range s.Samples {
		most = max(most, x.Server)
	}
	return most
}
