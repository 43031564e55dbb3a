package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// Bounds of signed notes and of the names of their keys, in bytes.
const (
	MaxNote    = 16 << 10
	maxKeyName = 256
	maxKeyText = 512
)

// dash is the first word in the line of a signature.
const dash = "\u2014"

// Types of keys and signatures in signed notes (C2SP signed-note).
const (
	typeEd25519     = 1
	typeCosignature = 4
)

// stampSize is the length of the time in a cosignature.
const stampSize = 8

// A NoteKey is a key whose signatures are looked for in signed notes (C2SP signed-note).
type NoteKey struct {
	Name string
	Key  [32]byte // Ed25519
	// Stamps says that it makes timestamped cosignatures of checkpoints, cosignature/v1 of
	// C2SP tlog-cosignature, and no plain signatures.
	Stamps bool
}

// kind returns the type of the key.
func (k *NoteKey) kind() byte {
	if k.Stamps {
		return typeCosignature
	}
	return typeEd25519
}

// Hash returns by what a signature names its key, besides the name.
func (k *NoteKey) Hash() [4]byte {
	sum := sha256.Sum256(append(append([]byte(k.Name), '\n', k.kind()), k.Key[:]...))
	return [4]byte(sum[:])
}

// String returns the verifier key: name, hash in hexadecimal, and type and key in base64,
// joined by plus signs.
func (k *NoteKey) String() string {
	const digits = "0123456789abcdef"
	b := append([]byte(k.Name), '+')
	for _, v := range k.Hash() {
		b = append(b, digits[v>>4], digits[v&15])
	}
	return string(b) + "+" + toBase64(append([]byte{k.kind()}, k.Key[:]...))
}

// ParseWitness reads the verifier key of a witness, which makes cosignature/v1. The
// error has StatusMalformed, also for a wrong hash.
func ParseWitness(text string) (NoteKey, error) {
	name, rest := cut(text, '+')
	k := NoteKey{Name: name, Stamps: true}
	if _, rest = cut(rest, '+'); len(text) <= maxKeyText {
		if b := fromBase64(rest); len(b) == 1+len(k.Key) {
			copy(k.Key[:], b[1:])
		}
	}
	if !ValidKeyName(name) || k.String() != text {
		return NoteKey{}, malformed("key of a witness is not in its form")
	}
	return k, nil
}

// ValidKeyName reports whether a signed note may have a key of that name: no white space,
// no control characters, no plus sign.
func ValidKeyName(name string) bool {
	for _, r := range name {
		switch {
		case r <= ' ', r == '+', 0x7f <= r && r <= 0xa0, r == 0x1680, 0x2000 <= r && r <= 0x200a,
			r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
			return false
		}
	}
	return name != "" && len(name) <= maxKeyName && utf8.Valid([]byte(name))
}

// Cosigned returns what a cosignature of a checkpoint covers.
func Cosigned(seconds uint64, checkpoint []byte) []byte {
	b := strconv.AppendUint([]byte(cosigned), seconds, 10)
	return append(append(b, '\n'), checkpoint...)
}

// A NoteSignature is a verified signature in a note.
type NoteSignature struct {
	By      int    // index of its key
	Seconds uint64 // Unix time of a cosignature, 0 without one
	Line    []byte // as it stands in the note, with its line feed
}

// Verify reports whether an Ed25519 signature is good.
type Verify func(key [32]byte, message, signature []byte) bool

// strictly is the Verify of this package.
func strictly(key [32]byte, message, signature []byte) bool {
	return verify(key, message, signature, "") == nil
}

// OpenNote returns the text of a signed note and those of its signatures that are by one of
// the keys, the first one of each. They must be good, and at least one must be there.
// Others are not looked at. Both results are parts of the note.
//
// Errors: StatusMalformed and StatusSignature.
func OpenNote(signed []byte, keys []NoteKey, verify Verify) (text []byte, by []NoteSignature, err error) {
	text, rest := splitNote(signed)
	for len(rest) > 0 {
		size := len(rest)
		row, after := cut(string(rest), '\n')
		size -= len(after)
		mark, row := cut(row, ' ')
		name, digits := cut(row, ' ')
		signature := fromBase64(digits)
		if mark != dash || !ValidKeyName(name) || len(signature) < 5 {
			return nil, nil, malformed(noNote)
		}
		for i := range keys {
			k := &keys[i]
			if k.Name != name || k.Hash() != [4]byte(signature) || named(by, i) {
				continue
			}
			seconds, ok := k.verify(text, signature[4:], verify)
			if !ok {
				return nil, nil, unsigned(badNote)
			}
			by = append(by, NoteSignature{i, seconds, rest[:size:size]})
		}
		rest = rest[size:]
	}
	switch {
	case text == nil:
		return nil, nil, malformed(noNote)
	case by == nil:
		return nil, nil, unsigned(badNote)
	}
	return text, by, nil
}

// The messages about notes.
const (
	noNote  = "text is not a signed note"
	badNote = "signature of the note is missing or does not verify"
)

// splitNote returns the text of a note, nil if it is none, and the lines of its signatures,
// at least one.
func splitNote(signed []byte) (text, rest []byte) {
	last := len(signed) - 1
	if last < 0 || last >= MaxNote || signed[last] != '\n' || !utf8.Valid(signed) {
		return nil, nil
	}
	end := 0 // of the text: the last empty line but one at the end
	for i, c := range signed {
		switch {
		case c == '\n':
			if i > 0 && i < last && signed[i-1] == '\n' {
				end = i
			}
		case c < ' ':
			return nil, nil
		}
	}
	if end == 0 {
		return nil, nil
	}
	return signed[:end:end], signed[end+1:]
}

// named reports whether a signature of the key with that index is there already.
func named(by []NoteSignature, key int) bool {
	for _, s := range by {
		if s.By == key {
			return true
		}
	}
	return false
}

// verify returns the time of a signature, and whether it is the key's over the text.
func (k *NoteKey) verify(text, signature []byte, verify Verify) (seconds uint64, ok bool) {
	if k.Stamps {
		if len(signature) < stampSize {
			return 0, false
		}
		seconds, signature = binary.BigEndian.Uint64(signature), signature[stampSize:]
		text = Cosigned(seconds, text)
	}
	return seconds, seconds <= maxInteger && len(signature) == signatureSize && verify(k.Key, text, signature)
}

// cut returns what is before the first byte c in a text, and what is behind it. Without c
// nothing is behind.
func cut(text string, c byte) (before, after string) {
	for i := range len(text) {
		if text[i] == c {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
