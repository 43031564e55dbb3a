// Command wasmtime runs recrypt.wasm, the file that the server runs in wazero and the
// browser in its own engine, in wasmtime: nothing of the module depends on its host.
//
//	go run . -module ../../wasm/dist/recrypt.wasm
//
// It prints the module's SHA-256, lets the core test itself, and plays one encrypted
// value from its owner through the server to a reader, with the recorded keys of the
// vectors that all implementations share. caller.go is what a host has to write.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

func main() {
	module := flag.String("module", "../../wasm/dist/recrypt.wasm", "`FILE` with the core as a wasip1 module")
	flag.Parse()
	if err := run(*module); err != nil {
		fmt.Fprintln(os.Stderr, "wasmtime:", err)
		os.Exit(1)
	}
}

func run(module string) error {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return fmt.Errorf("reading the module, which make wasm builds: %w", err)
	}
	fmt.Printf("module: %d bytes, sha256 %x\n", len(wasm), sha256.Sum256(wasm))
	start := time.Now()
	caller, err := newCaller(wasm)
	if err != nil {
		return err
	}
	fmt.Printf("wasmtime compiled and started it in %v\n", time.Since(start).Round(time.Millisecond))

	return play(context.Background(), abi.Client{Caller: caller})
}

// play lets the core test itself and plays the round trip of both suites.
func play(ctx context.Context, core abi.Client) error {
	version, suites, err := core.Info(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("boundary version %d, suites %v\n", version, suites)
	if err := core.SelfTest(ctx); err != nil {
		return fmt.Errorf("the core's test of itself: %w", err)
	}
	fmt.Println("the core has tested itself against its known answers")
	for i, file := range []string{"vectors/recrypt256-peer.json", "vectors/recrypt480-v0141-peer.json"} {
		start, suite := time.Now(), uint8(i+1)
		if err := roundTrip(ctx, core, suite, file); err != nil {
			return fmt.Errorf("%s: %w", abi.SuiteName(suite), err)
		}
		fmt.Printf("%s: encrypted, transformed and decrypted with the keys of %s in %v\n",
			abi.SuiteName(suite), file, time.Since(start).Round(time.Millisecond))
	}
	return nil
}

// A peerCase is what the round trip takes from a recorded case; JSON holds base64.
type peerCase struct {
	Keys map[string]struct {
		PrivateKey []byte
		PublicKey  struct{ X, Y []byte }
	}
	Plaintext struct {
		Bytes, DerivedSymmetricKey []byte
	}
}

// roundTrip encrypts a recorded plaintext to A, transforms it from A to B and decrypts it as B.
func roundTrip(ctx context.Context, core abi.Client, suite uint8, file string) error {
	content, err := recrypttest.Vectors.ReadFile(file)
	if err != nil {
		return err
	}
	var vectors struct{ Cases []peerCase }
	if err := json.Unmarshal(content, &vectors); err != nil {
		return err
	}
	if len(vectors.Cases) == 0 {
		return errors.New("no recorded cases")
	}
	c := vectors.Cases[0]
	a, b, plaintext := c.Keys["A"], c.Keys["B"], c.Plaintext.Bytes
	signing, _, err := core.GenerateSigningKeyPair(ctx)
	if err != nil {
		return err
	}
	publicA, err := core.PublicKey(ctx, suite, a.PrivateKey)
	if err != nil {
		return err
	}
	if recorded := slices.Concat(a.PublicKey.X, a.PublicKey.Y); !bytes.Equal(publicA, recorded) {
		return errors.New("another public key than the recorded one")
	}
	publicB, err := core.PublicKey(ctx, suite, b.PrivateKey)
	if err != nil {
		return err
	}
	value, err := core.Encrypt(ctx, suite, plaintext, publicA, signing)
	if err != nil {
		return err
	}
	toB, err := core.TransformKey(ctx, suite, a.PrivateKey, publicB, signing)
	if err != nil {
		return err
	}
	transformed, err := core.Transform(ctx, suite, value, toB, signing)
	if err != nil {
		return err
	}
	opened, err := core.Decrypt(ctx, suite, transformed, b.PrivateKey)
	if err != nil {
		return err
	}
	key, err := core.DeriveSymmetricKey(ctx, suite, opened)
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, plaintext) || !bytes.Equal(key, c.Plaintext.DerivedSymmetricKey) {
		return errors.New("another plaintext than the recorded one came out")
	}
	return nil
}
