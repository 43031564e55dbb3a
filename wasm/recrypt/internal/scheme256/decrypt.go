package scheme256

import (
	"crypto/subtle"
	"slices"

	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// Decrypt decrypts a value of any level (spec sections 10.3, 10.6), in the order of
// checks of section 10.8. Bad points and signatures have their own errors; whatever
// goes wrong later is fault.Decrypt.
func (s Scheme) Decrypt(value, private []byte) ([]byte, error) {
	out, errs := s.DecryptMany([]opaque.Signed{{Bytes: value}}, private)
	return out[0], errs[0]
}

// DecryptMany decrypts values by one private key, in order, as Decrypt does. A value
// with an error has no plaintext.
func (s Scheme) DecryptMany(values []opaque.Signed, private []byte) ([][]byte, []error) {
	k := scalar(private)
	defer k.Wipe()
	list := make([]opening, len(values))
	defer wipe(list)
	errs, unsigned := make([]error, len(values)), make([]error, len(values))
	for i, v := range values {
		errs[i] = list[i].start(v.Bytes, k)
		if !v.Verified {
			unsigned[i] = fault.Signature // until verify says otherwise
		}
	}
	verify := func() {
		for i, v := range values {
			if !v.Verified {
				unsigned[i] = s.VerifyValue(v.Bytes)
			}
		}
	}
	if parallel.Workers() == 1 || allVerified(values) { // what is not signed costs nothing more
		verify()
		for i := range list {
			list[i].done = list[i].done || unsigned[i] != nil
		}
		openAll(list, nil)
	} else {
		openAll(list, verify)
	}
	out := make([][]byte, len(values))
	for i, v := range values {
		switch {
		case errs[i] != nil:
		case unsigned[i] != nil:
			errs[i] = unsigned[i]
		default:
			out[i], errs[i] = s.plaintext(&list[i].f, v.Bytes)
		}
	}
	return out, errs
}

func allVerified(values []opaque.Signed) bool {
	return !slices.ContainsFunc(values, func(v opaque.Signed) bool { return !v.Verified })
}

// plaintext returns what a value was opened to, if the value's authHash says so.
func (s Scheme) plaintext(f *curve.GT, value []byte) ([]byte, error) {
	m := f.Bytes()
	have := sum(value[:PointSize], m)
	match := subtle.ConstantTimeCompare(have[:], value[headSize-authHashSize:headSize])
	if match != 1 || !s.Lenient && isWeak(m) {
		clear(m)
		return nil, fault.Decrypt
	}
	return m, nil
}

// An opening is a value while it is opened: its blocks are peeled from the last to the
// first, then the head. Each level's two temp keys give the scalars that open the level
// below: c(K) for its K, c(K) + c(K') for its K'.
type opening struct {
	shares []share
	next   int // of the shares, to be opened next: with the one behind it, or the head
	k, sum curve.Scalar
	f, g   curve.GT // what the last two shares were opened to
	done   bool
}

// start decodes a value.
func (o *opening) start(value []byte, private *curve.Scalar) (err error) {
	o.shares, err = shares(value)
	o.done = err != nil
	o.next = max(len(o.shares)-2, 0)
	o.k.Set(private)
	o.sum.Set(private)
	return err
}

// Wipe overwrites what is secret of o.
func (o *opening) Wipe() {
	o.k.Wipe()
	o.sum.Wipe()
	o.f.Wipe()
	o.g.Wipe()
}

// step prepares the next level, once the shares of this one are open.
func (o *opening) step() {
	if o.next == 0 {
		o.done = true
		return
	}
	o.k.Wipe()
	addHashLog(&o.k, &o.f)
	o.sum.Set(&o.k)
	addHashLog(&o.sum, &o.g)
	o.next = max(o.next-2, 0)
}

// An unblinding is one share to be opened: out = hidden · e(-[k]point, g1).
type unblinding struct {
	*share
	k   *curve.Scalar
	out *curve.GT
}

// openAll opens what is not done yet. All shares that can be opened at a time are, and
// with the last of them runs beside, unless it is nil: then there is the least to do.
func openAll(list []opening, beside func()) {
	for {
		var work []unblinding
		last := beside != nil
		for i := range list {
			o := &list[i]
			switch {
			case o.done:
			case o.next == 0:
				work = append(work, unblinding{&o.shares[0], &o.sum, &o.f})
			default:
				last = false
				work = append(work, unblinding{&o.shares[o.next], &o.k, &o.f}, unblinding{&o.shares[o.next+1], &o.sum, &o.g})
			}
		}
		if len(work) == 0 {
			return
		}
		all := func() { parallel.Ranges(len(work), func(from, to int) { unblind(work[from:to]) }) }
		if last {
			parallel.Do(all, beside)
		} else {
			all()
		}
		for i := range list {
			if !list[i].done {
				list[i].step()
			}
		}
	}
}

// unblind opens shares, with common inversions.
func unblind(work []unblinding) {
	points, out := make([]curve.G1, len(work)), make([]*curve.GT, len(work))
	defer wipe(points)
	for i, w := range work {
		points[i].Negate(points[i].ScalarMult(w.k, &w.point))
		out[i] = w.out
	}
	curve.PairManyG(out, pointers(points))
	for _, w := range work {
		w.out.Mul(w.out, &w.hidden)
	}
}
