package protocol

import (
	"bytes"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// checksumOf decodes any bech32 text and returns its checksum constant.
func checksumOf(text string) (uint32, bool) {
	text = strings.ToLower(text)
	at := strings.LastIndexByte(text, '1')
	if at < 1 {
		return 0, false
	}
	var data []byte
	for _, c := range []byte(text[at+1:]) {
		if values[c] == 255 {
			return 0, false
		}
		data = append(data, values[c])
	}
	return polymod(text[:at], data), true
}

// TestBIP350 checks the checksum with the test vectors of BIP-350.
func TestBIP350(t *testing.T) {
	for _, text := range []string{
		"A1LQFN3A",
		"a1lqfn3a",
		"an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
		"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
		"11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
		"split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
		"?1v759aa",
	} {
		if sum, ok := checksumOf(text); !ok || sum != constantM {
			t.Errorf("%s is valid", text)
		}
		if _, _, err := ParseID(text); err == nil {
			t.Errorf("%s is no id", text)
		}
	}
	for _, text := range []string{
		"M1VUXWEZ", "y1b0jsk6g", "lt1igcx5c0", "in1muywd", "mm1crxm3i", "au1s5cgom", "16plkw9", "1p2gdwpf",
		"A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", // bech32, not bech32m
	} {
		if sum, ok := checksumOf(text); ok && sum == constantM {
			t.Errorf("%s is not valid", text)
		}
	}
}

func TestID(t *testing.T) {
	for _, kind := range []uint8{abi.KindPerson, abi.KindService} {
		for _, id := range [][32]byte{{}, id32(1), id32(0xf0), [32]byte(bytes.Repeat([]byte{255}, 32))} {
			text := must(FormatID(kind, id))
			if len(text) != idText || text[:4] != map[uint8]string{1: "rid1", 2: "rsv1"}[kind] {
				t.Errorf("%s has another form", text)
			}
			k, got, err := ParseID(text)
			if err != nil || k != kind || got != id {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	for _, kind := range []uint8{0, 3, 255} {
		if text, err := FormatID(kind, id32(1)); err == nil || text != "" {
			t.Errorf("kind %d is unknown", kind)
		}
	}
}

// TestIDTypingErrors: every wrong character, exchange of neighbours, cut and
// addition is noticed.
func TestIDTypingErrors(t *testing.T) {
	text := must(FormatID(abi.KindPerson, id32(77)))
	refuse := func(what, s string) {
		t.Helper()
		kind, id, err := ParseID(s)
		if check(t, what, err, abi.ErrMalformed); kind != 0 || id != zero32 {
			t.Errorf("%s: a result with the error", what)
		}
	}
	for i := range text {
		refuse("cut", text[:i])
		for c := range 256 {
			if byte(c) != text[i] {
				refuse("another character", text[:i]+string([]byte{byte(c)})+text[i+1:])
			}
		}
		if i > 0 && text[i] != text[i-1] {
			refuse("neighbours", text[:i-1]+text[i:i+1]+text[i-1:i]+text[i+1:])
		}
	}
	refuse("addition", text+"q")
	refuse("space", " "+text)
	refuse("upper case", strings.ToUpper(text))
	refuse("the other kind", "rsv"+text[3:])
}

// TestIDPadding: the four bits after 32 bytes are zero, with a right checksum too.
func TestIDPadding(t *testing.T) {
	good := must(FormatID(abi.KindPerson, id32(1)))
	data := make([]byte, dataChars)
	for i := range data {
		data[i] = values[good[4+i]]
	}
	for pad := byte(1); pad < 16; pad++ {
		data[dataChars-1] = data[dataChars-1]&0x10 | pad
		sum := polymod("rid", append(bytes.Clone(data), make([]byte, 6)...)) ^ constantM
		text := "rid1"
		for _, v := range data {
			text += charset[v : v+1]
		}
		for i := range 6 {
			v := sum >> (5 * (5 - i)) & 31
			text += charset[v : v+1]
		}
		_, _, err := ParseID(text)
		check(t, "padding", err, abi.ErrMalformed)
	}
}
