package vectors

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Places in a sealed record, after its label of 26 bytes.
const (
	sealedKind    = 26
	sealedStretch = 27
	sealedMemory  = 28
	sealedPasses  = 32
	sealedLanes   = 36
	sealedSalt    = 37
	sealedNonce   = 53
	sealedBox     = 77
	sealedSize    = 125
)

// makeSealed makes the vectors of sealed secrets.
func (m *maker) makeSealed() {
	secret, phrase := draw("seed of alice", 32), []byte("correct horse battery staple")
	kind, memory, passes := []byte{abi.SecretSeed}, abi.U32(19456), abi.U32(2)
	sealed := m.ok("sealed/seal", "A seed under a passphrase, at the floor of key stretching.", abi.OpSealSeed, phrase, kind, secret, memory, passes)[0]
	plain := m.ok("sealed/seal-plain", "A recovery seed without a passphrase.", abi.OpSealSeed, nil, []byte{abi.SecretRecovery}, secret, abi.U32(0), abi.U32(0))[0]
	if len(sealed) != sealedSize || len(plain) != sealedSize {
		panic("another size of sealed records")
	}
	m.ok("sealed/seal-utf8", "A passphrase outside ASCII.", abi.OpSealSeed, []byte("schl\xc3\xbcssel"), []byte{abi.SecretService}, secret, abi.U32(20000), abi.U32(3))
	bad := func(name, about, arg string, value []byte, want abi.Status) {
		m.bad("sealed/seal-"+name, about, "seal", arg, value, want)
	}
	bad("kind-0", "There is no kind 0.", "kind", []byte{0}, malformed)
	bad("kind-4", "There is no kind 4.", "kind", []byte{4}, malformed)
	m.lengths("sealed/seal-secret-", "The secret", "seal", "secret", malformed)
	bad("passphrase-empty", "No passphrase, but parameters of key stretching.", "passphrase", nil, malformed)
	bad("passphrase-long", "A passphrase of 1025 bytes.", "passphrase", bytes.Repeat([]byte("p"), 1025), tooLarge)
	bad("passphrase-not-utf8", "A passphrase that is not UTF-8.", "passphrase", []byte("schl\xfcssel"), malformed)
	bad("memory-none", "A passphrase, but no key stretching.", "memory", abi.U32(0), weak)
	bad("memory-low", "One KiB less than the floor.", "memory", abi.U32(19455), weak)
	bad("memory-high", "One KiB more than the ceiling.", "memory", abi.U32(65537), tooLarge)
	bad("memory-huge", "4 TiB.", "memory", abi.U32(1<<32-1), tooLarge)
	bad("passes-low", "One pass.", "passes", abi.U32(1), weak)
	bad("passes-none", "No pass.", "passes", abi.U32(0), weak)
	bad("passes-high", "Nine passes.", "passes", abi.U32(9), tooLarge)

	m.ok("sealed/info", "What a record under a passphrase says unopened.", abi.OpSealedInfo, sealed)
	m.ok("sealed/info-plain", "What a record without a passphrase says.", abi.OpSealedInfo, plain)
	m.ok("sealed/open", "A seed under a passphrase.", abi.OpOpenSeed, phrase, sealed)
	m.ok("sealed/open-plain", "A recovery seed without a passphrase.", abi.OpOpenSeed, nil, plain)
	m.bad("sealed/open-wrong-passphrase", "Another passphrase.", "open", "passphrase", []byte("correct horse battery stapler"), passphrase)
	m.bad("sealed/open-no-passphrase", "A record that needs a passphrase is opened without.", "open", "passphrase", nil, passphrase)
	m.bad("sealed/open-passphrase-long", "A passphrase of 1025 bytes.", "open", "passphrase", bytes.Repeat([]byte("p"), 1025), tooLarge)
	m.bad("sealed/open-passphrase-not-utf8", "A passphrase that is not UTF-8.", "open", "passphrase", []byte{0xff, 0xfe}, malformed)
	m.bad("sealed/open-plain-passphrase", "A passphrase for a record that has none.", "open-plain", "passphrase", phrase, passphrase)
	m.makeSealedParameters(sealed)
	m.makeSealedDamage(sealed, plain)
}

// makeSealedParameters makes records with parameters that both operations refuse.
func (m *maker) makeSealedParameters(sealed []byte) {
	for _, c := range []struct {
		name, about string
		record      []byte
		want        abi.Status
	}{
		{"label", "The label of another type of the same length.", splice(sealed, 17, []byte("boxed!")), malformed},
		{"label-version", "The label of another version.", splice(sealed, 25, []byte("2")), malformed},
		{"label-length", "The length of the label is wrong.", flip(sealed, 0), malformed},
		{"kind-0", "There is no kind 0.", splice(sealed, sealedKind, []byte{0}), malformed},
		{"kind-4", "There is no kind 4.", splice(sealed, sealedKind, []byte{4}), malformed},
		{"stretching-unknown", "There is no way of key stretching with number 2.", splice(sealed, sealedStretch, []byte{2}), malformed},
		{"memory-low", "One KiB less than the floor.", splice(sealed, sealedMemory, cat(uint32(19455))), weak},
		{"memory-high", "One KiB more than the ceiling.", splice(sealed, sealedMemory, cat(uint32(65537))), tooLarge},
		{"memory-huge", "4 TiB.", splice(sealed, sealedMemory, cat(uint32(1<<32-1))), tooLarge},
		{"passes-low", "One pass.", splice(sealed, sealedPasses, cat(uint32(1))), weak},
		{"passes-high", "Nine passes.", splice(sealed, sealedPasses, cat(uint32(9))), tooLarge},
		{"lanes-0", "No lanes.", splice(sealed, sealedLanes, []byte{0}), malformed},
		{"lanes-2", "Two lanes.", splice(sealed, sealedLanes, []byte{2}), malformed},
		{"short", "The last byte is missing.", sealed[:sealedSize-1], malformed},
		{"long", "A byte too many.", append(bytes.Clone(sealed), 0), malformed},
		{"empty", "No bytes.", nil, malformed},
		{"cut-in-label", "The record ends inside its label.", sealed[:10], malformed},
		{"cut-in-parameters", "The record ends inside its parameters.", sealed[:sealedPasses+1], malformed},
		{"cut-before-box", "The record ends before the box.", sealed[:sealedBox], malformed},
	} {
		m.bad("sealed/open-"+c.name, c.about, "open", "sealed", c.record, c.want)
		m.bad("sealed/info-"+c.name, c.about, "info", "sealed", c.record, c.want)
	}
}

// makeSealedDamage makes records that are found to be damaged when they are opened.
func (m *maker) makeSealedDamage(sealed, plain []byte) {
	damage := func(name, about string, record []byte) {
		m.bad("sealed/open-"+name, about, "open", "sealed", record, passphrase)
	}
	damage("kind-changed", "The kind is another one; the box is bound to it.", splice(sealed, sealedKind, []byte{abi.SecretService}))
	damage("memory-changed", "The memory is another one within the bounds.", splice(sealed, sealedMemory, cat(uint32(19457))))
	damage("passes-changed", "The passes are others within the bounds.", splice(sealed, sealedPasses, cat(uint32(3))))
	damage("salt-changed", "A bit of the salt is changed.", flip(sealed, sealedSalt))
	damage("nonce-changed", "A bit of the nonce is changed.", flip(sealed, sealedNonce))
	damage("box-changed", "A bit of the box is changed.", flip(sealed, sealedBox))
	damage("tag-changed", "A bit of the box's tag is changed.", flip(sealed, -1))
	inPlain := func(name, about string, record []byte, want abi.Status) {
		m.bad("sealed/open-plain-"+name, about, "open-plain", "sealed", record, want)
	}
	inPlain("kind-changed", "The kind is another one; the checksum covers it.", splice(plain, sealedKind, []byte{abi.SecretSeed}), passphrase)
	inPlain("memory", "A record without a passphrase has memory.", splice(plain, sealedMemory, cat(uint32(19456))), malformed)
	inPlain("passes", "A record without a passphrase has passes.", splice(plain, sealedPasses, cat(uint32(2))), malformed)
	inPlain("lanes", "A record without a passphrase has lanes.", splice(plain, sealedLanes, []byte{1}), malformed)
	inPlain("salt", "A record without a passphrase has a salt.", flip(plain, sealedSalt), malformed)
	inPlain("nonce", "A record without a passphrase has a nonce.", flip(plain, sealedBox-1), malformed)
	inPlain("secret-changed", "A bit of the secret is changed.", flip(plain, sealedBox), passphrase)
	inPlain("checksum-changed", "A bit of the checksum is changed.", flip(plain, -1), passphrase)
}
