//go:build unix

package server_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// BenchmarkGetKeys times whole requests, from the signature's verification to the answer
// in JSON, with a store and a keyring on disk. A row is a suite, what is kept in memory
// (nothing, the prepared transform key, or the transformed values too) and the keys of one
// request; 1 is get_sym_key, the others get_sym_keys. cpu-ms/key is processor time, of all
// cores, for each key.
func BenchmarkGetKeys(b *testing.B) {
	for _, suite := range []uint8{abi.Suite256, abi.Suite480} {
		w := newWorld(b)
		w.suite = suite
		alice, bob := w.join(), w.join()
		w.grant(alice, bob)
		ids := make([]string, api.MaxKeys)
		for i := range ids {
			ids[i] = w.deposit(alice, alice).id
		}
		for _, kept := range []struct {
			name                  string
			prepared, transformed int
		}{{"cold", 0, 0}, {"prepared", 1 << 20, 0}, {"transformed", 1 << 20, 16 << 20}} {
			w.cache, w.kept = kept.prepared, kept.transformed
			w.restart()
			for _, n := range []int{1, 10, 100, api.MaxKeys} {
				b.Run(fmt.Sprintf("%s/%s/%d", abi.SuiteName(suite), kept.name, n), func(b *testing.B) {
					w.want("warm up", w.getMany(bob, ids[:n]...), "")
					w.benchmark(b, bob, ids[:n])
				})
			}
		}
	}
}

// benchmark times the server's part of requests for keys, not the client's.
func (w *world) benchmark(b *testing.B, p *person, ids []string) {
	path, body := transformPath(ids[0]), []byte(nil)
	if len(ids) > 1 {
		path, body = api.PathTransforms, must(json.Marshal(api.GetKeys{Keys: ids}))
	}
	var took, used time.Duration
	runs := 0
	for b.Loop() {
		b.StopTimer()
		r := w.sign(p, request("POST", path, body), body)
		out := httptest.NewRecorder()
		b.StartTimer()
		before, start := cpuTime(b), time.Now()
		w.server.ServeHTTP(out, r)
		took += time.Since(start)
		used += cpuTime(b) - before
		if runs++; out.Code != 200 {
			b.Fatalf("status %d: %s", out.Code, out.Body)
		}
	}
	keys := float64(runs * len(ids))
	b.ReportMetric(took.Seconds()*1000/keys, "ms/key")
	b.ReportMetric(used.Seconds()*1000/keys, "cpu-ms/key")
}

// cpuTime is the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
