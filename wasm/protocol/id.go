package protocol

import "github.com/recrypt-service/recrypt/wasm/abi"

// An id in text form is bech32m (BIP-350) over its 32 bytes: prefix of three
// letters, "1", 52 characters of five bits each, six characters of checksum.
const (
	idText       = 62
	prefixSize   = 3
	dataChars    = 52
	checksumSize = 6

	charset   = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	constantM = 0x2bc830a3 // what distinguishes bech32m from bech32
)

// prefixes are the human-readable parts of the kinds of ids.
var prefixes = map[uint8]string{abi.KindPerson: "rid", abi.KindService: "rsv"}

// values maps a character to its five bits, or to 255.
var values = func() (v [256]byte) {
	for i := range v {
		v[i] = 255
	}
	for i := range len(charset) {
		v[charset[i]] = byte(i)
	}
	return v
}()

// ParseID reads an id: 62 characters, lower case only, "rid1…" for a person or
// program and "rsv1…" for a service. There is one text for each id. The error
// has StatusMalformed.
func ParseID(text string) (kind uint8, id [32]byte, err error) {
	if len(text) != idText || text[prefixSize] != '1' {
		return 0, id, malformed("id is not 62 characters that begin with rid1 or rsv1")
	}
	for k, p := range prefixes {
		if text[:prefixSize] == p {
			kind = k
		}
	}
	if kind == 0 {
		return 0, id, malformed("id has an unknown prefix")
	}
	var data [dataChars + checksumSize]byte
	for i := range data {
		v := values[text[prefixSize+1+i]]
		if v == 255 {
			return 0, id, malformed("id has a character that does not belong in it")
		}
		data[i] = v
	}
	if polymod(text[:prefixSize], data[:]) != constantM {
		return 0, id, malformed("id has a wrong checksum: a typing error?")
	}
	if data[dataChars-1]&0x0f != 0 {
		return 0, [32]byte{}, malformed("id has padding that is not zero")
	}
	var bits, n uint
	var acc uint32
	for _, v := range data[:dataChars] {
		acc, bits = acc<<5|uint32(v), bits+5
		if bits >= 8 && n < idSize {
			bits -= 8
			id[n] = byte(acc >> bits)
			n++
		}
	}
	return kind, id, nil
}

// FormatID returns the text of an id, 62 characters. An unknown kind is
// StatusMalformed.
func FormatID(kind uint8, id [32]byte) (string, error) {
	prefix, ok := prefixes[kind]
	if !ok {
		return "", malformed("id has an unknown kind")
	}
	data := make([]byte, 0, dataChars+checksumSize)
	var bits uint
	var acc uint32
	for _, v := range id {
		acc, bits = acc<<8|uint32(v), bits+8
		for bits >= 5 {
			bits -= 5
			data = append(data, byte(acc>>bits)&31)
		}
	}
	data = append(data, byte(acc<<(5-bits))&31)
	sum := polymod(prefix, append(data, make([]byte, checksumSize)...)) ^ constantM
	text := append(make([]byte, 0, idText), prefix...)
	text = append(text, '1')
	for _, v := range data {
		text = append(text, charset[v])
	}
	for i := range checksumSize {
		text = append(text, charset[sum>>(5*(checksumSize-1-i))&31])
	}
	return string(text), nil
}

// polymod is the checksum of BIP-173 over the expanded prefix and the data.
func polymod(prefix string, data []byte) uint32 {
	sum := uint32(1)
	for i := range len(prefix) {
		sum = step(sum, prefix[i]>>5)
	}
	sum = step(sum, 0)
	for i := range len(prefix) {
		sum = step(sum, prefix[i]&31)
	}
	for _, v := range data {
		sum = step(sum, v)
	}
	return sum
}

// step adds one value of five bits to the checksum.
func step(sum uint32, v byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	top := sum >> 25
	sum = sum&0x1ffffff<<5 ^ uint32(v)
	for i, g := range generator {
		if top>>i&1 == 1 {
			sum ^= g
		}
	}
	return sum
}
