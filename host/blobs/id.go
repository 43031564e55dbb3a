package blobs

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/host/api"
)

// IDLength is the number of characters of an ID in text form.
const IDLength = api.DocumentIDLength

// An ID names a document: the SHA-256 of all its bytes.
type ID [sha256.Size]byte

// An UploadID names one attempt to store a document, 16 bytes chosen by the client.
type UploadID [api.IDBytes]byte

// String returns the text form: 52 lower-case base32 characters.
func (id ID) String() string { return api.Base32.EncodeToString(id[:]) }

// String returns the text form: 26 lower-case base32 characters.
func (u UploadID) String() string { return api.FormatID(u) }

// ParseID reads the one text form of an id and reports whether it is one.
func ParseID(text string) (id ID, ok bool) {
	if len(text) != IDLength {
		return ID{}, false
	}
	n, err := api.Base32.Decode(id[:], []byte(text))
	// Text that differs in bits beyond the last byte would name the same id.
	if err != nil || n != len(id) || id.String() != text {
		return ID{}, false
	}
	return id, true
}

// ParseUploadID reads the one text form of an upload's id and reports whether it is one.
func ParseUploadID(text string) (UploadID, bool) {
	id, err := api.ParseID(text)
	return UploadID(id), err == nil
}
