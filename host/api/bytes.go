package api

import (
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrID is the error of ParseID.
var ErrID = fmt.Errorf("not an id of %d lower-case base32 characters", IDLength)

var errBytes = errors.New("not unpadded base64url")

// MarshalText encodes b as unpadded base64url.
func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText decodes unpadded base64url, strictly: no white space and no
// spare bits.
func (b *Bytes) UnmarshalText(text []byte) error {
	if strings.ContainsAny(string(text), "\r\n") {
		return errBytes
	}
	out, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return errBytes
	}
	*b = out
	return nil
}

// Base32 is how ids and cursors are written: RFC 4648 in lower case, without padding.
var Base32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// FormatID writes a 16-byte id as 26 base32 characters.
func FormatID(id [IDBytes]byte) string { return Base32.EncodeToString(id[:]) }

// ParseID reads what FormatID writes and nothing else ([ErrID]).
func ParseID(text string) (id [IDBytes]byte, err error) {
	if len(text) != IDLength {
		return id, ErrID
	}
	b, err := Base32.DecodeString(text)
	if err != nil || len(b) != IDBytes {
		return id, ErrID
	}
	copy(id[:], b)
	if FormatID(id) != text {
		return [IDBytes]byte{}, ErrID
	}
	return id, nil
}
