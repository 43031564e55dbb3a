package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestWelch(t *testing.T) {
	var c [2]moments
	for _, x := range []float64{1, 2, 3} {
		c[0].add(x)
		c[1].add(2 * x)
	}
	// means 2 and 4, variances 1 and 4: -2 / sqrt(1/3 + 4/3)
	if got, want := welch(&c), -2/math.Sqrt(5./3); math.Abs(got-want) > 1e-12 {
		t.Errorf("t = %v, want %v", got, want)
	}
}

// synthetic makes measurements with a tail, as a busy machine gives them.
func synthetic(n int, of func(class uint8, noise float64) float64) []sample {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]sample, n)
	for i := range list {
		class := uint8(r.Uint32() & 1)
		list[i] = sample{class, of(class, r.NormFloat64())}
		if r.IntN(50) == 0 {
			list[i].nanoseconds += 5000 * r.ExpFloat64()
		}
	}
	return list
}

func TestJudge(t *testing.T) {
	same := func(_ uint8, noise float64) float64 { return 1000 + 10*noise }
	if v := judge(synthetic(20000, same)); math.Abs(v.T) >= limit || v.Test == "" {
		t.Errorf("no difference, but %+v", v)
	}
	// A difference of a thousandth, hidden by the tail until it is cut off.
	shifted := func(class uint8, noise float64) float64 { return 1000 + 10*noise + float64(class) }
	if v := judge(synthetic(20000, shifted)); v.T > -limit || v.Test != testCropped {
		t.Errorf("a difference in the mean: %+v", v)
	}
	spread := func(class uint8, noise float64) float64 { return 1e6 + (10+1e4*float64(class))*noise }
	if v := judge(synthetic(20000, spread)); math.Abs(v.T) < limit {
		t.Errorf("a difference in the spread: %+v", v)
	}
}

func TestFewSamplesDoNotPass(t *testing.T) {
	v := judge(synthetic(leastCount, func(uint8, float64) float64 { return 1 }))
	r := timeResult{T: v.T, Test: v.Test}
	if r.ok() {
		t.Error("a test without enough measurements passes")
	}
}

func TestTargetsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("makes some scalar multiplications")
	}
	suites := map[string]int{}
	for _, target := range targets() {
		suites[target.suite.String()]++
		target.prepare(0, patterned(target.suite))
		target.prepare(1, privateKey(target.suite, -2).Bytes())
		target.run(0)
		target.run(1)
	}
	if len(suites) != 2 || suites["recrypt256"] != suites["recrypt480"] {
		t.Errorf("targets by suite: %v", suites)
	}
}
