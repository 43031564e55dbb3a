package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// args reads the arguments of an operation in order. It remembers the first
// fault; after it every method returns a zero value, so that an operation reads
// all of its arguments and then calls check once.
type args struct {
	*abi.Reader
	fault   error
	secrets []wiper
}

type wiper interface{ Wipe() }

// newArgs splits a request into exactly want frames.
func newArgs(request []byte, want int) *args {
	return &args{Reader: abi.NewReader(request, want)}
}

// failed reports whether there was a fault so far, or the host asked to stop.
func (a *args) failed() bool {
	if a.fault == nil && stopped() {
		a.fault = abi.ErrStopped
	}
	return a.fault != nil || a.Fault() != nil
}

// check returns the first fault, once all arguments are read.
func (a *args) check() error {
	switch {
	case a.fault != nil:
		return a.fault
	case a.Err() != nil:
		return a.Err()
	case stopped():
		return abi.ErrStopped
	}
	return nil
}

// wipe overwrites the keys and plaintexts that were decoded.
func (a *args) wipe() {
	for _, s := range a.secrets {
		s.Wipe()
	}
}

// decode reads a frame and decodes it by parse, unless there was a fault before
// or the host asked to stop. Decoding checks points and subgroups, so it is one
// of the costly steps.
func decode[T any](a *args, parse func([]byte) (T, error)) T {
	var none T
	b := a.Bytes()
	if a.failed() {
		return none
	}
	v, err := parse(b)
	if err != nil {
		a.fault = err
		return none
	}
	return v
}

// secret has a decoded secret, or nil, wiped when the operation ends.
func secret[T any, P interface {
	*T
	wiper
}](a *args, v P) P {
	if v != nil {
		a.secrets = append(a.secrets, v)
	}
	return v
}

// suite reads the number of a suite that is built in.
func (a *args) suite() recrypt.Suite {
	s := recrypt.Suite(a.U8())
	if !a.failed() && !s.Available() {
		a.fault = recrypt.ErrSuite
	}
	return s
}

// batch reads the items of a batch.
func (a *args) batch() [][]byte {
	return decode(a, abi.UnpackBatch)
}

func (a *args) privateKey(s recrypt.Suite) *recrypt.PrivateKey {
	k := decode(a, func(b []byte) (*recrypt.PrivateKey, error) { return recrypt.NewPrivateKey(s, b) })
	return secret(a, k)
}

// privateKeyOrNone reads a private key, or an empty frame as nil.
func (a *args) privateKeyOrNone(s recrypt.Suite) *recrypt.PrivateKey {
	k := decode(a, func(b []byte) (*recrypt.PrivateKey, error) {
		if len(b) == 0 {
			return nil, nil
		}
		return recrypt.NewPrivateKey(s, b)
	})
	return secret(a, k)
}

func (a *args) publicKey(s recrypt.Suite) *recrypt.PublicKey {
	return decode(a, func(b []byte) (*recrypt.PublicKey, error) { return recrypt.NewPublicKey(s, b) })
}

func (a *args) plaintext(s recrypt.Suite) *recrypt.Plaintext {
	m := decode(a, func(b []byte) (*recrypt.Plaintext, error) { return recrypt.NewPlaintext(s, b) })
	return secret(a, m)
}

func (a *args) encryptedValue(s recrypt.Suite) *recrypt.EncryptedValue {
	return decode(a, func(b []byte) (*recrypt.EncryptedValue, error) { return recrypt.NewEncryptedValue(s, b) })
}

func (a *args) transformKey(s recrypt.Suite) *recrypt.TransformKey {
	t := decode(a, func(b []byte) (*recrypt.TransformKey, error) { return recrypt.NewTransformKey(s, b) })
	return secret(a, t)
}

func (a *args) preparedTransformKey(s recrypt.Suite) *recrypt.PreparedTransformKey {
	k := decode(a, func(b []byte) (*recrypt.PreparedTransformKey, error) { return recrypt.NewPreparedTransformKey(s, b) })
	return secret(a, k)
}

func (a *args) signingKey() *recrypt.SigningKey {
	return secret(a, decode(a, recrypt.NewSigningKey))
}

func (a *args) verifyingKey() *recrypt.VerifyingKey {
	return decode(a, recrypt.NewVerifyingKey)
}
