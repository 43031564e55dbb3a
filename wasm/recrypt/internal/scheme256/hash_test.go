package scheme256

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"testing"

	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
)

// TestHash2 compares hash_scalar and hash2 of e(G, g1) with the independent model's
// (spec sections 7 and 16), both as [c]H and as [h·c]g1.
func TestHash2(t *testing.T) {
	raw, err := os.ReadFile("../../recrypttest/vectors/recrypt-derived.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets map[string]map[string]any
	if err := json.Unmarshal(raw, &sets); err != nil {
		t.Fatal(err)
	}
	value := func(name string) []byte {
		s, _ := sets[strconv.Itoa(8*curve.FieldSize)][name].(string)
		b, err := hex.DecodeString(s)
		if err != nil || len(b) == 0 {
			t.Fatalf("no value %q: %v", name, err)
		}
		return b
	}
	base := new(curve.GT).PairG(new(curve.G1).SetGenerator()).Bytes()
	if !bytes.Equal(base, value("e(G,g1)")) {
		t.Error("e(G, g1)")
	}
	c := HashScalar(base)
	modR := new(big.Int).Mod(new(big.Int).SetBytes(value("hash_scalar(e(G,g1))")), new(big.Int).SetBytes(value("r")))
	if !bytes.Equal(c.Bytes(), modR.FillBytes(make([]byte, curve.FieldSize))) {
		t.Error("hash scalar")
	}
	if byH := new(curve.G2).ScalarMult(c, new(curve.G2).SetH()); !bytes.Equal(byH.Bytes(), value("hash2(e(G,g1))")) {
		t.Error("hash2 to the base H")
	}
	if byG := new(curve.G2).ScalarBaseMult(hashLog(base)); !bytes.Equal(byG.Bytes(), value("hash2(e(G,g1))")) {
		t.Error("hash2 to the base g1")
	}
}
