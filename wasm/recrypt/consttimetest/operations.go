package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// An operation is one that must run the same course for every secret.
type operation struct {
	name   string
	suite  recrypt.Suite // 0 if it has none
	op     abi.Op
	status abi.Status // what it answers, for every secret
	// signed says that signatures of public data differ from secret to secret, so
	// that their verification, which is not constant time, is left out of the trace.
	signed bool
	// request returns the arguments for secret i. Those below 0 are the edges: a
	// private key of 1 and one of r-1.
	request func(i int) [][]byte
	edges   bool // whether there are any
	seed    string
}

// label names the random bytes for secret i: those of its request, and those that
// the core draws.
func (o *operation) label(i int) string {
	return fmt.Sprintf("%s, %s, %s, %d", o.seed, o.name, suiteName(o.suite), i)
}

// pack returns the request for secret i, always the same one.
func (o *operation) pack(i int) []byte {
	preparing.Lock()
	defer preparing.Unlock()
	defer seeded(o.label(i) + ", request")()
	return abi.Pack(o.request(i)...)
}

// messageSize is the length of the messages that are signed.
const messageSize = 64

// preparing is held while requests are made: the source of randomness and the
// chains are one for all.
var preparing sync.Mutex

// seeded makes everything random until restore is called follow from a text.
func seeded(text string) (restore func()) {
	return entropy.Replace(rand.NewChaCha8(sha256.Sum256([]byte(text))))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	entropy.Read(b)
	return b
}

// must returns v; an error here is a fault of this program or of the core.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Errorf("preparing an operation: %w", err))
	}
	return v
}

// operations lists what is traced. All secrets follow from the seed.
func operations(seed string) []operation {
	preparing.Lock()
	defer preparing.Unlock()
	list := []operation{
		{name: "generate signing key pair", op: abi.OpGenerateSigningKeyPair, request: func(int) [][]byte { return nil }},
		{name: "sign (Ed25519)", op: abi.OpEd25519Sign, request: func(int) [][]byte {
			return [][]byte{recrypt.GenerateSigningKey().Bytes(), randomBytes(messageSize)}
		}},
	}
	for _, s := range recrypt.Suites() {
		w := newWorld(s, seed)
		list = append(list, w.keys()...)
		list = append(list, w.makes()...)
		list = append(list, w.augments()...)
		list = append(list, w.opens()...)
		list = append(list, w.prepares()...)
		list = append(list, w.many()...)
	}
	for i := range list {
		list[i].seed = seed
	}
	return list
}

// A world has what the operations of one suite work on.
type world struct {
	suite  recrypt.Suite
	seed   string
	chains map[int]*chain
	fixed  *chain // the same for all secrets
}

// A chain is a value that is encrypted to the first of three keys, transformed for
// the second and then for the third.
type chain struct {
	keys       [3]*recrypt.PrivateKey
	values     [3]*recrypt.EncryptedValue
	transforms [2]*recrypt.TransformKey
}

func newWorld(s recrypt.Suite, seed string) *world {
	w := &world{suite: s, seed: seed, chains: map[int]*chain{}}
	w.fixed = w.chain(-3)
	return w
}

// privateKey returns the key of secret i.
func privateKey(s recrypt.Suite, i int) *recrypt.PrivateKey {
	one := must(recrypt.NewPrivateKey(s, append(make([]byte, s.FieldSize()-1), 1)))
	switch i {
	case -1:
		return one
	case -2: // 1 - 2
		return must(one.Sub(must(one.Add(one))))
	}
	return must(recrypt.GeneratePrivateKey(s))
}

func newChain(s recrypt.Suite, i int) *chain {
	c := new(chain)
	for k := range c.keys {
		c.keys[k] = privateKey(s, i)
		if i == -1 || i == -2 {
			i = -3 - i // the other one: nobody delegates to himself
		}
	}
	signer := recrypt.GenerateSigningKey()
	c.values[0] = must(recrypt.Encrypt(must(recrypt.GeneratePlaintext(s)), c.keys[0].PublicKey(), signer))
	for k := range c.transforms {
		c.transforms[k] = must(c.keys[k].TransformKey(c.keys[k+1].PublicKey(), signer))
		c.values[k+1] = must(c.transforms[k].Transform(c.values[k], signer))
	}
	return c
}

// chain returns the chain of secret i.
func (w *world) chain(i int) *chain {
	if w.chains[i] == nil {
		defer seeded(fmt.Sprintf("%s, chain %d of %s", w.seed, i, w.suite))()
		w.chains[i] = newChain(w.suite, i)
	}
	return w.chains[i]
}

// of completes an operation of the world's suite.
func (w *world) of(name string, op abi.Op, args func(i int) [][]byte) operation {
	return operation{name: name, suite: w.suite, op: op, request: func(i int) [][]byte {
		return append([][]byte{abi.U8(uint8(w.suite))}, args(i)...)
	}}
}

// withEdges marks operations whose secret is a private key.
func withEdges(list ...operation) []operation {
	for i := range list {
		list[i].edges = true
	}
	return list
}

func (w *world) keys() []operation {
	none := func(int) [][]byte { return nil }
	list := withEdges(
		w.of("public key of a private key", abi.OpPublicKey, func(i int) [][]byte {
			return [][]byte{privateKey(w.suite, i).Bytes()}
		}),
		w.of("sign (Schnorr)", abi.OpSchnorrSign, func(i int) [][]byte {
			k := privateKey(w.suite, i)
			return [][]byte{k.Bytes(), k.PublicKey().Bytes(), randomBytes(messageSize)}
		}))
	return append([]operation{
		w.of("generate key pair", abi.OpGenerateKeyPair, none),
		w.of("generate plaintext", abi.OpGeneratePlaintext, none),
		w.of("derive symmetric key", abi.OpDeriveSymmetricKey, func(int) [][]byte {
			return [][]byte{must(recrypt.GeneratePlaintext(w.suite)).Bytes()}
		}),
	}, list...)
}

func (w *world) makes() []operation {
	encrypt := w.of("encrypt", abi.OpEncrypt, func(i int) [][]byte {
		m := must(recrypt.GeneratePlaintext(w.suite))
		return [][]byte{m.Bytes(), privateKey(w.suite, i).PublicKey().Bytes(), recrypt.GenerateSigningKey().Bytes()}
	})
	rekey := w.of("transform key", abi.OpTransformKey, func(i int) [][]byte {
		c := w.chain(i)
		return [][]byte{c.keys[0].Bytes(), c.keys[1].PublicKey().Bytes(), recrypt.GenerateSigningKey().Bytes()}
	})
	return withEdges(encrypt, rekey)
}

func (w *world) augments() []operation {
	two := func(i int) [][]byte {
		return [][]byte{privateKey(w.suite, i).Bytes(), privateKey(w.suite, -3).Bytes()}
	}
	return withEdges(
		w.of("add private keys", abi.OpAddPrivateKeys, two),
		w.of("subtract private keys", abi.OpSubtractPrivateKeys, two),
		w.of("augment transform key", abi.OpAugmentTransformKey, func(i int) [][]byte {
			return [][]byte{w.withHashed(w.chain(i)), privateKey(w.suite, -3).Bytes()}
		}))
}

// opens are the operations on encrypted values, each in two arrangements.
//
// In one, everything public is the same for all secrets, so that the whole trace
// has to be: one value for all private keys, which then cannot open it; one
// transform key of which only the secret part, which its signature does not cover,
// is exchanged. In the other, everything fits together and differs.
func (w *world) opens() []operation {
	var list []operation
	for level := range 3 {
		refused := w.of(fmt.Sprintf("decrypt level %d, one value for all keys", level), abi.OpDecrypt, func(i int) [][]byte {
			return [][]byte{w.fixed.values[level].Bytes(), privateKey(w.suite, i).Bytes()}
		})
		refused.status = abi.StatusDecrypt
		opened := w.of(fmt.Sprintf("decrypt level %d, each its own value", level), abi.OpDecrypt, func(i int) [][]byte {
			return [][]byte{w.chain(i).values[level].Bytes(), w.chain(i).keys[level].Bytes()}
		})
		opened.signed = true
		list = append(list, withEdges(refused, opened)...)
	}
	for level := range 2 {
		fixed := w.of(fmt.Sprintf("transform level %d, one value for all keys", level), abi.OpTransform, func(i int) [][]byte {
			return [][]byte{w.fixed.values[level].Bytes(), w.withHashed(w.chain(i)), recrypt.GenerateSigningKey().Bytes()}
		})
		own := w.of(fmt.Sprintf("transform level %d, each its own value", level), abi.OpTransform, func(i int) [][]byte {
			c := w.chain(i)
			return [][]byte{c.values[level].Bytes(), c.transforms[level].Bytes(), recrypt.GenerateSigningKey().Bytes()}
		})
		own.signed = true
		list = append(list, withEdges(fixed, own)...)
	}
	return list
}

// withHashed returns the transform key that is the same for all secrets with the
// hashedTempKey of another one.
func (w *world) withHashed(c *chain) []byte {
	n := w.suite.FieldSize()
	out := w.fixed.transforms[0].Bytes()
	copy(out[16*n:20*n], c.transforms[0].Bytes()[16*n:])
	return out
}
