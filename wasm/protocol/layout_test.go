package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// The layouts and derivations of the package comment, written a second time with
// nothing but the standard library and the scheme.

func cat(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case string:
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
		case [16]byte:
			b = append(b, v[:]...)
		case [32]byte:
			b = append(b, v[:]...)
		case uint8:
			b = append(b, v)
		case uint16:
			b = binary.BigEndian.AppendUint16(b, v)
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case uint64:
			b = binary.BigEndian.AppendUint64(b, v)
		default:
			panic("unknown part")
		}
	}
	return b
}

// expand is HKDF-SHA256.
func expand(seed, salt []byte, info []byte, n int) []byte {
	return must(hkdf.Key(sha256.New, seed, salt, string(info), n))
}

// edKey derives an Ed25519 key.
func edKey(name, info string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(expand(seedOf(name), nil, []byte(info), 32))
}

func public(k ed25519.PrivateKey) []byte { return []byte(k.Public().(ed25519.PublicKey)) }

// encKey derives an encryption key.
func encKey(name string, salt []byte, info []byte) *recrypt.PrivateKey {
	return must(recrypt.DerivePrivateKey(recrypt.Suite256, expand(seedOf(name), salt, info, 64)))
}

// compare checks body, Schnorr proof by key (if any), and Ed25519 signature.
func compare(t *testing.T, what string, record, body []byte, proof *recrypt.PrivateKey, who string) {
	t.Helper()
	if !bytes.HasPrefix(record, body) {
		i := 0
		for i < min(len(record), len(body)) && record[i] == body[i] {
			i++
		}
		t.Errorf("%s: differs at byte %d of %d", what, i, len(body))
		return
	}
	rest := record[len(body):]
	if proof != nil {
		if !proof.PublicKey().VerifySchnorr(nil, body, rest[:64]) {
			t.Errorf("%s: proof", what)
		}
		rest = rest[64:]
	}
	key := edKey(who, "recrypt-service signing key v1")
	if len(rest) != 64 || !ed25519.Verify(public(key), body, rest) {
		t.Errorf("%s: signature", what)
	}
}

func TestLayout(t *testing.T) {
	w := shared()
	zero, none := make([]byte, 32), uint16(0)
	bobKey := encKey("bob", nil, cat("recrypt-service encryption key v1", uint8(1)))
	aliceKey := encKey("alice", nil, cat("recrypt-service encryption key v1", uint8(1)))

	recovery := sha256.Sum256(public(edKey("alice's recovery", "recrypt-service recovery key v1")))
	identity := cat(uint8(27), "recrypt-service identity v1", uint32(1), zero, zero,
		public(edKey("alice", "recrypt-service signing key v1")), public(edKey("alice", "recrypt-service recrypt signing key v1")),
		recovery, uint8(1), uint8(1), aliceKey.PublicKey().Bytes(), none)
	compare(t, "identity", w.alice, identity, aliceKey, "alice")
	alice := sha256.Sum256(identity)

	service := cat(uint8(26), "recrypt-service service v1", uint32(1), zero, zero,
		public(edKey("service", "recrypt-service signing key v1")), public(edKey("service", "recrypt-service recrypt signing key v1")), none)
	compare(t, "service", w.service, service, nil, "service")
	at := sha256.Sum256(service)

	bob, carol := must(OpenIdentity(w.bob)).ID, must(OpenIdentity(w.carol)).ID
	id := expand(seedOf("alice"), nil, append([]byte("recrypt-service default collection v1"), shared().serviceID[:]...), 16)
	salt := id32(0x20)
	epoch := encKey("alice", salt[:], cat("recrypt-service epoch key v1", uint8(1), id, uint32(1)))
	readers := sha256.Sum256(cat("recrypt-service readers v1", uint32(1), bob, uint32(1)))
	second := cat(uint8(29), "recrypt-service collection v1", at, alice, uint32(1), id, uint64(1), sha(w.first), uint32(1),
		uint8(1), epoch.PublicKey().Bytes(), salt, readers, uint8(1), uint16(1), carol, uint16(5), "title", none)
	compare(t, "collection", w.second, second, epoch, "alice")

	grant := cat(uint8(24), "recrypt-service grant v1", id16(0x10), at, alice, uint32(1), id, uint32(1), uint8(1),
		epoch.PublicKey().Bytes(), sha(w.first), bob, uint32(1), bobKey.PublicKey().Bytes(), sha(w.transformKey), uint8(2),
		uint16(2), id16(0x50), id16(0x90), uint64(1_700_000_000_000), uint64(1_800_000_000_000), uint64(86_400_000), uint32(7), none)
	compare(t, "grant", w.grant, grant, nil, "alice")

	key := cat(uint8(22), "recrypt-service key v1", id16(0x50), at, alice, id, uint32(1), alice, uint32(1), uint8(1),
		w.value[:64], w.value[448:480], uint8(1), uint64(1<<33), id32(0x77), none)
	compare(t, "key", w.key, key, nil, "alice")

	m := must(epoch.Decrypt(must(recrypt.NewEncryptedValue(1, w.value))))
	document := expand(m.SymmetricKey(), nil, cat("recrypt-service document key v1", id16(0x50), at, alice, id, uint32(1), alice, uint32(1), uint8(1)), 32)
	if !bytes.Equal(document, w.documentKey) {
		t.Error("document key")
	}

	revocation := cat(uint8(29), "recrypt-service revocation v1", id16(0x60), at, alice, uint32(1), id, uint64(1), sha(w.second), bob,
		uint64(1_750_000_000_000), none)
	compare(t, "revocation", w.revocation, revocation, nil, "alice")
	receipt := cat(uint8(26), "recrypt-service receipt v1", at, sha(w.revocation), uint64(1_750_000_000_001), uint32(3), none)
	compare(t, "receipt", w.receipt, receipt, nil, "service")

	plain := cat(uint8(25), "recrypt-service sealed v1", uint8(2), uint8(0), make([]byte, 4+4+1+16+24), seedOf("x"))
	sum := sha256.Sum256(plain)
	if !bytes.Equal(must(SealSecret(nil, abi.SecretRecovery, seedOf("x"), 0, 0)), append(plain, sum[:16]...)) {
		t.Error("plain sealed record")
	}
	header := cat("RECRYPT\x01", id16(0x50), id16(1), uint32(1), id32(9), uint16(21), "https://files.example")
	if !bytes.Equal(w.header, header) {
		t.Error("header")
	}
}

// TestImports: this package runs inside the module; what it may import is short.
func TestImports(t *testing.T) {
	allowed := "bytes crypto/hkdf crypto/sha256 crypto/subtle encoding/base64 encoding/binary errors math slices strconv strings sync/atomic unicode/utf8 "
	files := must(os.ReadDir("."))
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly))
		for _, i := range file.Imports {
			path := must(strconv.Unquote(i.Path.Value))
			ours := strings.HasPrefix(path, "github.com/recrypt-service/recrypt/wasm/") || strings.HasPrefix(path, "golang.org/x/crypto/")
			if !ours && !strings.Contains(allowed, path+" ") {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
	}
}
