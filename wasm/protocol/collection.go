package protocol

import (
	"bytes"
	"crypto/sha256"
	"math"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// Bounds of collection records.
const (
	MaxReaders = 100000 // readers behind a readers hash
	MaxAuthors = 1024
	MaxTitle   = 512 // bytes
)

// collection is a parsed collection record.
type collection struct {
	abi.Collection
	key       *recrypt.PublicKey // of the epoch
	gone      bool               // by a version that was overridden, see openPrevious
	ext       []byte
	body      []byte
	proof     []byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *collection) writeBody(w *writer) {
	w.id(v.Service)
	w.id(v.Owner)
	w.u32(v.OwnerVersion)
	w.short(v.Collection.Collection)
	w.u64(v.Sequence)
	w.id(v.Previous)
	w.u32(v.Epoch)
	w.u8(v.Suite)
	w.raw(v.PublicKey)
	w.id(v.Salt)
	w.id(v.ReadersHash)
	w.u8(v.Deposit)
	w.u16(uint16(len(v.Authors)))
	for _, a := range v.Authors {
		w.id(a)
	}
	w.bytes16(v.Title)
	w.bytes16(v.ext)
}

// parseCollection reads a collection record.
func parseCollection(record []byte) (*collection, error) {
	r := newReader("collection", record)
	v := &collection{}
	v.Service, v.Owner, v.OwnerVersion = r.id(), r.id(), r.u32()
	v.Collection.Collection, v.Sequence, v.Previous = r.short(), r.u64(), r.id()
	v.Epoch = r.u32()
	s := r.suite()
	v.key, v.Suite = r.publicKey(s), uint8(s)
	v.Salt, v.ReadersHash, v.Deposit = r.id(), r.id(), r.u8()
	v.Authors = r.ids32(MaxAuthors)
	v.Title = bytes.Clone(r.bytes16(MaxTitle))
	v.Extensions, v.ext = r.known()
	v.body = r.body()
	v.proof = bytes.Clone(r.take(s.SchnorrSize()))
	v.signature = r.signature()
	if r.err == nil {
		v.check(r)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	v.PublicKey = v.key.Bytes()
	v.Hash = sha256.Sum256(record)
	return v, nil
}

// check holds the rules between fields.
func (v *collection) check(r *reader) {
	switch {
	case v.OwnerVersion == 0:
		r.fail("has an owner version of zero")
	case (v.Sequence == 0) != (v.Previous == zero32):
		r.fail("has a sequence that contradicts its previous hash")
	case v.Deposit > abi.DepositOpen:
		r.fail("has an unknown deposit policy")
	case len(v.Authors) != 0 && v.Deposit != abi.DepositListed:
		r.fail("lists authors without a policy that uses them")
	}
}

// openCollection parses a collection record and verifies the proof of possession
// of the epoch's key. The owner's signature is verified if the owner is among
// those given, which may be nil: operations on keys know the author and not
// always the owner.
func openCollection(record []byte, known ...*person) (*collection, error) {
	v, err := parseCollection(record)
	if err != nil {
		return nil, err
	}
	for _, p := range known {
		if p == nil || p.ID != v.Owner {
			continue
		}
		by := p.at(v.Owner, v.OwnerVersion)
		if by == nil {
			return nil, mismatch("collection belongs to another owner or owner version")
		}
		if err := verify(by.SigningKey, v.body, v.signature, "signature of the collection does not verify"); err != nil {
			return nil, err
		}
	}
	if !v.key.VerifySchnorr(nil, v.body, v.proof) {
		return nil, unsigned("proof of possession of the epoch's key does not verify")
	}
	return v, nil
}

// openOwned is openCollection for a record that must be owner's.
func openOwned(record []byte, owner *person) (*collection, error) {
	v, err := openCollection(record, owner)
	if err != nil {
		return nil, err
	}
	if owner.ID != v.Owner {
		return nil, mismatch("collection belongs to another owner or owner version")
	}
	return v, nil
}

// openPrevious is openOwned for a record of a chain. One by a version of the owner that the
// recovery key has overridden has no signature that could be verified: it is what it is by
// its hash, and stands for nothing but its place. It is taken for one of the first version
// that the recovery key has signed, which nothing older may follow.
func openPrevious(record []byte, owner *person) (*collection, error) {
	v, err := openOwned(record, owner)
	if err == nil {
		return v, nil
	}
	if v, _ := parseCollection(record); v != nil && v.Owner == owner.ID {
		if by := owner.recovered(); by != nil && by.Version <= v.OwnerVersion {
			v.OwnerVersion, v.gone = by.Version, true
			return v, nil
		}
	}
	return nil, err
}

// follows returns an error unless the record may come after previous. Both are owner's.
func (v *collection) follows(previous *collection, owner *person) error {
	switch {
	case v.Service != previous.Service || v.Owner != previous.Owner || v.Collection.Collection != previous.Collection.Collection:
		return mismatch("collection record follows one of another collection")
	case v.Suite != previous.Suite:
		return mismatch("collection record changes the suite")
	case previous.Sequence == math.MaxUint64 || v.Sequence != previous.Sequence+1:
		return mismatch("collection record does not have the next sequence number")
	case v.Previous != previous.Hash:
		return mismatch("collection record does not follow the given one")
	case !v.gone && v.OwnerVersion < previous.OwnerVersion:
		return mismatch("collection record goes back to an older version of its owner")
	}
	sameKey, sameSalt := v.key.Equal(previous.key), v.Salt == previous.Salt
	switch {
	case v.Epoch == previous.Epoch && !v.gone && (previous.gone || owner.since(v) != owner.since(previous)):
		return mismatch("collection record goes on with an epoch of an earlier signing key")
	case v.Epoch == previous.Epoch && (!sameKey || !sameSalt):
		return mismatch("collection record changes key or salt within an epoch")
	case v.Epoch == previous.Epoch:
		return nil
	case previous.Epoch == math.MaxUint32 || v.Epoch != previous.Epoch+1:
		return mismatch("collection record is neither of the same nor of the next epoch")
	case sameKey || sameSalt:
		return mismatch("collection record opens an epoch with an old key or salt")
	}
	return nil
}

// ReadersHash returns the hash over a set of readers, at most MaxReaders
// (StatusTooLarge): order and repetition do not matter.
func ReadersHash(readers []abi.ReaderRef) ([32]byte, error) {
	if len(readers) > MaxReaders {
		return zero32, tooLarge("more readers than a collection can have")
	}
	set := sortedReaders(readers)
	h := sha256.New()
	w := &writer{[]byte(label("readers"))}
	w.u32(uint32(len(set) / readerSize))
	h.Write(w.b)
	h.Write(set)
	return [32]byte(h.Sum(nil)), nil
}

// NewCollection makes a collection record: the first one (previous empty), or the
// one after previous. seed is the owner's, 32 bytes; owner and previous are
// records, and both are verified. Authors are a set: order and repetition do not
// matter.
//
// The epoch's key follows from seed, salt, suite, collection and epoch. Draw a
// fresh salt for every attempt to open an epoch and repeat it inside that epoch.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge, and
// StatusMismatch if seed, owner and previous do not belong together or the record
// must not follow previous.
func NewCollection(seed, owner, previous []byte, f *abi.CollectionFields) ([]byte, error) {
	if f == nil {
		return nil, malformed("collection fields are missing")
	}
	by, signer, err := unlockIdentity(seed, owner)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	v, err := draftCollection(by, f)
	if err != nil {
		return nil, err
	}
	private, err := epochKey(seed, v.Salt, recrypt.Suite(v.Suite), f.Collection, v.Epoch)
	if err != nil {
		return nil, err
	}
	defer private.Wipe()
	v.key = private.PublicKey()
	v.PublicKey = v.key.Bytes()
	if len(previous) != 0 {
		last, err := openPrevious(previous, by)
		if err != nil {
			return nil, err
		}
		v.Sequence, v.Previous = last.Sequence+1, last.Hash
		if err := v.follows(last, by); err != nil {
			return nil, err
		}
	}
	return v.sign(signer, private)
}

// draftCollection checks what the owner chose and puts it in a record.
func draftCollection(owner *person, f *abi.CollectionFields) (*collection, error) {
	switch {
	case len(f.Authors) > MaxAuthors:
		return nil, tooLarge("more authors than a collection can list")
	case len(f.Title) > MaxTitle:
		return nil, tooLarge("title is longer than 512 bytes")
	case f.Deposit > abi.DepositOpen:
		return nil, malformed("unknown deposit policy")
	case len(f.Authors) != 0 && f.Deposit != abi.DepositListed:
		return nil, malformed("authors are listed without a policy that uses them")
	}
	hash, err := ReadersHash(f.Readers)
	if err != nil {
		return nil, err
	}
	return &collection{ext: f.Extensions.Encode(), Collection: abi.Collection{
		Service: f.Service, Owner: owner.ID, OwnerVersion: owner.Version, Collection: f.Collection,
		Epoch: f.Epoch, Suite: f.Suite, Salt: f.Salt, ReadersHash: hash,
		Deposit: f.Deposit, Authors: sorted32(f.Authors), Title: f.Title,
	}}, nil
}

// sign returns the complete record.
func (v *collection) sign(signer *recrypt.SigningKey, private *recrypt.PrivateKey) ([]byte, error) {
	w := newWriter("collection")
	v.writeBody(w)
	body := w.b
	proof, err := private.SignSchnorr(v.key, body)
	if err != nil {
		return nil, schemeError(err, "epoch's key cannot sign")
	}
	w.raw(proof)
	w.raw(signer.Sign(body))
	return w.b, nil
}

// OpenCollection verifies a collection record with its owner's identity record:
// encoding, owner and version, signature, and proof of possession of the epoch's
// key. If previous is not empty it is verified in the same way, and that record
// may follow it.
//
// Only with previous, a record by a version that the recovery key has overridden is
// answered, too: such records stay in the chain, which only grows. Its signature cannot be
// verified any more. Its OwnerVersion is 0, and besides it there are its place only, that
// is service, owner, collection, sequence, epoch and hash, and the suite. Nothing of it
// counts; what follows opens an epoch.
//
// Whether a newer record exists is not for a record to say: callers keep the
// highest sequence they have seen, and refuse less.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge, and
// StatusMismatch for another owner or a broken chain.
func OpenCollection(owner, record, previous []byte) (*abi.Collection, error) {
	by, err := openIdentity(owner)
	if err != nil {
		return nil, err
	}
	if len(previous) == 0 {
		v, err := openOwned(record, by)
		if err != nil {
			return nil, err
		}
		return &v.Collection, nil
	}
	v, err := openPrevious(record, by)
	if err != nil {
		return nil, err
	}
	last, err := openPrevious(previous, by)
	if err != nil {
		return nil, err
	}
	if err := v.follows(last, by); err != nil {
		return nil, err
	}
	if v.gone {
		return &abi.Collection{
			Service: v.Service, Owner: v.Owner, Collection: v.Collection.Collection,
			Sequence: v.Sequence, Epoch: v.Epoch, Suite: v.Suite, Hash: v.Hash,
		}, nil
	}
	return &v.Collection, nil
}
