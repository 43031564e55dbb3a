package engine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// eachEngine runs a test on both engines.
func eachEngine(t *testing.T, run func(t *testing.T, c abi.Client)) {
	for _, kind := range []string{Native, Wazero} {
		t.Run(kind, func(t *testing.T) { run(t, abi.Client{Caller: newEngine(t, Config{Kind: kind})}) })
	}
}

// TestDecisions runs the table of edge cases of Ed25519 verification, which also
// package eddsa and the TypeScript tests read.
func TestDecisions(t *testing.T) {
	raw, err := recrypttest.Vectors.ReadFile("vectors/ed25519-decisions.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Decisions []struct{ ID, Verdict, PublicKey, Message, Signature string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Decisions) < 60 {
		t.Errorf("only %d rows", len(file.Decisions))
	}
	verdicts := map[string]*abi.Error{"accept": nil, "signature": abi.ErrSignature, "key": abi.ErrMalformed, "size": abi.ErrMalformed}
	eachEngine(t, func(t *testing.T, c abi.Client) {
		for _, d := range file.Decisions {
			want, known := verdicts[d.Verdict]
			if !known {
				t.Fatalf("%s: unknown verdict", d.ID)
			}
			if err := verify(t, c, d.PublicKey, d.Message, d.Signature); !answers(err, want) {
				t.Errorf("%s: %v, want %s", d.ID, err, d.Verdict)
			}
		}
	})
}

// TestWycheproof runs the Ed25519 cases of project Wycheproof, if they are there.
func TestWycheproof(t *testing.T) {
	shared := os.Getenv("RECRYPT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(shared, "vectors", "wycheproof", "ed25519_test.json"))
	if err != nil {
		t.Skip("vectors not found; set RECRYPT_SHARED to the folder that holds vectors/wycheproof")
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKey struct{ Pk string }
			Tests     []struct {
				TcID             int
				Msg, Sig, Result string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	eachEngine(t, func(t *testing.T, c abi.Client) {
		count := 0
		for _, g := range file.TestGroups {
			for _, v := range g.Tests {
				count++
				var want *abi.Error
				if v.Result != "valid" {
					want = abi.ErrSignature
					if len(v.Sig) != 128 {
						want = abi.ErrMalformed
					}
				}
				if err := verify(t, c, g.PublicKey.Pk, v.Msg, v.Sig); !answers(err, want) {
					t.Errorf("case %d: %v, want %s", v.TcID, err, v.Result)
				}
			}
		}
		if count == 0 || count != file.NumberOfTests {
			t.Errorf("%d cases of %d", count, file.NumberOfTests)
		}
	})
}

// verify verifies a signature given in hex.
func verify(t *testing.T, c abi.Client, key, message, signature string) error {
	t.Helper()
	var b [3][]byte
	for i, s := range []string{key, message, signature} {
		var err error
		if b[i], err = hex.DecodeString(s); err != nil {
			t.Fatal(err)
		}
	}
	return c.Ed25519Verify(context.Background(), b[0], b[1], b[2])
}

// answers reports whether err is the answer wanted, nil for none.
func answers(err error, want *abi.Error) bool {
	if want == nil {
		return err == nil
	}
	return errors.Is(err, want)
}
