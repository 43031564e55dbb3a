package recrypt_test

import (
	"fmt"
	"log"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A reader opens a folder: the proxy transforms all its values by one prepared key, and
// the reader decrypts them together. A damaged one does not spoil the others.
func ExamplePreparedTransformKey() {
	suite, signer := recrypt.Suite256, recrypt.GenerateSigningKey()
	alice, _ := recrypt.GeneratePrivateKey(suite)
	bob, _ := recrypt.GeneratePrivateKey(suite)
	transformKey, err := alice.TransformKey(bob.PublicKey(), signer)
	if err != nil {
		log.Fatal(err)
	}
	var stored [][]byte
	for range 3 {
		m, _ := recrypt.GeneratePlaintext(suite)
		value, err := recrypt.Encrypt(m, alice.PublicKey(), signer)
		if err != nil {
			log.Fatal(err)
		}
		stored = append(stored, value.Bytes())
	}
	stored[1][0] ^= 1

	// The proxy keeps the prepared key in memory while the grant is in use.
	prepared, err := transformKey.Prepare()
	if err != nil {
		log.Fatal(err)
	}
	defer prepared.Wipe()
	values, errs := recrypt.NewEncryptedValues(suite, stored)
	fmt.Println(errs)
	transformed, _ := prepared.TransformMany(values, recrypt.GenerateSigningKey())

	// The reader. What is missing has an error of its own.
	plaintexts, _ := bob.DecryptMany(transformed)
	for i, m := range plaintexts {
		fmt.Println("document", i, "opened:", m != nil)
	}
	// Output:
	// [<nil> recrypt: invalid public key <nil>]
	// document 0 opened: true
	// document 1 opened: false
	// document 2 opened: true
}

// Between calls that share no memory, such as those of a WebAssembly module, a prepared
// key travels as bytes.
func ExampleNewPreparedTransformKey() {
	suite, signer := recrypt.Suite256, recrypt.GenerateSigningKey()
	alice, _ := recrypt.GeneratePrivateKey(suite)
	bob, _ := recrypt.GeneratePrivateKey(suite)
	transformKey, err := alice.TransformKey(bob.PublicKey(), signer)
	if err != nil {
		log.Fatal(err)
	}
	prepared, err := transformKey.Prepare()
	if err != nil {
		log.Fatal(err)
	}
	b := prepared.Bytes() // a secret, like the transform key
	fmt.Println(len(b) == suite.PreparedTransformKeySize())

	again, err := recrypt.NewPreparedTransformKey(suite, b)
	if err != nil {
		log.Fatal(err)
	}
	m, _ := recrypt.GeneratePlaintext(suite)
	value, _ := recrypt.Encrypt(m, alice.PublicKey(), signer)
	forBob, err := again.Transform(value, signer)
	if err != nil {
		log.Fatal(err)
	}
	opened, err := bob.Decrypt(forBob)
	fmt.Println(err == nil && opened.Equal(m))
	// Output:
	// true
	// true
}

// Who encrypts much to one key prepares it.
func ExamplePublicKey_Prepare() {
	alice, _ := recrypt.GeneratePrivateKey(recrypt.Suite256)
	signer := recrypt.GenerateSigningKey()
	to, err := alice.PublicKey().Prepare()
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		m, _ := recrypt.GeneratePlaintext(recrypt.Suite256)
		value, err := to.Encrypt(m, signer)
		if err != nil {
			log.Fatal(err)
		}
		opened, err := alice.Decrypt(value)
		fmt.Println(err == nil && opened.Equal(m))
	}
	// Output:
	// true
	// true
}
