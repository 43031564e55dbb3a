package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// TestRotationLayout writes versions that change keys a second time.
func TestRotationLayout(t *testing.T) {
	l := lived()
	parts := records(l.ana)
	id := must(OpenIdentity(l.ana)).ID
	key := func(kind, name string) ed25519.PrivateKey { return edKey(name, "recrypt-service "+kind+" v1") }
	recovery := sha256.Sum256(public(key("recovery key", "ana's recovery")))
	again := encKey("ana again", nil, cat("recrypt-service encryption key v1", uint8(1)))

	body := cat(uint8(27), "recrypt-service identity v1", uint32(2), id, sha(parts[0]),
		public(key("signing key", "ana again")), public(key("recrypt signing key", "ana again")),
		recovery, uint8(1), uint8(1), again.PublicKey().Bytes(), uint16(76), uint16(3), uint16(72))
	if !bytes.HasPrefix(parts[1], body) {
		t.Fatal("version 2 differs before the sealed seed")
	}
	sealed := parts[1][len(body):][:72]
	box := must(chacha20poly1305.NewX(expand(seedOf("ana again"), nil, cat("recrypt-service previous seed v1", id, uint32(2)), 32)))
	if seed, err := box.Open(nil, sealed[:24], sealed[24:], nil); err != nil || !bytes.Equal(seed, seedOf("ana")) {
		t.Errorf("sealed seed: %v", err)
	}
	compare(t, "version 2", parts[1], append(body, sealed...), again, "ana")

	once := encKey("ana once more", nil, cat("recrypt-service encryption key v1", uint8(1)))
	by := public(key("recovery key", "ana's recovery"))
	other := sha256.Sum256(public(key("recovery key", "ana's other recovery")))
	body = cat(uint8(27), "recrypt-service identity v1", uint32(2), id, sha(parts[0]),
		public(key("signing key", "ana once more")), public(key("recrypt signing key", "ana once more")),
		other, uint8(1), uint8(1), once.PublicKey().Bytes(), uint16(36), uint16(0x8001), uint16(32), by)
	record := records(l.lost)[1]
	if !bytes.HasPrefix(record, body) || !ed25519.Verify(by, body, record[len(record)-64:]) || len(record) != len(body)+64+64 {
		t.Error("version 2 by the recovery key")
	}
	at := must(recrypt.DerivePrivateKey(recrypt.Suite256, expand(seedOf("ana again"), cat(id32(0x30)),
		cat("recrypt-service epoch key v1", uint8(1), must(OpenCollection(l.ana, l.epochs[1].record, nil)).Collection, uint32(2)), 64)))
	if !bytes.Equal(at.PublicKey().Bytes(), must(OpenCollection(l.ana, l.epochs[1].record, nil)).PublicKey) {
		t.Error("the epoch's key is not of the seed of its version")
	}
}

// TestSafetyNumberLayout computes a safety number a second time.
func TestSafetyNumberLayout(t *testing.T) {
	half := func(identity []byte) (digits string) {
		all, id := sha256.Sum256(identity), must(OpenIdentity(identity)).ID
		state := sha256.Sum256(cat("recrypt-service safety number v1", all, id))
		for range 5199 {
			state = sha256.Sum256(cat(state, all))
		}
		for i := range 6 {
			n := 0
			for _, b := range state[5*i : 5*i+5] {
				n = n<<8 | int(b)
			}
			digits += fmt.Sprintf("%05d", n%100000)
		}
		return digits
	}
	a, b := half(lived().ana), half(lived().ben)
	if got := string(must(SafetyNumber(lived().ana, lived().ben))); got != min(a, b)+max(a, b) {
		t.Errorf("%s", got)
	}
}

// TestLinkLayout derives a link's seeds a second time.
func TestLinkLayout(t *testing.T) {
	secret := seedOf("a link")
	stretched := argon2.IDKey([]byte("Kuchen 1"), expand(secret, nil, []byte("recrypt-service link passcode salt v1"), 16), 2, 19456, 1, 32)
	for passcode, from := range map[string][]byte{"": secret, "Kuchen 1": append(bytes.Clone(secret), stretched...)} {
		seed, recovery := must2(LinkSeed(secret, []byte(passcode)))
		if !bytes.Equal(append(seed, recovery...), expand(from, nil, []byte("recrypt-service link seeds v1"), 64)) {
			t.Errorf("passcode %q", passcode)
		}
	}
}
