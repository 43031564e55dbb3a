package protocol

import (
	"math"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// cosigned begins what a timestamped cosignature covers (C2SP tlog-cosignature).
const cosigned = "cosignature/v1\ntime "

// SignCheckpoint signs a checkpoint of the service's own log with its record-signing key:
//
//	rsv1…                                         origin: the id of the service
//	20852163                                      leaves, decimal
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=  root hash, base64
//
// or, with the lines "cosignature/v1" and "time 1679315147" before these, what a
// timestamped cosignature of it covers. Every line ends with a line feed, and there are no
// others. serviceSeed has 32 bytes, service is the server's record, and the signature 64
// bytes; the same text gets the same one.
//
// The log is signed with the key of the records, so that whoever knows the service knows
// its log. No text that is signed here can be taken for something else that the key signs: a
// record begins with the length of its label, the base of a request's signature with a
// quotation mark, these texts with a letter. And as nothing but these texts is signed,
// the program that keeps the log cannot get a signature for anything else.
//
// Errors: StatusMalformed, StatusSignature, and StatusMismatch for another seed or
// another origin.
func SignCheckpoint(serviceSeed, service []byte, text string) ([]byte, error) {
	at, err := openService(service)
	if err != nil {
		return nil, err
	}
	signer, err := unlock(serviceSeed, at.SigningKey)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	origin, err := FormatID(abi.KindService, at.ID)
	if err != nil {
		return nil, err
	}
	of, ok := checkpointOrigin(text)
	switch {
	case !ok:
		return nil, malformed("text is not a checkpoint")
	case of != origin:
		return nil, mismatch("checkpoint is of another log")
	}
	return signer.Sign([]byte(text)), nil
}

// checkpointOrigin returns the first line of a checkpoint, or of the one in a cosigned
// message. It reports whether it is one.
func checkpointOrigin(text string) (string, bool) {
	ok := true
	if len(text) >= len(cosigned) && text[:len(cosigned)] == cosigned {
		var time string
		time, text = cut(text[len(cosigned):], '\n')
		_, ok = parseDecimal(time)
	}
	origin, _, _, is := parseCheckpoint(text)
	return origin, ok && is
}

// parseCheckpoint reads the three lines of a checkpoint, each of which has one spelling.
// Whether there can be such a log is not looked at.
func parseCheckpoint(text string) (origin string, size uint64, root [32]byte, ok bool) {
	origin, rest := cut(text, '\n')
	leaves, rest := cut(rest, '\n')
	size, ok = parseDecimal(leaves)
	digits, rest := cut(rest, '\n')
	hash := fromBase64(digits)
	// Without its line feed, the last line would be longer than the text.
	whole := len(origin)+len(leaves)+len(digits)+3 == len(text)
	if !ok || !whole || rest != "" || len(hash) != len(root) {
		return origin, 0, root, false
	}
	return origin, size, [32]byte(hash), true
}

// parseDecimal returns a number that fits into 63 bits, if s is the one way to write it.
func parseDecimal(s string) (v uint64, ok bool) {
	for i := range len(s) {
		digit := uint64(s[i]) - '0'
		if digit > 9 || v > (math.MaxInt64-digit)/10 {
			return 0, false
		}
		v = 10*v + digit
	}
	return v, s != "" && (s[0] != '0' || s == "0")
}

// fromBase64 returns the bytes of a text in base64 (RFC 4648, section 4), none unless it is
// the one way to write them.
func fromBase64(s string) []byte {
	out := make([]byte, 0, len(s)/4*3)
	var bits, n uint32
	for i := 0; i < len(s) && s[i] != '='; i++ {
		digit := uint32(0)
		for digit < uint32(len(base64Digits)) && base64Digits[digit] != s[i] {
			digit++
		}
		if bits, n = bits<<6|digit&63, n+6; n >= 8 {
			n -= 8
			out = append(out, byte(bits>>n))
		}
	}
	if toBase64(out) != s { // what is no digit was taken for one
		return nil
	}
	return out
}

// ParseCheckpoint reads the text of a checkpoint (C2SP tlog-checkpoint without extensions)
// of a log that can be: of at most MaxTree leaves, and without leaves with the root of that.
// The error has StatusMalformed.
func ParseCheckpoint(text string) (origin string, size uint64, root [32]byte, err error) {
	origin, size, root, ok := parseCheckpoint(text)
	if !ok || !ValidKeyName(origin) || size > MaxTree || size == 0 && !isEmptyRoot(root) {
		return "", 0, [32]byte{}, malformed("text is not a checkpoint")
	}
	return origin, size, root, nil
}

// OpenCheckpoint verifies a checkpoint of a service's log. witnesses are verifier keys
// (ParseWitness); one confirms the checkpoint if its cosignature is there, and must be good
// then. How many are needed is for the caller to say. The log itself does not count as a
// witness, nor does a second one with the same key.
//
// Errors: StatusMalformed, StatusSignature if one of the service's own signatures is missing
// or any is wrong, and StatusMismatch for the checkpoint of another log.
func OpenCheckpoint(service, signed []byte, witnesses [][]byte) (*abi.Checkpoint, error) {
	at, err := openService(service)
	if err != nil {
		return nil, err
	}
	origin, err := FormatID(abi.KindService, at.ID)
	if err != nil {
		return nil, err
	}
	keys := make([]NoteKey, 0, len(witnesses))
	for _, text := range witnesses {
		k, err := ParseWitness(string(text))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	c, _, err := OpenCheckpointOf(signed, origin, at.SigningKey, keys, strictly)
	return c, err
}

// OpenCheckpointOf is OpenCheckpoint for a log of which origin and key are known. It also
// returns the signatures, whose keys are counted from 0 for the log's own, 1 for its
// cosignature, and 2 for the first witness.
func OpenCheckpointOf(signed []byte, origin string, key [32]byte, witnesses []NoteKey, verify Verify) (*abi.Checkpoint, []NoteSignature, error) {
	text, _ := splitNote(signed)
	of, size, root, err := ParseCheckpoint(string(text))
	if err != nil {
		return nil, nil, err
	}
	if of != origin {
		return nil, nil, mismatch("checkpoint is of another log")
	}
	keys := append([]NoteKey{{origin, key, false}, {origin, key, true}}, witnesses...)
	for i := range witnesses {
		for _, k := range keys[:i+2] {
			if k.Key == witnesses[i].Key {
				keys[i+2].Name = "" // which no signature has
			}
		}
	}
	_, by, err := OpenNote(signed, keys, verify)
	if err != nil {
		return nil, nil, err
	}
	if !named(by, 0) || !named(by, 1) {
		return nil, nil, unsigned(badNote)
	}
	c := &abi.Checkpoint{Size: size, Root: root}
	for _, s := range by {
		switch at := s.Seconds * 1000; s.By {
		case 0:
		case 1:
			c.Time = at
		default:
			c.Confirmations = append(c.Confirmations, abi.Confirmation{Witness: uint32(s.By - 2), Time: at})
		}
	}
	return c, by, nil
}
