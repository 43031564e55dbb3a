package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
)

// A machine is what was measured on: no names of hosts or users.
type machine struct {
	Processor  string  `json:"processor"`
	Cores      int     `json:"cores"`
	MemoryMiB  int64   `json:"memory_mib"`
	System     string  `json:"system"` // kernel, architecture
	Go         string  `json:"go"`
	PostgreSQL string  `json:"postgresql,omitempty"`
	Disk       string  `json:"disk"` // file system of the databases
	FsyncP50   float64 `json:"fsync_ms_p50"`
	FsyncP99   float64 `json:"fsync_ms_p99"`
	Load       string  `json:"load"` // of the last minute, before
}

// describe looks at the machine; dir is where databases will be.
func describe(dir string, cores int) (m machine, err error) {
	m = machine{
		Processor: infoLine("/proc/cpuinfo", "model name"), Cores: cores, Go: runtime.Version(), Disk: fileSystem(dir),
		System: runtime.GOOS + "/" + runtime.GOARCH, PostgreSQL: versionOf("postgres"),
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		release, _, _ := strings.Cut(strings.TrimSpace(string(b)), "-")
		m.System += ", kernel " + release
	}
	var kib int64
	_, _ = fmt.Sscan(infoLine("/proc/meminfo", "MemTotal"), &kib)
	m.MemoryMiB = kib >> 10
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(b), " ")
	}
	times, err := fsyncs(dir, 200)
	if err != nil {
		return m, fmt.Errorf("measure fsync: %w", err)
	}
	m.FsyncP50, m.FsyncP99 = ms(times.Quantile(0.5)), ms(times.Quantile(0.99))
	return m, nil
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d MiB, %s, %s, PostgreSQL %s", m.Processor, m.Cores, m.MemoryMiB, m.System, m.Go, m.PostgreSQL)
}

// infoLine returns the value of "name : value" in a file of /proc.
func infoLine(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// versionOf returns the number in "program (PostgreSQL) 15.1 (…)"; "" if it is not there.
func versionOf(program string) string {
	out, err := exec.Command(program, "--version").Output()
	if fields := strings.Fields(string(out)); err == nil && len(fields) >= 3 {
		return fields[2]
	}
	return ""
}

// fsyncs appends 4 KiB to a file and makes them durable, n times: what every
// acknowledged write costs at least once.
func fsyncs(dir string, n int) (*openloop.Latencies, error) {
	path := filepath.Join(dir, "fsync")
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	defer f.Close()
	times, page := openloop.NewLatencies(), make([]byte, 4096)
	for range n {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		times.Record(time.Since(start))
	}
	return times, nil
}

// ms is a time in milliseconds.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
