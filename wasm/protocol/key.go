package protocol

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// keyRecord is a parsed key record.
type keyRecord struct {
	abi.KeyRecord
	author    *identity // the version that signed, once it is verified
	ephemeral []byte    // of the encrypted value; transforms keep it
	authHash  []byte    // of the encrypted value; transforms keep it
	ext       []byte
	body      []byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *keyRecord) writeBody(w *writer) {
	w.short(v.Key)
	w.id(v.Service)
	w.id(v.Owner)
	w.short(v.Collection)
	w.u32(v.Epoch)
	w.id(v.Author)
	w.u32(v.AuthorVersion)
	w.u8(v.Suite)
	w.raw(v.ephemeral)
	w.raw(v.authHash)
	if v.Payload == nil {
		w.u8(0)
		w.u64(0)
		w.id(zero32)
	} else {
		w.u8(1)
		w.u64(v.Payload.Length)
		w.id(v.Payload.Hash)
	}
	w.bytes16(v.ext)
}

// parseKeyRecord reads a key record.
func parseKeyRecord(record []byte) (*keyRecord, error) {
	r := newReader("key", record)
	v := &keyRecord{}
	v.Key, v.Service, v.Owner = r.short(), r.id(), r.id()
	v.Collection, v.Epoch = r.short(), r.u32()
	v.Author, v.AuthorVersion = r.id(), r.u32()
	s := r.suite()
	v.Suite = uint8(s)
	if key := r.publicKey(s); key != nil {
		v.ephemeral = key.Bytes()
	}
	v.authHash = bytes.Clone(r.take(recrypt.AuthHashSize))
	has, payload := r.u8(), abi.Payload{Length: r.u64(), Hash: r.id()}
	v.Extensions, v.ext = r.known()
	v.body = r.body()
	v.signature = r.signature()
	if err := r.end(); err != nil {
		return nil, err
	}
	switch {
	case v.AuthorVersion == 0:
		return nil, malformed("key record has an author version of zero")
	case has > 1 || has == 0 && payload != (abi.Payload{}):
		return nil, malformed("key record has a payload that is neither there nor absent")
	case has == 1:
		v.Payload = &payload
	}
	return v, nil
}

// openKeyRecord parses a key record and verifies that it is the author's and, if
// a collection is given, that it belongs to its epoch.
func openKeyRecord(author *person, of *collection, record []byte) (*keyRecord, error) {
	v, err := parseKeyRecord(record)
	if err != nil {
		return nil, err
	}
	if v.author = author.at(v.Author, v.AuthorVersion); v.author == nil {
		return nil, mismatch("key record belongs to another author or author version")
	}
	if err := verify(v.author.SigningKey, v.body, v.signature, "signature of the key record does not verify"); err != nil {
		return nil, err
	}
	if of == nil {
		return v, nil
	}
	if v.Service != of.Service || v.Owner != of.Owner || v.Collection != of.Collection.Collection ||
		v.Epoch != of.Epoch || v.Suite != of.Suite {
		return nil, mismatch("key record belongs to another collection or epoch")
	}
	return v, nil
}

// draftKey is the key record of an author for a collection's epoch, without what
// comes from the encrypted value.
func draftKey(author *person, of *collection, key [16]byte) (*keyRecord, error) {
	if !of.MayDeposit(author.ID) {
		return nil, mismatch("collection does not take keys of this author")
	}
	if author.ID == of.Owner && author.since(of) != author.Since {
		return nil, mismatch("epoch of the collection is of an earlier signing key")
	}
	return &keyRecord{KeyRecord: abi.KeyRecord{
		Key: key, Service: of.Service, Owner: of.Owner, Collection: of.Collection.Collection, Epoch: of.Epoch,
		Author: author.ID, AuthorVersion: author.Version, Suite: of.Suite,
	}}, nil
}

// documentKey derives the document key from what the scheme carried: HKDF-SHA256
// over derive_symmetric_key with every id of the record in the info.
func documentKey(v *abi.KeyRecord, m *recrypt.Plaintext) []byte {
	w := &writer{[]byte(label("document key"))}
	w.short(v.Key)
	w.id(v.Service)
	w.id(v.Owner)
	w.short(v.Collection)
	w.u32(v.Epoch)
	w.id(v.Author)
	w.u32(v.AuthorVersion)
	w.u8(v.Suite)
	secret := m.SymmetricKey()
	defer clear(secret)
	return hkdfKey(secret, nil, string(w.b), recrypt.SymmetricKeySize)
}

// parseValue decodes an encrypted value.
func parseValue(s recrypt.Suite, b []byte) (*recrypt.EncryptedValue, error) {
	v, err := recrypt.NewEncryptedValue(s, b)
	if err != nil {
		return nil, valueError(s, b, err)
	}
	return v, nil
}

// valueError returns the error for an encrypted value that could not be decoded.
func valueError(s recrypt.Suite, b []byte, err error) error {
	if of := suiteOfValue(b); of != 0 && of != s {
		return unknownSuite("encrypted value is of another suite")
	}
	return schemeError(err, "encrypted value is malformed")
}

// checkSigner verifies an encrypted value's own signature, and that it is the
// given key's. Without the second check anybody could sign a value again.
func checkSigner(value *recrypt.EncryptedValue, signer [32]byte) error {
	if !bytes.Equal(value.Signer().Bytes(), signer[:]) {
		return mismatch("encrypted value is signed by somebody else")
	}
	if value.VerifySignature() != nil {
		return unsigned("signature of the encrypted value does not verify")
	}
	return nil
}

// checkFresh verifies that a value comes from the author and was not transformed.
func checkFresh(value *recrypt.EncryptedValue, author *identity) error {
	if value.Level() != 0 {
		return mismatch("encrypted value was transformed already")
	}
	return checkSigner(value, author.RecryptKey)
}

// checkParts verifies that a value, transformed or not, is the record's.
func (v *keyRecord) checkParts(value *recrypt.EncryptedValue) error {
	if !bytes.Equal(value.EphemeralPublicKey(), v.ephemeral) || !bytes.Equal(value.AuthHash(), v.authHash) {
		return mismatch("encrypted value belongs to another key record")
	}
	return nil
}

// NewKey draws the key of a document: the 32-byte document key, for the author to
// encrypt with, and the encrypted value that carries it, for the server.
//
// seed is the author's, 32 bytes; author is his identity record. The collection
// record is verified as far as that goes without the owner's identity: structure,
// proof of possession, and the owner's signature only if the author is the owner.
// The caller must have verified it with OpenCollection before.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge, and
// StatusMismatch for another seed, an author who may not deposit, or an owner who has
// changed his keys and not yet opened an epoch since.
func NewKey(seed, author, collection []byte, key [16]byte) (secret, value []byte, err error) {
	by, signer, err := unlockIdentity(seed, author)
	if err != nil {
		return nil, nil, err
	}
	signer.Wipe()
	of, err := openCollection(collection, by)
	if err != nil {
		return nil, nil, err
	}
	v, err := draftKey(by, of, key)
	if err != nil {
		return nil, nil, err
	}
	inner, err := recryptKey(seed)
	if err != nil {
		return nil, nil, err
	}
	defer inner.Wipe()
	m, err := recrypt.GeneratePlaintext(of.key.Suite())
	if err != nil {
		return nil, nil, schemeError(err, "plaintext cannot be drawn")
	}
	defer m.Wipe()
	encrypted, err := recrypt.Encrypt(m, of.key, inner)
	if err != nil {
		return nil, nil, schemeError(err, "plaintext cannot be encrypted")
	}
	return documentKey(&v.KeyRecord, m), encrypted.Bytes(), nil
}

// NewKeyRecord signs the record of a document key. value is what NewKey returned
// for the same author, collection and key id: it must carry the author's recrypt
// signature. payload is nil for a bare key.
//
// The collection record is verified as by NewKey; the errors are the same.
func NewKeyRecord(seed, author, collection []byte, key [16]byte, value []byte, payload *abi.Payload, ext abi.Extensions) ([]byte, error) {
	by, signer, err := unlockIdentity(seed, author)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	of, err := openCollection(collection, by)
	if err != nil {
		return nil, err
	}
	v, err := draftKey(by, of, key)
	if err != nil {
		return nil, err
	}
	encrypted, err := parseValue(of.key.Suite(), value)
	if err != nil {
		return nil, err
	}
	if err := checkFresh(encrypted, by.identity); err != nil {
		return nil, err
	}
	v.ephemeral, v.authHash, v.Payload, v.ext = encrypted.EphemeralPublicKey(), encrypted.AuthHash(), payload, ext.Encode()
	w := newWriter("key")
	v.writeBody(w)
	w.raw(signer.Sign(w.b))
	return w.b, nil
}

// OpenKeyRecord verifies a key record with its author's identity record, if
// collectionRecord is not empty that it belongs to the epoch of that collection record,
// and if value is not empty that this level-0 value is the record's: author's
// recrypt signature, ephemeral key and authHash. Who has only the key record reads
// in it which collection to look up.
//
// The collection record is verified as by NewKey: call OpenCollection first. Any
// record of the same epoch will do. Whether the author may deposit is not
// checked, because a later record of the epoch may have taken that right away
// without undoing what he deposited; who accepts a deposit compares the author
// with the newest record.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge, and
// StatusMismatch for records that do not belong together.
func OpenKeyRecord(author, collectionRecord, record, value []byte) (*abi.KeyRecord, error) {
	by, err := openIdentity(author)
	if err != nil {
		return nil, err
	}
	var of *collection
	if len(collectionRecord) != 0 {
		if of, err = openCollection(collectionRecord, by); err != nil {
			return nil, err
		}
	}
	v, err := openKeyRecord(by, of, record)
	if err != nil {
		return nil, err
	}
	if len(value) != 0 {
		encrypted, err := parseValue(recrypt.Suite(v.Suite), value)
		if err != nil {
			return nil, err
		}
		if err := v.checkParts(encrypted); err != nil {
			return nil, err
		}
		if err := checkFresh(encrypted, v.author); err != nil {
			return nil, err
		}
	}
	return &v.KeyRecord, nil
}
