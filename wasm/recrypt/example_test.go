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
