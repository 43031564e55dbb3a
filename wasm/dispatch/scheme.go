package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// builtIn lists the suites of this build, one byte each.
var builtIn = func() (suites []byte) {
	for _, s := range recrypt.Suites() {
		suites = append(suites, byte(s))
	}
	return suites
}()

// schemeOperations are the operations of package recrypt.
var schemeOperations = []operation{
	{op: abi.OpInfo, args: 0, run: info},
	{op: abi.OpSelfTest, args: 0, run: selfTest},
	{op: abi.OpGenerateKeyPair, args: 1, run: generateKeyPair, secret: true},
	{op: abi.OpPublicKey, args: 2, run: publicKey},
	{op: abi.OpGenerateSigningKeyPair, args: 0, run: generateSigningKeyPair, secret: true},
	{op: abi.OpGeneratePlaintext, args: 1, run: generatePlaintext, secret: true},
	{op: abi.OpDeriveSymmetricKey, args: 2, run: deriveSymmetricKey, secret: true},
	{op: abi.OpEncrypt, args: 4, run: encrypt},
	{op: abi.OpTransformKey, args: 4, run: transformKey, secret: true},
	{op: abi.OpTransform, args: 4, run: transform},
	{op: abi.OpDecrypt, args: 3, run: decrypt, secret: true},
	{op: abi.OpSchnorrSign, args: 4, run: schnorrSign},
	{op: abi.OpSchnorrVerify, args: 5, run: schnorrVerify},
	{op: abi.OpEd25519Sign, args: 2, run: ed25519Sign},
	{op: abi.OpEd25519Verify, args: 3, run: ed25519Verify},
	{op: abi.OpAddPrivateKeys, args: 3, run: addPrivateKeys, secret: true},
	{op: abi.OpSubtractPrivateKeys, args: 3, run: subtractPrivateKeys, secret: true},
	{op: abi.OpAddPublicKeys, args: 3, run: addPublicKeys},
	{op: abi.OpAugmentTransformKey, args: 3, run: augmentTransformKey, secret: true},
	{op: abi.OpPrepareTransformKey, args: 2, run: prepareTransformKey, secret: true},
	{op: abi.OpTransformPrepared, args: 4, run: transformPrepared},
	{op: abi.OpDecryptMany, args: 3, run: decryptMany, secret: true},
}

// results returns result frames.
func results(frames ...[]byte) ([][]byte, error) { return frames, nil }

// bytesOf returns the bytes of v as the only result, unless there was an error.
func bytesOf[T interface{ Bytes() []byte }](v T, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return results(v.Bytes())
}

// verified returns no results, or ErrSignature.
func verified(ok bool) ([][]byte, error) {
	if !ok {
		return nil, abi.ErrSignature
	}
	return nil, nil
}

func info(*args) ([][]byte, error) { return results(abi.U32(abi.Version), builtIn) }

func generateKeyPair(a *args) ([][]byte, error) {
	s := a.suite()
	if err := a.check(); err != nil {
		return nil, err
	}
	k, err := recrypt.GeneratePrivateKey(s)
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	return results(k.Bytes(), k.PublicKey().Bytes())
}

func publicKey(a *args) ([][]byte, error) {
	k := a.privateKey(a.suite())
	if err := a.check(); err != nil {
		return nil, err
	}
	return results(k.PublicKey().Bytes())
}

func generateSigningKeyPair(*args) ([][]byte, error) {
	k := recrypt.GenerateSigningKey()
	defer k.Wipe()
	return results(k.Bytes(), k.VerifyingKey().Bytes())
}

func generatePlaintext(a *args) ([][]byte, error) {
	s := a.suite()
	if err := a.check(); err != nil {
		return nil, err
	}
	m, err := recrypt.GeneratePlaintext(s)
	if err != nil {
		return nil, err
	}
	defer m.Wipe()
	return results(m.Bytes())
}

func deriveSymmetricKey(a *args) ([][]byte, error) {
	m := a.plaintext(a.suite())
	if err := a.check(); err != nil {
		return nil, err
	}
	return results(m.SymmetricKey())
}

func encrypt(a *args) ([][]byte, error) {
	s := a.suite()
	m, to, signer := a.plaintext(s), a.publicKey(s), a.signingKey()
	if err := a.check(); err != nil {
		return nil, err
	}
	return bytesOf(recrypt.Encrypt(m, to, signer))
}

func transformKey(a *args) ([][]byte, error) {
	s := a.suite()
	k, to, signer := a.privateKey(s), a.publicKey(s), a.signingKey()
	if err := a.check(); err != nil {
		return nil, err
	}
	t, err := k.TransformKey(to, signer)
	if err != nil {
		return nil, err
	}
	defer t.Wipe()
	return results(t.Bytes())
}

func transform(a *args) ([][]byte, error) {
	s := a.suite()
	v, t, signer := a.encryptedValue(s), a.transformKey(s), a.signingKey()
	if err := a.check(); err != nil {
		return nil, err
	}
	out, err := t.Transform(v, signer)
	if err == recrypt.ErrTransformKey {
		// Its encoding was checked above: what is left is its signature.
		return nil, abi.ErrSignature
	}
	return bytesOf(out, err)
}

func decrypt(a *args) ([][]byte, error) {
	s := a.suite()
	v, k := a.encryptedValue(s), a.privateKey(s)
	if err := a.check(); err != nil {
		return nil, err
	}
	m, err := k.Decrypt(v)
	if err != nil {
		return nil, err
	}
	defer m.Wipe()
	return results(m.Bytes())
}

func schnorrSign(a *args) ([][]byte, error) {
	s := a.suite()
	k, public, message := a.privateKey(s), a.publicKey(s), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	signature, err := k.SignSchnorr(public, message)
	if err != nil {
		return nil, err
	}
	return results(signature)
}

func schnorrVerify(a *args) ([][]byte, error) {
	s := a.suite()
	public, augmenting, message := a.publicKey(s), a.privateKeyOrNone(s), a.Bytes()
	signature := a.Fixed(s.SchnorrSize())
	if err := a.check(); err != nil {
		return nil, err
	}
	return verified(public.VerifySchnorr(augmenting, message, signature))
}

func ed25519Sign(a *args) ([][]byte, error) {
	k, message := a.signingKey(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return results(k.Sign(message))
}

func ed25519Verify(a *args) ([][]byte, error) {
	k, message, signature := a.verifyingKey(), a.Bytes(), a.Fixed(recrypt.SignatureSize)
	if err := a.check(); err != nil {
		return nil, err
	}
	return verified(k.Verify(message, signature))
}

func addPrivateKeys(a *args) ([][]byte, error) {
	return combine(a, (*recrypt.PrivateKey).Add)
}

func subtractPrivateKeys(a *args) ([][]byte, error) {
	return combine(a, (*recrypt.PrivateKey).Sub)
}

func combine(a *args, op func(x, y *recrypt.PrivateKey) (*recrypt.PrivateKey, error)) ([][]byte, error) {
	s := a.suite()
	x, y := a.privateKey(s), a.privateKey(s)
	if err := a.check(); err != nil {
		return nil, err
	}
	sum, err := op(x, y)
	if err != nil {
		return nil, err
	}
	defer sum.Wipe()
	return results(sum.Bytes())
}

func addPublicKeys(a *args) ([][]byte, error) {
	s := a.suite()
	x, y := a.publicKey(s), a.publicKey(s)
	if err := a.check(); err != nil {
		return nil, err
	}
	return bytesOf(x.Add(y))
}

func augmentTransformKey(a *args) ([][]byte, error) {
	s := a.suite()
	t, k := a.transformKey(s), a.privateKey(s)
	if err := a.check(); err != nil {
		return nil, err
	}
	out, err := t.Augment(k)
	if err != nil {
		return nil, err
	}
	defer out.Wipe()
	return results(out.Bytes())
}
