package recrypt_test

import "github.com/recrypt-service/recrypt/wasm/recrypt"

// strictOps run an operation of spec section 14 through package recrypt.
var strictOps = map[string]func(s recrypt.Suite, a node) ([]byte, error){
	"decrypt": func(s recrypt.Suite, a node) ([]byte, error) {
		return decryptStrictly(s, a.get("encryptedValue").value(), a.get("privateKey").bytes())
	},
	"transform":           transformStrictly,
	"encrypt":             encryptStrictly,
	"computePublicKey":    publicKeyStrictly,
	"augmentPublicKey":    addPublicStrictly,
	"augmentTransformKey": augmentStrictly,
	"addPrivateKeys": func(s recrypt.Suite, a node) ([]byte, error) {
		return combineStrictly(s, a, (*recrypt.PrivateKey).Add)
	},
	"subtractPrivateKeys": func(s recrypt.Suite, a node) ([]byte, error) {
		return combineStrictly(s, a, (*recrypt.PrivateKey).Sub)
	},
	"schnorrVerify":           schnorrStrictly,
	"ed25519Verify":           ed25519Strictly,
	"computeEd25519PublicKey": verifyingKeyStrictly,
	"deriveSymmetricKey": func(s recrypt.Suite, a node) ([]byte, error) {
		m, err := recrypt.NewPlaintext(s, a.get("plaintext").bytes())
		if err != nil {
			return nil, err
		}
		return m.SymmetricKey(), nil
	},
}

func decryptStrictly(s recrypt.Suite, value, private []byte) ([]byte, error) {
	v, err := recrypt.NewEncryptedValue(s, value)
	if err != nil {
		return nil, err
	}
	k, err := recrypt.NewPrivateKey(s, private)
	if err != nil {
		return nil, err
	}
	m, err := k.Decrypt(v)
	if err != nil {
		return nil, err
	}
	return m.Bytes(), nil
}

func transformStrictly(s recrypt.Suite, a node) ([]byte, error) {
	v, err := recrypt.NewEncryptedValue(s, a.get("encryptedValue").value())
	if err != nil {
		return nil, err
	}
	k, err := recrypt.NewTransformKey(s, a.get("transformKey").transformKey())
	if err != nil {
		return nil, err
	}
	signer, err := recrypt.NewSigningKey(a.get("privateSigningKey").bytes())
	if err != nil {
		return nil, err
	}
	out, err := k.Transform(v, signer)
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func encryptStrictly(s recrypt.Suite, a node) ([]byte, error) {
	m, err := recrypt.NewPlaintext(s, a.get("plaintext").bytes())
	if err != nil {
		return nil, err
	}
	to, err := recrypt.NewPublicKey(s, a.get("toPublicKey").point())
	if err != nil {
		return nil, err
	}
	signer, err := recrypt.NewSigningKey(a.get("privateSigningKey").bytes())
	if err != nil {
		return nil, err
	}
	v, err := recrypt.Encrypt(m, to, signer)
	if err != nil {
		return nil, err
	}
	return v.Bytes(), nil
}

func publicKeyStrictly(s recrypt.Suite, a node) ([]byte, error) {
	k, err := recrypt.NewPrivateKey(s, a.get("privateKey").bytes())
	if err != nil {
		return nil, err
	}
	return k.PublicKey().Bytes(), nil
}

func addPublicStrictly(s recrypt.Suite, a node) ([]byte, error) {
	x, err := recrypt.NewPublicKey(s, a.get("publicKey").point())
	if err != nil {
		return nil, err
	}
	y, err := recrypt.NewPublicKey(s, a.get("otherPublicKey").point())
	if err != nil {
		return nil, err
	}
	sum, err := x.Add(y)
	if err != nil {
		return nil, err
	}
	return sum.Bytes(), nil
}

func augmentStrictly(s recrypt.Suite, a node) ([]byte, error) {
	t, err := recrypt.NewTransformKey(s, a.get("transformKey").transformKey())
	if err != nil {
		return nil, err
	}
	k, err := recrypt.NewPrivateKey(s, a.get("privateKey").bytes())
	if err != nil {
		return nil, err
	}
	if t, err = t.Augment(k); err != nil {
		return nil, err
	}
	return t.Bytes(), t.VerifySignature()
}

func combineStrictly(s recrypt.Suite, a node, op func(x, y *recrypt.PrivateKey) (*recrypt.PrivateKey, error)) ([]byte, error) {
	x, err := recrypt.NewPrivateKey(s, a.get("privateKeyA").bytes())
	if err != nil {
		return nil, err
	}
	y, err := recrypt.NewPrivateKey(s, a.get("privateKeyB").bytes())
	if err != nil {
		return nil, err
	}
	k, err := op(x, y)
	if err != nil {
		return nil, err
	}
	return k.Bytes(), nil
}

func schnorrStrictly(s recrypt.Suite, a node) ([]byte, error) {
	k, err := recrypt.NewPublicKey(s, a.get("publicKey").point())
	if err != nil {
		return nil, err
	}
	var augmenting *recrypt.PrivateKey
	if b := a.opt("augmentingPrivateKey"); b != nil {
		if augmenting, err = recrypt.NewPrivateKey(s, b); err != nil {
			return nil, err
		}
	}
	sig := a.get("signature").bytes()
	if len(sig) != s.SchnorrSize() {
		return nil, recrypt.ErrSize // a plain false in the interface
	}
	return truth(k.VerifySchnorr(augmenting, a.get("message").bytes(), sig)), nil
}

// ed25519Strictly answers false for a key that is refused, as the peer does for bytes
// that are no point.
func ed25519Strictly(_ recrypt.Suite, a node) ([]byte, error) {
	k, err := recrypt.NewVerifyingKey(a.get("publicSigningKey").bytes())
	if err != nil {
		return no, nil
	}
	return truth(k.Verify(a.get("message").bytes(), a.get("signature").bytes())), nil
}

func verifyingKeyStrictly(_ recrypt.Suite, a node) ([]byte, error) {
	k, err := recrypt.NewSigningKey(a.get("privateSigningKey").bytes())
	if err != nil {
		return nil, err
	}
	return k.VerifyingKey().Bytes(), nil
}
