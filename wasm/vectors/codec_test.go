package vectors

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// fromHex decodes hexadecimal digits.
func fromHex(s string) []byte { return must(hex.DecodeString(s)) }

// dashed returns a name for a file.
func dashed(s string) string { return strings.ReplaceAll(s, " ", "-") }

// derive is HKDF-SHA256 as package protocol uses it.
func derive(seed, salt []byte, info string, n int) []byte {
	return must(hkdf.Key(sha256.New, seed, salt, info, n))
}

// unquote returns the bytes of the one member of a Signature header.
func unquote(value []byte) []byte {
	text := strings.TrimSuffix(strings.TrimPrefix(string(value), "sig1=:"), ":")
	return must(base64.StdEncoding.DecodeString(text))
}

// cat concatenates; numbers are big-endian.
func cat(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case string:
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
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

// sum is SHA-256.
func sum(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

// bech32 returns the text of data with a checksum that ends in a constant; padding
// is the value of the last, incomplete character's unused bits.
func bech32Text(prefix string, data []byte, final uint32, padding byte) []byte {
	var values []byte
	var acc, bits uint32
	for _, b := range data {
		acc, bits = acc<<8|uint32(b), bits+8
		for ; bits >= 5; bits -= 5 {
			values = append(values, byte(acc>>(bits-5))&31)
		}
	}
	if bits > 0 {
		values = append(values, byte(acc<<(5-bits))&31|padding)
	}
	var expanded []byte
	for _, c := range []byte(prefix) {
		expanded = append(expanded, c>>5)
	}
	expanded = append(expanded, 0)
	for _, c := range []byte(prefix) {
		expanded = append(expanded, c&31)
	}
	check := uint32(1)
	for _, v := range append(append(expanded, values...), 0, 0, 0, 0, 0, 0) {
		top := check >> 25
		check = check&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				check ^= g
			}
		}
	}
	check ^= final
	for i := range 6 {
		values = append(values, byte(check>>(5*(5-i)))&31)
	}
	text := bytes.NewBufferString(prefix + "1")
	for _, v := range values {
		text.WriteByte(bech32Letter[v])
	}
	return text.Bytes()
}
