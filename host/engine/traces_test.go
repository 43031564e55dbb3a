package engine

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A watcher is an instance as a Caller. After each call it looks for traces of all
// secrets that it knows in the memory of the instance.
type watcher struct {
	t      *testing.T
	i      *instance
	traces []trace
	left   map[string]int // copies, by trace and call
	calls  int
}

// A trace is a form in which a secret may lie in memory.
type trace struct {
	name  string
	bytes []byte // at least 16
	late  bool   // goes with the next collections only
}

func (w *watcher) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	response, err := w.i.call(ctx, op, request)
	if err != nil {
		return nil, err
	}
	w.calls++
	w.look(op)
	return abi.Result(response)
}

// look searches the memory of the instance for all traces but the late ones.
func (w *watcher) look(op abi.Op) {
	w.search(fmt.Sprintf("operation %#x", op), func(t trace) bool { return !t.late })
}

// search searches for the traces that are wanted, in one pass.
func (w *watcher) search(when string, wanted func(trace) bool) {
	var begins [1 << 16]bool
	known := map[uint64][]trace{}
	for _, t := range w.traces {
		if wanted(t) {
			begins[binary.LittleEndian.Uint16(t.bytes)] = true
			head := binary.LittleEndian.Uint64(t.bytes)
			known[head] = append(known[head], t)
		}
	}
	memory := w.i.region.b[:w.i.region.used]
	for at := range memory[:len(memory)-32] {
		if !begins[binary.LittleEndian.Uint16(memory[at:])] {
			continue
		}
		for _, t := range known[binary.LittleEndian.Uint64(memory[at:])] {
			if bytes.HasPrefix(memory[at:], t.bytes) {
				w.left[t.name+" after "+when]++
			}
		}
	}
}

// collect makes the core collect its garbage a few times, and looks for everything:
// requests of 2 MiB, although they are refused, fill the heap.
func (w *watcher) collect() {
	w.t.Helper()
	request := abi.Pack(make([]byte, 2<<20))
	for range 32 {
		if _, err := w.i.call(w.t.Context(), abi.OpInfo, request); err != nil {
			w.t.Fatal(err)
		}
	}
	w.search("collections", func(trace) bool { return true })
}

// add makes the watcher look for a secret: for both halves of its first 32 bytes, and
// backwards, as words of integers have them.
func (w *watcher) add(name string, secret []byte) {
	w.t.Helper()
	if len(secret) < 16 {
		w.t.Fatalf("%s is too short", name)
	}
	w.traces = append(w.traces, trace{name: name, bytes: secret[:16]})
	if len(secret) >= 32 {
		w.traces = append(w.traces, trace{name: name + ", later bytes", bytes: secret[16:32]})
	}
	backwards := bytes.Clone(secret)
	slices.Reverse(backwards)
	w.traces = append(w.traces, trace{name: name + ", words", bytes: backwards[:16]})
}

// number makes the watcher look for an integer modulo m also in Montgomery form, in
// signed limbs of 29 bits, for all that it may be in (-2m, 2m).
func (w *watcher) number(name string, secret []byte, m *big.Int) {
	w.t.Helper()
	w.add(name, secret)
	limbs := (m.BitLen() + 28) / 29
	if 29*limbs-m.BitLen() < 3 {
		limbs++
	}
	v := new(big.Int).SetBytes(secret)
	v.Lsh(v, uint(29*limbs)).Mod(v, m)
	v.Sub(v, m).Sub(v, m)
	for range 4 {
		w.traces = append(w.traces, trace{name: name + ", limbs", bytes: lowLimbs(v)})
		v.Add(v, m)
	}
}

// lowLimbs are the three lowest limbs of a number, each in [-2^28, 2^28), as words.
func lowLimbs(v *big.Int) (b []byte) {
	rest := new(big.Int).Set(v)
	for range 3 {
		limb := int64(new(big.Int).And(rest, big.NewInt(1<<29-1)).Uint64()) // of the two's complement
		limb = limb << 35 >> 35
		rest.Sub(rest, big.NewInt(limb)).Rsh(rest, 29)
		b = binary.LittleEndian.AppendUint64(b, uint64(limb))
	}
	return b
}

// element makes the watcher look for all the field elements of an element of GT.
func (w *watcher) element(name string, secret []byte, p *big.Int) {
	n := len(secret) / 12
	for k := range 12 {
		w.number(fmt.Sprintf("%s, part %d", name, k), secret[n*k:n*(k+1)], p)
	}
}

// signing makes the watcher look for an Ed25519 seed and what follows from it: the
// secret scalar, also in the form that crypto/ed25519 computes with, and the prefix.
// They are late: crypto/ed25519 remembers each key that has signed, in a map of its own,
// until the collector has found that the key itself is gone.
func (w *watcher) signing(name string, seed []byte) {
	before := len(w.traces)
	defer func() {
		for k := range w.traces[before:] {
			w.traces[before+k].late = true
		}
	}()
	w.add(name, seed)
	h := sha512.Sum512(seed)
	w.add(name+" (prefix)", h[32:])
	w.add(name+" (hash)", h[:32])
	h[0] &= 248
	h[31] = h[31]&63 | 64
	w.add(name+" (scalar)", h[:32])
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	slices.Reverse(h[:32])
	s := new(big.Int).SetBytes(h[:32])
	w.add(name+" (reduced scalar)", new(big.Int).Mod(s, order).FillBytes(make([]byte, 32)))
	s.Lsh(s, 256).Mod(s, order)
	w.add(name+" (Montgomery scalar)", s.FillBytes(make([]byte, 32)))
}

// derived is one of the secrets that follow from a seed, see package protocol.
func derived(t *testing.T, seed, salt []byte, kind, rest string, n int) []byte {
	t.Helper()
	b, err := hkdf.Key(sha256.New, seed, salt, "recrypt-service "+kind+" v1"+rest, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
