package recrypt_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// Alice encrypts to herself, lets Bob read through a proxy, and the proxy transforms.
func Example_share() {
	alice, err := recrypt.GeneratePrivateKey(recrypt.Suite256)
	if err != nil {
		log.Fatal(err)
	}
	aliceSigner := recrypt.GenerateSigningKey()
	bob, err := recrypt.GeneratePrivateKey(recrypt.Suite256)
	if err != nil {
		log.Fatal(err)
	}

	// Alice: one encryption per document, whoever will read it.
	m, err := recrypt.GeneratePlaintext(recrypt.Suite256)
	if err != nil {
		log.Fatal(err)
	}
	documentKey := m.SymmetricKey()
	value, err := recrypt.Encrypt(m, alice.PublicKey(), aliceSigner)
	if err != nil {
		log.Fatal(err)
	}

	// Alice: one transform key per reader, for the proxy only.
	transformKey, err := alice.TransformKey(bob.PublicKey(), aliceSigner)
	if err != nil {
		log.Fatal(err)
	}

	// The proxy: one transform per opening. It pins the signer it expects.
	proxySigner := recrypt.GenerateSigningKey()
	if !value.Signer().Equal(aliceSigner.VerifyingKey()) {
		log.Fatal("not from Alice")
	}
	forBob, err := transformKey.Transform(value, proxySigner)
	if err != nil {
		log.Fatal(err)
	}

	// Bob: opens what was made for him, and only that.
	opened, err := bob.Decrypt(forBob)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("level", forBob.Level(), "opened:", bytes.Equal(opened.SymmetricKey(), documentKey))
	_, err = bob.Decrypt(value)
	fmt.Println(errors.Is(err, recrypt.ErrDecrypt))
	// Output:
	// level 1 opened: true
	// true
}

// Values cross the network and the disk as byte strings.
func ExampleNewEncryptedValue() {
	k, _ := recrypt.GeneratePrivateKey(recrypt.Suite256)
	m, _ := recrypt.GeneratePlaintext(recrypt.Suite256)
	value, err := recrypt.Encrypt(m, k.PublicKey(), recrypt.GenerateSigningKey())
	if err != nil {
		log.Fatal(err)
	}
	stored := value.Bytes()
	fmt.Println(len(stored) == recrypt.Suite256.EncryptedValueSize(0))

	loaded, err := recrypt.NewEncryptedValue(recrypt.Suite256, stored)
	if err != nil {
		log.Fatal(err)
	}
	opened, err := k.Decrypt(loaded)
	fmt.Println(err == nil && opened.Equal(m))

	_, err = recrypt.NewEncryptedValue(recrypt.Suite256, stored[1:])
	fmt.Println(err)
	// Output:
	// true
	// true
	// recrypt: wrong length
}

// A key pair can be derived, so that only a seed has to be kept.
func ExampleDerivePrivateKey() {
	uniform := make([]byte, recrypt.Suite256.UniformSize()) // from a key derivation function
	k, err := recrypt.DerivePrivateKey(recrypt.Suite256, uniform)
	if err != nil {
		log.Fatal(err)
	}
	defer k.Wipe()
	p, err := recrypt.NewPublicKey(recrypt.Suite256, k.PublicKey().Bytes())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Equal(k.PublicKey()), len(k.Bytes()), len(p.Bytes()))
	// Output: true 32 64
}

// An Ed25519 key signs messages under a strict rule of verification.
func ExampleSigningKey_Sign() {
	signer := recrypt.GenerateSigningKey()
	verifier, err := recrypt.NewVerifyingKey(signer.VerifyingKey().Bytes())
	if err != nil {
		log.Fatal(err)
	}
	signature := signer.Sign([]byte("hello"))
	fmt.Println(verifier.Verify([]byte("hello"), signature), verifier.Verify([]byte("hallo"), signature))
	// Output: true false
}

// An encryption key proves that its owner holds it.
func ExamplePrivateKey_SignSchnorr() {
	k, err := recrypt.GeneratePrivateKey(recrypt.Suite256)
	if err != nil {
		log.Fatal(err)
	}
	proof, err := k.SignSchnorr(k.PublicKey(), []byte("this key is mine"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(k.PublicKey().VerifySchnorr(nil, []byte("this key is mine"), proof))
	// Output: true
}

// Readers come and go without touching the stored values: n documents and m readers
// take n encryptions and m transform keys.
func Example_manyReaders() {
	owner := newKey(recrypt.Suite256)
	signer, proxy := recrypt.GenerateSigningKey(), recrypt.GenerateSigningKey()
	var stored []*recrypt.EncryptedValue
	for range 3 {
		m, err := recrypt.GeneratePlaintext(recrypt.Suite256)
		if err != nil {
			log.Fatal(err)
		}
		value, err := recrypt.Encrypt(m, owner.PublicKey(), signer)
		if err != nil {
			log.Fatal(err)
		}
		stored = append(stored, value)
	}
	opened := 0
	for range 2 {
		reader := newKey(recrypt.Suite256)
		key, err := owner.TransformKey(reader.PublicKey(), signer)
		if err != nil {
			log.Fatal(err)
		}
		for _, value := range stored {
			forReader, err := key.Transform(value, proxy)
			if err != nil {
				log.Fatal(err)
			}
			if _, err := reader.Decrypt(forReader); err == nil {
				opened++
			}
		}
	}
	fmt.Println(opened)
	// Output: 6
}

// What was transformed once can be transformed again, from Alice to Bob to Carol. Each
// hop adds a block of BlockSize bytes.
func ExampleTransformKey_Transform() {
	alice, bob, carol := newKey(recrypt.Suite480), newKey(recrypt.Suite480), newKey(recrypt.Suite480)
	signer := recrypt.GenerateSigningKey()
	m, err := recrypt.GeneratePlaintext(recrypt.Suite480)
	if err != nil {
		log.Fatal(err)
	}
	value, err := recrypt.Encrypt(m, alice.PublicKey(), signer)
	if err != nil {
		log.Fatal(err)
	}
	for _, hop := range []struct {
		from *recrypt.PrivateKey
		to   *recrypt.PublicKey
	}{{alice, bob.PublicKey()}, {bob, carol.PublicKey()}} {
		key, err := hop.from.TransformKey(hop.to, signer)
		if err != nil {
			log.Fatal(err)
		}
		if value, err = key.Transform(value, signer); err != nil {
			log.Fatal(err)
		}
	}
	opened, err := carol.Decrypt(value)
	fmt.Println(value.Level(), len(value.Bytes()), err == nil && opened.Equal(m))
	// Output: 2 4328 true
}

// A key in two halves: what is encrypted to the sum of two public keys opens with the
// sum of the private keys, and a transform key made from one half is completed by the
// holder of the other.
func ExampleTransformKey_Augment() {
	user, server, reader := newKey(recrypt.Suite256), newKey(recrypt.Suite256), newKey(recrypt.Suite256)
	signer := recrypt.GenerateSigningKey()

	sum, err := user.PublicKey().Add(server.PublicKey()) // ask for a proof of possession of each first
	if err != nil {
		log.Fatal(err)
	}
	m, err := recrypt.GeneratePlaintext(recrypt.Suite256)
	if err != nil {
		log.Fatal(err)
	}
	value, err := recrypt.Encrypt(m, sum, signer)
	if err != nil {
		log.Fatal(err)
	}
	half, err := user.TransformKey(reader.PublicKey(), signer)
	if err != nil {
		log.Fatal(err)
	}
	whole, err := half.Augment(server)
	if err != nil {
		log.Fatal(err)
	}
	forReader, err := whole.Transform(value, signer)
	if err != nil {
		log.Fatal(err)
	}
	opened, err := reader.Decrypt(forReader)
	fmt.Println("through the augmented transform key:", err == nil && opened.Equal(m))

	both, err := user.Add(server)
	if err != nil {
		log.Fatal(err)
	}
	opened, err = both.Decrypt(value)
	fmt.Println("with the sum of the private keys:", err == nil && opened.Equal(m))
	_, err = user.Decrypt(value)
	fmt.Println("with one half:", err)
	// Output:
	// through the augmented transform key: true
	// with the sum of the private keys: true
	// with one half: recrypt: decryption failed
}

// The signature inside a transform key does not cover all of it. Who makes one signs the
// transform key bytes, that is all but that signature, with a key of another purpose.
func ExampleTransformKey_Bytes() {
	k := newKey(recrypt.Suite256)
	to := newKey(recrypt.Suite256).PublicKey()
	inner, outer := recrypt.GenerateSigningKey(), recrypt.GenerateSigningKey()
	key, err := k.TransformKey(to, inner)
	if err != nil {
		log.Fatal(err)
	}
	b := key.Bytes()
	signature := outer.Sign(b[:len(b)-recrypt.SignatureSize])
	fmt.Println(len(b)-recrypt.SignatureSize, outer.VerifyingKey().Verify(b[:len(b)-recrypt.SignatureSize], signature))
	// Output: 672 true
}

// A plaintext can carry a private key instead of a symmetric one, for a group whose
// members come and go. Use each plaintext for one of the two only.
func ExamplePlaintext_PrivateKey() {
	owner := newKey(recrypt.Suite256)
	m, err := recrypt.GeneratePlaintext(recrypt.Suite256)
	if err != nil {
		log.Fatal(err)
	}
	group, err := m.PrivateKey()
	if err != nil {
		log.Fatal(err)
	}
	value, err := recrypt.Encrypt(m, owner.PublicKey(), recrypt.GenerateSigningKey())
	if err != nil {
		log.Fatal(err)
	}
	opened, err := owner.Decrypt(value)
	if err != nil {
		log.Fatal(err)
	}
	again, err := opened.PrivateKey()
	fmt.Println(err == nil && again.Equal(group))
	// Output: true
}

// With an augmented key, the signer uses her own half and names the sum; who verifies
// holds the other half.
func ExamplePublicKey_VerifySchnorr_augmented() {
	user, server := newKey(recrypt.Suite256), newKey(recrypt.Suite256)
	sum, err := user.PublicKey().Add(server.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	signature, err := user.SignSchnorr(sum, []byte("log me in"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum.VerifySchnorr(server, []byte("log me in"), signature))
	// Output: true
}

// Suites do not mix. Their numbers and names can be stored.
func ExampleSuite() {
	for _, s := range recrypt.Suites() {
		fmt.Printf("%d %v: private key %d, public key %d, value %d + %d for each transform, transform key %d\n", s, s,
			s.PrivateKeySize(), s.PublicKeySize(), s.EncryptedValueSize(0), s.BlockSize(), s.TransformKeySize())
	}
	_, err := newKey(recrypt.Suite256).TransformKey(newKey(recrypt.Suite480).PublicKey(), recrypt.GenerateSigningKey())
	fmt.Println(errors.Is(err, recrypt.ErrSuite))
	// Output:
	// 1 recrypt256: private key 32, public key 64, value 576 + 896 for each transform, transform key 736
	// 2 recrypt480: private key 60, public key 120, value 968 + 1680 for each transform, transform key 1296
	// true
}

func newKey(s recrypt.Suite) *recrypt.PrivateKey {
	k, err := recrypt.GeneratePrivateKey(s)
	if err != nil {
		log.Fatal(err)
	}
	return k
}
