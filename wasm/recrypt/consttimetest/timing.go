package main

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn480"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme480"
)

// batch is how many inputs are prepared at a time, each in a place of its own, so
// that neither class finds its inputs in a nearer cache.
const batch = 250

// limit is the |t| from which a difference counts.
const limit = 5

// A target is what is timed. Its inputs are private keys, the fixed one for one
// class, random ones for the other; everything else stays the same.
type target struct {
	name  string
	suite recrypt.Suite
	slow  bool // a tenth of the measurements will do
	// prepare puts a private key into place i, run works on place i.
	prepare func(i int, key []byte)
	run     func(i int)
}

// label is what patterns of targets match.
func (t *target) label() string { return t.name + ", " + t.suite.String() }

// patterned returns the fixed private key. All its digits of four bits are 7: a
// branch on a digit is always predicted, and none can be left out. (A key of 1 would
// be too special: it keeps the multiplication at the point at infinity, and
// processors need not take as long for zeros. See README.md.)
func patterned(s recrypt.Suite) []byte {
	return must(recrypt.NewPrivateKey(s, bytes.Repeat([]byte{0x77}, s.FieldSize()))).Bytes()
}

// scalar and group are what the two curves' packages have in common.
type scalar[S any] interface {
	*S
	SetBytes(b []byte) (*S, error)
}

type group[P, S any] interface {
	*P
	ScalarMult(k *S, a *P) *P
	ScalarBaseMult(k *S) *P
}

// baseMultiplication is that of a group's generator.
func baseMultiplication[S, P any, PS scalar[S], PP group[P, S]](s recrypt.Suite, name string) target {
	places := make([]S, batch)
	p := new(P)
	return target{
		name: "[k]G in " + name, suite: s,
		prepare: func(i int, key []byte) { must(PS(&places[i]).SetBytes(key)) },
		run:     func(i int) { PP(p).ScalarBaseMult(&places[i]) },
	}
}

// multiplication is that of any point, which no operation does in G2.
func multiplication[S, P any, PS scalar[S], PP group[P, S]](s recrypt.Suite, name string) target {
	places := make([]S, batch)
	p, base := new(P), new(P)
	var k S
	PP(base).ScalarBaseMult(must(PS(&k).SetBytes(privateKey(s, 0).Bytes())))
	return target{
		name: "[k]P in " + name, suite: s,
		prepare: func(i int, key []byte) { must(PS(&places[i]).SetBytes(key)) },
		run:     func(i int) { PP(p).ScalarMult(&places[i], base) },
	}
}

// decryption opens, in vain, one value with every key, so that what is public, the
// outcome included, does not differ.
func decryption(s recrypt.Suite, decrypt func(value, private []byte) ([]byte, error)) target {
	value := newChain(s, 0).values[0].Bytes()
	places := make([]byte, batch*s.FieldSize())
	place := func(i int) []byte { return places[i*s.FieldSize():][:s.FieldSize()] }
	return target{
		name: "decrypt level 0", suite: s, slow: s == recrypt.Suite480,
		prepare: func(i int, key []byte) { copy(place(i), key) },
		run: func(i int) {
			if _, err := decrypt(value, place(i)); err == nil {
				panic("a foreign key opens the value")
			}
		},
	}
}

func targets() []target {
	return []target{
		multiplication[bn256.Scalar, bn256.G1](recrypt.Suite256, "G1"),
		baseMultiplication[bn256.Scalar, bn256.G1](recrypt.Suite256, "G1"),
		baseMultiplication[bn256.Scalar, bn256.G2](recrypt.Suite256, "G2"),
		decryption(recrypt.Suite256, scheme256.Scheme{}.Decrypt),
		multiplication[bn480.Scalar, bn480.G1](recrypt.Suite480, "G1"),
		baseMultiplication[bn480.Scalar, bn480.G1](recrypt.Suite480, "G1"),
		baseMultiplication[bn480.Scalar, bn480.G2](recrypt.Suite480, "G2"),
		decryption(recrypt.Suite480, scheme480.Scheme{}.Decrypt),
	}
}

// A timeResult is the outcome of one target's test.
type timeResult struct {
	Target       string  `json:"target"`
	Suite        string  `json:"suite"`
	Measurements int     `json:"measurements"`
	T            float64 `json:"t"`
	Test         string  `json:"test"`
	Fixed        float64 `json:"fixedMeanNanoseconds"`
	Random       float64 `json:"randomMeanNanoseconds"`
	Repeated     bool    `json:"repeated"`
}

func (r *timeResult) ok() bool { return r.Test != "" && r.T < limit && r.T > -limit }

// measure times a target n times, and once more if the first time does not pass.
func (t *target) measure(n int, repeat bool) timeResult {
	if t.slow {
		n /= 10
	}
	r := timeResult{Target: t.name, Suite: t.suite.String(), Measurements: n}
	for {
		v := judge(t.samples(n))
		r.T, r.Test, r.Fixed, r.Random = v.T, v.Test, v.Mean[0], v.Mean[1]
		if r.ok() || r.Repeated || !repeat {
			return r
		}
		r.Repeated = true
	}
}

// samples times the two classes in random order. The garbage collector runs between
// batches only.
func (t *target) samples(n int) []sample {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	list := make([]sample, 0, n+batch)
	fixed := patterned(t.suite)
	var classes [batch]uint8
	for first := true; len(list) < n; first = false {
		for i := range classes {
			key := privateKey(t.suite, 0).Bytes() // drawn for both, so that both leave the same behind
			if classes[i] = uint8(rand.Uint32() & 1); classes[i] == 0 {
				key = fixed
			}
			t.prepare(i, key)
		}
		runtime.GC()
		for i, class := range classes {
			start := time.Now()
			t.run(i)
			took := time.Since(start)
			if !first { // caches and branch predictors are cold
				list = append(list, sample{class, float64(took)})
			}
		}
	}
	return list[:n]
}
