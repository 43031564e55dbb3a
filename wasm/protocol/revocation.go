package protocol

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// revocation is a parsed revocation.
type revocation struct {
	abi.Revocation
	collectionHash [32]byte
	ext            []byte
	body           []byte
	signature      []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *revocation) writeBody(w *writer) {
	w.short(v.Revocation.Revocation)
	w.id(v.Service)
	w.id(v.Owner)
	w.u32(v.OwnerVersion)
	w.short(v.Collection)
	w.u64(v.Sequence)
	w.id(v.collectionHash)
	w.id(v.Reader)
	w.u64(v.Time)
	w.bytes16(v.ext)
}

// parseRevocation reads a revocation.
func parseRevocation(record []byte) (*revocation, error) {
	r := newReader("revocation", record)
	v := &revocation{}
	v.Revocation.Revocation, v.Service, v.Owner, v.OwnerVersion = r.short(), r.id(), r.id(), r.u32()
	v.Collection, v.Sequence, v.collectionHash = r.short(), r.u64(), r.id()
	v.Reader, v.Time = r.id(), r.u64()
	v.ext, v.body = r.extensions(), r.body()
	v.signature = r.signature()
	switch {
	case r.err != nil:
	case v.OwnerVersion == 0:
		r.fail("has an owner version of zero")
	case v.Reader == v.Owner:
		r.fail("revokes its owner")
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return v, nil
}

// NewRevocation signs that a reader may not read a collection any longer. It
// names the collection record that the owner saw. seed is the owner's, 32 bytes;
// owner and collection are records and verified. The same arguments give the same
// bytes.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge, and
// StatusMismatch if seed, owner and collection do not belong together or the
// reader is the owner.
func NewRevocation(seed, owner, collection []byte, reader [32]byte, id [16]byte, unixMilli uint64) ([]byte, error) {
	by, signer, err := unlockIdentity(seed, owner)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	of, err := openOwned(collection, by)
	if err != nil {
		return nil, err
	}
	if reader == by.ID {
		return nil, mismatch("the owner cannot be revoked")
	}
	v := &revocation{collectionHash: of.Hash}
	v.Revocation = abi.Revocation{
		Revocation: id, Service: of.Service, Owner: by.ID, OwnerVersion: by.Version,
		Collection: of.Collection.Collection, Sequence: of.Sequence, Reader: reader, Time: unixMilli,
	}
	w := newWriter("revocation")
	v.writeBody(w)
	w.raw(signer.Sign(w.b))
	return w.b, nil
}

// OpenRevocation verifies a revocation with its owner's identity record. The
// errors have StatusMalformed, StatusSignature, StatusSuite or StatusMismatch.
func OpenRevocation(owner, revocation []byte) (*abi.Revocation, error) {
	by, err := openIdentity(owner)
	if err != nil {
		return nil, err
	}
	v, err := parseRevocation(revocation)
	if err != nil {
		return nil, err
	}
	signer := by.at(v.Owner, v.OwnerVersion)
	if signer == nil {
		return nil, mismatch("revocation belongs to another owner or owner version")
	}
	if err := verify(signer.SigningKey, v.body, v.signature, "signature of the revocation does not verify"); err != nil {
		return nil, err
	}
	return &v.Revocation, nil
}

// receipt is a parsed receipt.
type receipt struct {
	service   [32]byte
	record    [32]byte // hash
	time      uint64
	destroyed uint32
	ext       []byte
	body      []byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *receipt) writeBody(w *writer) {
	w.id(v.service)
	w.id(v.record)
	w.u64(v.time)
	w.u32(v.destroyed)
	w.bytes16(v.ext)
}

// parseReceipt reads a receipt.
func parseReceipt(record []byte) (*receipt, error) {
	r := newReader("receipt", record)
	v := &receipt{service: r.id(), record: r.id(), time: r.u64(), destroyed: r.u32()}
	v.ext, v.body = r.extensions(), r.body()
	v.signature = r.signature()
	if err := r.end(); err != nil {
		return nil, err
	}
	return v, nil
}

// serviceOf returns the service that a revocation or a collection record is for.
// Only its structure is checked.
func serviceOf(record []byte) ([32]byte, error) {
	if newReader("collection", record).err == nil {
		of, err := parseCollection(record)
		if err != nil {
			return zero32, err
		}
		return of.Service, nil
	}
	of, err := parseRevocation(record)
	if err != nil {
		return zero32, err
	}
	return of.Service, nil
}

// NewReceipt signs, as the server, that a revocation was carried out, or that a
// collection record and what came with it was stored, at a time (Unix milliseconds), and
// how many transform keys that destroyed. serviceSeed has 32 bytes and service is the
// server's record.
//
// Only the structure of the revocation or collection record and its service are checked:
// the server has verified it before it acted.
//
// Errors: StatusMalformed, StatusSuite, StatusTooLarge, StatusSignature, and
// StatusMismatch for another seed or a record for another service.
func NewReceipt(serviceSeed, service, record []byte, unixMilli uint64, destroyed uint32) ([]byte, error) {
	at, err := openService(service)
	if err != nil {
		return nil, err
	}
	signer, err := unlock(serviceSeed, at.SigningKey)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	of, err := serviceOf(record)
	if err != nil {
		return nil, err
	}
	if of != at.ID {
		return nil, mismatch("record is for another service")
	}
	v := &receipt{service: at.ID, record: sha256.Sum256(record), time: unixMilli, destroyed: destroyed}
	w := newWriter("receipt")
	v.writeBody(w)
	w.raw(signer.Sign(w.b))
	return w.b, nil
}

// OpenReceipt verifies a receipt with the server's record, and that it is for the
// given revocation or collection record. That one's own signature needs its owner's
// identity: see OpenRevocation and OpenCollection.
//
// Errors: StatusMalformed, StatusSuite, StatusTooLarge, StatusSignature, and
// StatusMismatch for another service or record.
func OpenReceipt(service, record, receipt []byte) (unixMilli uint64, destroyed uint32, err error) {
	at, err := openService(service)
	if err != nil {
		return 0, 0, err
	}
	v, err := parseReceipt(receipt)
	if err != nil {
		return 0, 0, err
	}
	of, err := serviceOf(record)
	if err != nil {
		return 0, 0, err
	}
	switch {
	case v.service != at.ID || of != at.ID:
		return 0, 0, mismatch("receipt belongs to another service")
	case v.record != sha256.Sum256(record):
		return 0, 0, mismatch("receipt belongs to another record")
	}
	if err := verify(at.SigningKey, v.body, v.signature, "signature of the receipt does not verify"); err != nil {
		return 0, 0, err
	}
	return v.time, v.destroyed, nil
}
