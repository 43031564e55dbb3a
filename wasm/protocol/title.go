package protocol

import (
	"unicode/utf8"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

const (
	// MaxTitleText bounds the text of a title, in bytes.
	MaxTitleText = 256

	titleUnit = 32 // texts are padded to a multiple of it
)

// titleLabel is what the titles of one collection on one service are sealed for.
func titleLabel(service [32]byte, collection [16]byte) string {
	return label("title key") + string(service[:]) + string(collection[:])
}

// SealTitle encrypts the title of a collection for its owner, whose seed of 32 bytes it
// takes: 72 bytes for a text of up to 30 bytes, 32 more for each 32 that follow. No text
// gives no title. The text is UTF-8 (StatusMalformed) of at most MaxTitleText bytes
// (StatusTooLarge).
func SealTitle(seed []byte, service [32]byte, collection [16]byte, text string) ([]byte, error) {
	switch {
	case len(text) > MaxTitleText:
		return nil, tooLarge("title is longer than 256 bytes")
	case !utf8.Valid([]byte(text)):
		return nil, malformed("title is not UTF-8")
	case text == "" && len(seed) == seedSize:
		return nil, nil
	}
	w := &writer{}
	w.bytes16([]byte(text))
	plain := append(w.b, make([]byte, -len(w.b)&(titleUnit-1))...)
	defer clear(plain)
	return sealUnder(seed, titleLabel(service, collection), plain)
}

// OpenTitle returns the title of a collection, empty if it has none, to its owner. seed
// is that of the newest version of own, his identity. A title that was carried over from
// a record under earlier keys opens, too.
//
// Errors: those of OpenCollection, StatusMismatch for another seed, and StatusDecrypt for
// a title that is not of SealTitle, or whose seed the identity does not keep.
func OpenTitle(seed, own, collection []byte) (string, error) {
	by, signer, err := unlockIdentity(seed, own)
	if err != nil {
		return "", err
	}
	signer.Wipe()
	of, err := openOwned(collection, by)
	if err != nil || len(of.Title) == 0 {
		return "", err
	}
	for version := of.OwnerVersion; version > 0; version = by.versions[version-1].Since - 1 {
		earlier, err := by.seedOf(seed, version)
		if err != nil {
			break
		}
		text, ok := of.openTitle(earlier)
		clear(earlier)
		if ok {
			return text, nil
		}
	}
	return "", abi.ErrDecrypt
}

// openTitle opens the title under the seed of one version of the owner.
func (v *collection) openTitle(seed []byte) (string, bool) {
	plain, err := openUnder(seed, titleLabel(v.Service, v.Collection.Collection), v.Title)
	if err != nil {
		return "", false
	}
	defer clear(plain)
	r := &reader{kind: "title", all: plain}
	text := string(r.bytes16(MaxTitleText))
	padding := r.take(-r.off & (titleUnit - 1))
	var used byte
	for _, b := range padding {
		used |= b
	}
	return text, r.end() == nil && used == 0 && text != "" && utf8.Valid([]byte(text))
}
