package main

import (
	"math"
	"slices"
)

// A sample is the time of one measurement and the class of its input: 0 for the
// fixed secret, 1 for a random one.
type sample struct {
	class       uint8
	nanoseconds float64
}

const (
	crops       = 100 // thresholds above which times are left out, one test each
	leastCount  = 500 // samples that each class needs for a test to count
	testAll     = "all measurements"
	testCropped = "the fastest"
	testSquares = "squared deviations"
)

// moments are the number, mean and variance of one class.
type moments struct{ n, mean, m2 float64 }

// add takes one more value in (Welford's method).
func (m *moments) add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / m.n
	m.m2 += d * (x - m.mean)
}

// welch returns Welch's t of the two classes, whose variances may differ.
func welch(c *[2]moments) float64 {
	v0, v1 := c[0].m2/(c[0].n-1)/c[0].n, c[1].m2/(c[1].n-1)/c[1].n
	d := c[0].mean - c[1].mean
	if d == 0 {
		return 0
	}
	return d / math.Sqrt(v0+v1)
}

// A verdict is the test with the largest |t|.
type verdict struct {
	T    float64 // of the test
	Test string
	Mean [2]float64 // of the fixed and of the random class, nanoseconds, all measurements
}

// judge makes all tests of dudect (Reparaz, Balasch and Verbauwhede, "Dude, is my
// code constant time?", DATE 2017): on all times, on those below each of a hundred
// percentiles, which leaves out what the machine did meanwhile, and on the squared
// deviations from the mean of the class, which shows a difference in spread.
func judge(samples []sample) verdict {
	all := tally(samples, math.Inf(1))
	best := verdict{Mean: [2]float64{all[0].mean, all[1].mean}}
	consider := func(test string, c [2]moments) {
		if c[0].n < leastCount || c[1].n < leastCount {
			return
		}
		if t := welch(&c); math.Abs(t) > math.Abs(best.T) || best.Test == "" {
			best.T, best.Test = t, test
		}
	}
	consider(testAll, all)
	times := make([]float64, len(samples))
	for i, s := range samples {
		times[i] = s.nanoseconds
	}
	slices.Sort(times)
	for i := range crops {
		share := 1 - math.Pow(0.5, 10*float64(i+1)/crops)
		limit := times[min(int(share*float64(len(times))), len(times)-1)]
		consider(testCropped, tally(samples, limit))
	}
	squares := make([]sample, len(samples))
	for i, s := range samples {
		d := s.nanoseconds - all[s.class].mean
		squares[i] = sample{s.class, d * d}
	}
	consider(testSquares, tally(squares, math.Inf(1)))
	return best
}

// tally sums up the samples below a limit.
func tally(samples []sample, limit float64) (c [2]moments) {
	for _, s := range samples {
		if s.nanoseconds < limit {
			c[s.class].add(s.nanoseconds)
		}
	}
	return c
}
