package recrypt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// levels returns values of A for levels 0 to top, and whose key opens each.
func (w *world) levels(top int) (values []*recrypt.EncryptedValue, keys []*recrypt.PrivateKey) {
	suite := w.a.Suite()
	v, k := must1(recrypt.NewEncryptedValue(suite, w.value.Bytes())), w.a
	for {
		values, keys = append(values, v), append(keys, k)
		if len(values) > top {
			return values, keys
		}
		next := must1(recrypt.GeneratePrivateKey(suite))
		v = must1(must1(k.TransformKey(next.PublicKey(), w.maker)).Transform(v, w.proxy))
		k = next
	}
}

// TestPreparedTransform: a prepared transform key gives the same values from the same
// randomness as the key itself, for values of every level, also after it was written down.
func TestPreparedTransform(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		prepared := must1(w.key.Prepare())
		if len(prepared.Bytes()) != suite.PreparedTransformKeySize() || prepared.Suite() != suite {
			t.Error("size or suite")
		}
		again := must1(recrypt.NewPreparedTransformKey(suite, prepared.Bytes()))
		values, _ := w.levels(2)
		for level, v := range values {
			recrypttest.SetRandom(t, fixedStream())
			want := must1(w.key.Transform(v, w.proxy)).Bytes()
			for name, k := range map[string]*recrypt.PreparedTransformKey{"prepared": prepared, "decoded": again} {
				s := fixedStream()
				recrypttest.SetRandom(t, s)
				if got := must1(k.Transform(v, w.proxy)); !bytes.Equal(got.Bytes(), want) {
					t.Errorf("level %d, %s: another value", level, name)
				}
				if s.taken != 2*suite.UniformSize() {
					t.Errorf("%d bytes drawn", s.taken)
				}
			}
		}
		if !bytes.Equal(again.Bytes(), prepared.Bytes()) || !bytes.Equal(must1(w.key.Prepare()).Bytes(), prepared.Bytes()) {
			t.Error("other bytes of the same key")
		}
	})
}

// TestTransformMany: a batch gives the values of single transforms, one after the other,
// from the same randomness; bad items draw nothing, and only they fail.
func TestTransformMany(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		values, _ := w.levels(2)
		list := []*recrypt.EncryptedValue{values[1], nil, values[0], w.unsigned(), values[2], w.ofOtherSuite(t), values[0], w.full(t)}
		want := []error{nil, recrypt.ErrEncoding, nil, recrypt.ErrSignature, nil, recrypt.ErrSuite, nil, recrypt.ErrBlocks}
		recrypttest.SetRandom(t, fixedStream())
		var single [][]byte
		for i, v := range list {
			if want[i] == recrypt.ErrEncoding {
				single = append(single, nil)
				continue
			}
			x, err := w.key.Transform(v, w.proxy)
			if err != want[i] {
				t.Fatalf("control %d: %v", i, err)
			}
			single = append(single, valueBytes(x))
		}
		prepared := must1(w.key.Prepare())
		for _, processors := range []int{1, 2, 5} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			recrypttest.SetRandom(t, fixedStream())
			got, errs := prepared.TransformMany(list, w.proxy)
			for i := range list {
				if errs[i] != want[i] || !bytes.Equal(valueBytes(got[i]), single[i]) {
					t.Errorf("%d processors, item %d: %v", processors, i, errs[i])
				}
			}
		}
		if got, errs := prepared.TransformMany(nil, w.proxy); len(got) != 0 || len(errs) != 0 {
			t.Error("results of nothing")
		}
	})
}

func valueBytes(v *recrypt.EncryptedValue) []byte {
	if v == nil {
		return nil
	}
	return v.Bytes()
}

// unsigned returns a value of A whose signature is bad.
func (w *world) unsigned() *recrypt.EncryptedValue {
	b := w.value.Bytes()
	return must1(recrypt.NewEncryptedValue(w.a.Suite(), flip(b, len(b)-64)))
}

// ofOtherSuite returns a value of the other suite.
func (w *world) ofOtherSuite(t *testing.T) *recrypt.EncryptedValue {
	for _, s := range recrypt.Suites() {
		if s != w.a.Suite() {
			return newWorld(t, s).value
		}
	}
	panic("no other suite")
}

// full returns a value of as many blocks as there may be. Nobody can open it.
func (w *world) full(t *testing.T) *recrypt.EncryptedValue {
	suite := w.a.Suite()
	b, n := w.transformed.Bytes(), suite.BlockSize()
	end := len(b) - 96
	var out []byte
	out = append(out, b[:end]...)
	for range recrypt.MaxBlocks - 1 {
		out = append(out, b[end-n:end]...)
	}
	return must1(recrypt.NewEncryptedValue(suite, append(out, b[end:]...)))
}

// TestDecryptMany: a batch gives the plaintexts of single decryptions, whatever the levels
// and the number of processors; only bad items fail.
func TestDecryptMany(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		values, keys := w.levels(3)
		toSelf := must1(w.a.TransformKey(w.a.PublicKey(), w.maker))
		v1 := must1(toSelf.Transform(values[0], w.proxy))
		v2 := must1(toSelf.Transform(v1, w.proxy))
		list := []*recrypt.EncryptedValue{v2, values[0], nil, w.unsigned(), v1, values[1], w.ofOtherSuite(t), values[0]}
		want := []error{nil, nil, recrypt.ErrEncoding, recrypt.ErrSignature, nil, recrypt.ErrDecrypt, recrypt.ErrSuite, nil}
		for _, processors := range []int{1, 2, 5} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			got, errs := w.a.DecryptMany(list)
			for i := range list {
				if errs[i] != want[i] || (got[i] != nil) != (want[i] == nil) || got[i] != nil && !got[i].Equal(w.m) {
					t.Errorf("%d processors, item %d: %v", processors, i, errs[i])
				}
			}
			for level, v := range values {
				fresh := must1(recrypt.NewEncryptedValue(suite, v.Bytes()))
				if m, err := keys[level].Decrypt(fresh); err != nil || !m.Equal(w.m) {
					t.Errorf("%d processors, level %d: %v", processors, level, err)
				}
			}
		}
		if got, errs := w.a.DecryptMany(nil); len(got) != 0 || len(errs) != 0 {
			t.Error("results of nothing")
		}
	})
}

// TestDecodeMany: many values are decoded as each alone.
func TestDecodeMany(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		good := w.value.Bytes()
		list := [][]byte{good, nil, w.transformed.Bytes(), flip(w.value.Bytes(), 0), make([]byte, suite.EncryptedValueSize(17))}
		values, errs := recrypt.NewEncryptedValues(suite, list)
		for i, b := range list {
			v, err := recrypt.NewEncryptedValue(suite, b)
			if errs[i] != err || !bytes.Equal(valueBytes(values[i]), valueBytes(v)) {
				t.Errorf("item %d: %v, alone %v", i, errs[i], err)
			}
		}
		if _, errs := recrypt.NewEncryptedValues(0, list[:1]); errs[0] != recrypt.ErrSuite {
			t.Errorf("no suite: %v", errs[0])
		}
	})
}

// TestPreparedPublicKey: encryption to a prepared key gives the same values from the same
// randomness.
func TestPreparedPublicKey(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		to := must1(w.a.PublicKey().Prepare())
		for range 2 {
			recrypttest.SetRandom(t, fixedStream())
			want := must1(recrypt.Encrypt(w.m, w.a.PublicKey(), w.author)).Bytes()
			s := fixedStream()
			recrypttest.SetRandom(t, s)
			if got := must1(to.Encrypt(w.m, w.author)); !bytes.Equal(got.Bytes(), want) || s.taken != suite.UniformSize() {
				t.Errorf("another value, or %d bytes drawn", s.taken)
			}
		}
		if to.Suite() != suite {
			t.Error("suite")
		}
		var other recrypt.Suite = recrypt.Suite256 + recrypt.Suite480 - suite
		if _, err := to.Encrypt(must1(recrypt.GeneratePlaintext(other)), w.author); err != recrypt.ErrSuite {
			t.Errorf("plaintext of another suite: %v", err)
		}
		if _, err := new(recrypt.PreparedPublicKey).Encrypt(w.m, w.author); err != recrypt.ErrSuite {
			t.Errorf("empty key: %v", err)
		}
		w.author.Wipe()
		if _, err := to.Encrypt(w.m, w.author); err != recrypt.ErrSigningKey {
			t.Errorf("wiped signing key: %v", err)
		}
		w.m.Wipe()
		if _, err := to.Encrypt(w.m, w.proxy); err != recrypt.ErrEncoding {
			t.Errorf("wiped plaintext: %v", err)
		}
	})
}

// TestPreparedRefuses: bad signatures, damage of any byte, keys of the other suite.
func TestPreparedRefuses(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		b := w.key.Bytes()
		if k, err := must1(recrypt.NewTransformKey(suite, flip(b, len(b)-64))).Prepare(); err != recrypt.ErrTransformKey || k != nil {
			t.Errorf("bad signature: %v", err)
		}
		prepared := must1(w.key.Prepare()).Bytes()
		for i := 0; i < len(prepared); i += 1 + len(prepared)/100 {
			if k, err := recrypt.NewPreparedTransformKey(suite, flip(bytes.Clone(prepared), i)); err != recrypt.ErrTransformKey || k != nil {
				t.Errorf("byte %d damaged: %v", i, err)
			}
		}
		resigned := func(i int, with ...byte) []byte { // damage with the right checksum
			out := bytes.Clone(prepared)
			copy(out[i:], with)
			return binary.LittleEndian.AppendUint64(out[:len(out)-8], sumOf(out[:len(out)-8]))
		}
		ones := bytes.Repeat([]byte{0xff}, suite.FieldSize())
		for name, bad := range map[string][]byte{
			"another suite":   resigned(0, byte(suite)^3),
			"another format":  resigned(1, prepared[1]+1),
			"a line not in p": resigned(len(prepared)-8-suite.FieldSize(), ones...),
		} {
			if _, err := recrypt.NewPreparedTransformKey(suite, bad); err != recrypt.ErrTransformKey {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, s := range []recrypt.Suite{0, 3, 255} {
			if _, err := recrypt.NewPreparedTransformKey(s, prepared); err != recrypt.ErrSuite || s.PreparedTransformKeySize() != 0 {
				t.Errorf("suite %d: %v", s, err)
			}
		}
		other := recrypt.Suite256 + recrypt.Suite480 - suite
		if _, err := recrypt.NewPreparedTransformKey(other, prepared); err != recrypt.ErrSize {
			t.Errorf("other suite: %v", err)
		}
	})
}

// sumOf is the checksum of prepared keys.
func sumOf(b []byte) uint64 {
	sum := uint64(len(b))
	for b = append(bytes.Clone(b), make([]byte, 8-len(b)%8)...); len(b) > 0; b = b[8:] {
		sum = (sum ^ binary.LittleEndian.Uint64(b)) * 0x9e3779b97f4a7c15
		sum ^= sum >> 32
	}
	return sum
}

// TestPreparedWiped: what was wiped does nothing any more.
func TestPreparedWiped(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		prepared := must1(w.key.Prepare())
		w.proxy.Wipe()
		if _, err := prepared.Transform(w.value, w.proxy); err != recrypt.ErrSigningKey {
			t.Errorf("wiped signing key: %v", err)
		}
		prepared.Wipe()
		prepared.Wipe()
		if _, err := prepared.Transform(w.value, w.author); err != recrypt.ErrTransformKey {
			t.Errorf("wiped key: %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("bytes of a wiped key")
				}
			}()
			prepared.Bytes()
		}()
		w.key.Wipe()
		if _, err := w.key.Prepare(); err != recrypt.ErrTransformKey {
			t.Errorf("wiped transform key: %v", err)
		}
		w.a.Wipe()
		if _, errs := w.a.DecryptMany([]*recrypt.EncryptedValue{w.value}); errs[0] != recrypt.ErrPrivateKey {
			t.Errorf("wiped private key: %v", errs[0])
		}
	})
}

// TestSignatureFoundGoodOnce: what one operation found out about a signature, the next one
// goes by, and nothing that was found bad becomes good.
func TestSignatureFoundGoodOnce(t *testing.T) {
	w := newWorld(t, recrypt.Suite256)
	bad := w.unsigned()
	for range 2 {
		if err := bad.VerifySignature(); err != recrypt.ErrSignature {
			t.Errorf("verify: %v", err)
		}
		if _, err := w.a.Decrypt(bad); err != recrypt.ErrSignature {
			t.Errorf("decrypt: %v", err)
		}
		if _, err := w.key.Transform(bad, w.proxy); err != recrypt.ErrSignature {
			t.Errorf("transform: %v", err)
		}
	}
	b := w.key.Bytes()
	key := must1(recrypt.NewTransformKey(recrypt.Suite256, flip(b, len(b)-1)))
	for range 2 {
		if _, err := key.Transform(w.value, w.proxy); err != recrypt.ErrTransformKey {
			t.Errorf("transform by a bad key: %v", err)
		}
		if _, err := key.Transform(bad, w.proxy); err != recrypt.ErrSignature {
			t.Errorf("both bad: %v", err)
		}
		if _, err := key.Prepare(); err != recrypt.ErrTransformKey {
			t.Errorf("prepare a bad key: %v", err)
		}
	}
}

// TestParallelUse uses the same objects from many goroutines; the race detector looks on.
func TestParallelUse(t *testing.T) {
	w := newWorld(t, recrypt.Suite256)
	prepared, to := must1(w.key.Prepare()), must1(w.a.PublicKey().Prepare())
	fresh := must1(recrypt.NewEncryptedValue(recrypt.Suite256, w.value.Bytes()))
	key := must1(recrypt.NewTransformKey(recrypt.Suite256, w.key.Bytes()))
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			v := fresh
			if i%2 == 0 {
				v = must1(to.Encrypt(w.m, w.author))
			}
			out, errs := prepared.TransformMany([]*recrypt.EncryptedValue{v, fresh}, w.proxy)
			if errs[0] != nil || errs[1] != nil {
				t.Error(errs)
				return
			}
			out = append(out, must1(key.Transform(fresh, w.proxy)))
			plaintexts, errs := w.b.DecryptMany(out)
			for j, m := range plaintexts {
				if errs[j] != nil || !m.Equal(w.m) {
					t.Errorf("item %d: %v", j, errs[j])
				}
			}
			if m, err := w.a.Decrypt(fresh); err != nil || !m.Equal(w.m) {
				t.Error(fmt.Errorf("decrypt: %w", err))
			}
		})
	}
	wait.Wait()
}
