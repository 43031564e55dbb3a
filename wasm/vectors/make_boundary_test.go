package vectors

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

const (
	malformed  = abi.StatusMalformed
	signature  = abi.StatusSignature
	decrypt    = abi.StatusDecrypt
	passphrase = abi.StatusPassphrase
	mismatch   = abi.StatusMismatch
	suiteFault = abi.StatusSuite
	tooLarge   = abi.StatusTooLarge
	weak       = abi.StatusWeak
)

// makeBoundary makes the vectors of frames, suites and operations.
func (m *maker) makeBoundary() {
	m.ok("boundary/info", "Version of the boundary and the suites built in.", abi.OpInfo)
	m.ok("boundary/self-test", "The core tests itself.", abi.OpSelfTest)
	m.vectors["boundary/self-test"].Random = nil // what it draws is its own business
	m.raw("info-argument", "A frame for an operation without arguments.", "info", abi.OpInfo, abi.Pack(nil), malformed)
	m.raw("info-byte", "A byte for an operation without arguments.", "info", abi.OpInfo, []byte{0}, malformed)
	m.raw("operation-zero", "There is no operation 0.", "info", 0, nil, abi.StatusOperation)
	m.raw("operation-between", "There is no operation 0x0100.", "info", 0x0100, nil, abi.StatusOperation)
	m.raw("operation-highest", "There is no operation of the highest number.", "info", 0xffffffff, nil, abi.StatusOperation)
	m.raw("request-too-large", "A request of 4 MiB and one byte.", "info", abi.OpInfo, make([]byte, abi.MaxRequest+1), tooLarge)
	m.raw("request-largest", "A request of 4 MiB is looked at, and malformed.", "info", abi.OpInfo, make([]byte, abi.MaxRequest), malformed)

	id := draw("an id", 32)
	m.ok("boundary/two-arguments", "Two arguments, one frame each.", abi.OpFormatID, []byte{abi.KindPerson}, id)
	request := abi.Pack([]byte{abi.KindPerson}, id)
	bad := func(name, about string, request []byte) {
		m.raw(name, about, "two-arguments", abi.OpFormatID, request, malformed)
	}
	bad("frames-none", "No frames at all.", nil)
	bad("frames-one", "The second frame is missing.", request[:5])
	bad("frames-three", "An empty third frame.", append(bytes.Clone(request), 0, 0, 0, 0))
	bad("frames-trailing", "A byte follows the last frame.", append(bytes.Clone(request), 0))
	bad("frame-head-cut", "The head of the second frame has three bytes of four.", request[:8])
	bad("frame-too-short", "The second frame has a byte less than its head says.", request[:len(request)-1])
	bad("frame-length-huge", "The head of the second frame says 2^32 - 1 bytes.", splice(request, 5, []byte{255, 255, 255, 255}))
	bad("frame-length-sign", "The head of the second frame says 2^31 bytes.", splice(request, 5, []byte{0, 0, 0, 128}))
	bad("number-wide", "A number of one byte comes in two.", abi.Pack([]byte{abi.KindPerson, 0}, id))
	bad("number-empty", "A number of one byte comes in none.", abi.Pack(nil, id))

	m.ok("boundary/suite-256", "A suite that is built in.", abi.OpGeneratePlaintext, []byte{abi.Suite256})
	for name, suite := range map[string]byte{"suite-zero": 0, "suite-three": 3, "suite-highest": 255} {
		m.bad("boundary/"+name, "There is no suite of this number.", "suite-256", "suite", []byte{suite}, suiteFault)
	}

	m.ok("ed25519/generate", "A new signing key: seed and public key.", abi.OpGenerateSigningKeyPair)
}

// raw adds a vector with a fault in its frames, or with another operation number.
func (m *maker) raw(name, about, twin string, op abi.Op, request []byte, want abi.Status) {
	v := m.vector("boundary/"+name, about, op)
	if v.OpName == "" {
		v.OpName = "none"
	}
	v.Twin, v.Expect, v.Raw = "boundary/"+twin, want, &Value{b: request}
}

// makeIDs makes the vectors of ids in text form.
func (m *maker) makeIDs() {
	id := draw("an id", 32)
	text := m.ok("id/format-person", "The id of a person as text.", abi.OpFormatID, []byte{abi.KindPerson}, id)[0]
	m.ok("id/format-service", "The id of a service as text.", abi.OpFormatID, []byte{abi.KindService}, id)
	m.bad("id/format-kind-0", "There is no kind 0.", "format-person", "kind", []byte{0}, malformed)
	m.bad("id/format-kind-3", "There is no kind 3.", "format-person", "kind", []byte{3}, malformed)
	m.lengths("id/format-id-", "The id", "format-person", "id", malformed)

	m.ok("id/parse-person", "The text of a person's id.", abi.OpParseID, text)
	m.ok("id/parse-service", "The text of a service's id.", abi.OpParseID, bech32Text("rsv", id, bech32m, 0))
	m.ok("id/parse-zero", "The id of zero bytes, whose text is mostly q.", abi.OpParseID, bech32Text("rid", make([]byte, 32), bech32m, 0))
	m.ok("id/parse-ones", "The id of bytes 255.", abi.OpParseID, bech32Text("rid", bytes.Repeat([]byte{255}, 32), bech32m, 0))
	bad := func(name, about string, text []byte) {
		m.bad("id/"+name, about, "parse-person", "text", text, malformed)
	}
	bad("checksum-of-bech32", "The checksum of bech32 instead of bech32m.", bech32Text("rid", id, bech32, 0))
	bad("padding", "One of the four bits of padding is set; the checksum is right.", bech32Text("rid", id, bech32m, 1))
	bad("prefix-unknown", "A prefix of another kind; the checksum is right.", bech32Text("rix", id, bech32m, 0))
	bad("prefix-swapped", "The prefix of a service with the checksum of a person.", splice(text, 0, []byte("rsv")))
	bad("upper-case", "The whole text in upper case, which bech32m allows and we do not.", bytes.ToUpper(text))
	bad("mixed-case", "The prefix in upper case.", splice(text, 0, []byte("RID")))
	bad("separator", "Another character in place of the separator.", splice(text, 3, []byte("l")))
	bad("character", "A character that bech32m leaves out.", splice(text, 20, []byte("b")))
	bad("character-high", "A byte that is no character of ASCII.", splice(text, 20, []byte{0xe9}))
	bad("one-wrong", "One wrong character.", splice(text, 30, []byte{other(text[30])}))
	bad("last-wrong", "The last character of the checksum is wrong.", splice(text, 61, []byte{other(text[61])}))
	bad("swapped", "Two neighbours have changed places.", splice(text, 10, []byte{text[11], text[10]}))
	bad("short", "The last character is missing.", text[:61])
	bad("long", "A character too many before the last one.", append(append(bytes.Clone(text[:61]), 'q'), text[61]))
	bad("empty", "No text.", nil)
	bad("space", "A space after the text.", append(bytes.Clone(text), ' '))
	bad("of-31-bytes", "An id of 31 bytes with a right checksum.", bech32Text("rid", id[:31], bech32m, 0))
	bad("of-33-bytes", "An id of 33 bytes with a right checksum.", bech32Text("rid", append(bytes.Clone(id), 0), bech32m, 0))
}

func other(c byte) byte {
	if c == 'q' {
		return 'p'
	}
	return 'q'
}

// Constants of BIP-173 and BIP-350.
const (
	bech32m      = 0x2bc830a3
	bech32       = 1
	bech32Letter = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
)
