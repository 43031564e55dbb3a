package protocol

import (
	"bytes"
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// MaxScope bounds the key ids that one grant names.
const MaxScope = 1024

// grant is a parsed grant.
type grant struct {
	abi.Grant
	epochKey  *recrypt.PublicKey
	readerKey *recrypt.PublicKey
	ext       []byte
	body      []byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *grant) writeBody(w *writer) {
	w.short(v.Grant.Grant)
	w.id(v.Service)
	w.id(v.Owner)
	w.u32(v.OwnerVersion)
	w.short(v.Collection)
	w.u32(v.Epoch)
	w.u8(v.Suite)
	w.raw(v.epochKey.Bytes())
	w.id(v.CollectionHash)
	w.id(v.Reader)
	w.u32(v.ReaderVersion)
	w.raw(v.readerKey.Bytes())
	w.id(v.TransformKeyHash)
	w.u8(v.Kind)
	w.u16(uint16(len(v.Scope)))
	for _, k := range v.Scope {
		w.short(k)
	}
	w.u64(v.NotBefore)
	w.u64(v.Expires)
	w.u64(v.Wait)
	w.u32(v.Uses)
	w.bytes16(v.ext)
}

// parseGrant reads a grant.
func parseGrant(record []byte) (*grant, error) {
	r := newReader("grant", record)
	v := &grant{}
	v.Grant.Grant, v.Service, v.Owner, v.OwnerVersion = r.short(), r.id(), r.id(), r.u32()
	v.Collection, v.Epoch = r.short(), r.u32()
	s := r.suite()
	v.Suite, v.epochKey = uint8(s), r.publicKey(s)
	v.CollectionHash, v.Reader, v.ReaderVersion = r.id(), r.id(), r.u32()
	v.readerKey, v.TransformKeyHash = r.publicKey(s), r.id()
	v.Kind, v.Scope = r.u8(), r.ids16(MaxScope)
	v.NotBefore, v.Expires, v.Wait, v.Uses = r.u64(), r.u64(), r.u64(), r.u32()
	v.Extensions, v.ext = r.known()
	v.body = r.body()
	v.signature = r.signature()
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	return v, nil
}

// check holds the rules between fields.
func (v *grant) check() error {
	switch {
	case v.OwnerVersion == 0 || v.ReaderVersion == 0:
		return malformed("grant names an identity version of zero")
	case v.Kind < abi.GrantDirect || v.Kind > abi.GrantLink:
		return malformed("grant has an unknown kind")
	case v.Expires != 0 && v.Expires <= v.NotBefore:
		return malformed("grant expires before it begins")
	case v.Wait != 0 && v.Kind != abi.GrantPending:
		return malformed("grant has a waiting period but is not pending")
	case v.Reader == v.Owner || v.readerKey.Equal(v.epochKey):
		return mismatch("grant is from its owner to its owner")
	}
	return nil
}

// NewGrant lets a reader read one epoch of a collection. It returns the grant and
// its transform key, both for the server: whoever has the transform key and the
// reader's private key reads the epoch.
//
// seed is the owner's, 32 bytes. owner, collection and reader are records, and
// all are verified, the collection record with the owner's identity. The scope is
// a set of key ids: order and repetition do not matter.
//
// Errors: StatusMalformed, StatusSignature, StatusTooLarge; StatusSuite if the
// reader has no key of the collection's suite; StatusMismatch if seed, owner and
// collection do not belong together or the reader is the owner.
func NewGrant(seed, owner, collection, reader []byte, f *abi.GrantFields) (grant, transformKey []byte, err error) {
	if f == nil {
		return nil, nil, malformed("grant fields are missing")
	}
	g, err := newGranter(seed, owner, collection)
	if err != nil {
		return nil, nil, err
	}
	defer g.wipe()
	return g.grant(reader, f)
}

// draftGrant checks what the owner chose and puts it in a grant.
func draftGrant(by *person, of *collection, to *person, f *abi.GrantFields) (*grant, error) {
	if len(f.Scope) > MaxScope {
		return nil, tooLarge("more key ids than a grant can name")
	}
	v := &grant{epochKey: of.key, readerKey: to.key(of.key.Suite()), ext: f.Extensions.Encode()}
	if v.readerKey == nil {
		return nil, unknownSuite("reader has no key of the collection's suite")
	}
	v.Grant = abi.Grant{
		GrantFields: *f, Service: of.Service, Owner: by.ID, OwnerVersion: by.Version,
		Collection: of.Collection.Collection, Epoch: of.Epoch, Suite: of.Suite, CollectionHash: of.Hash,
		Reader: to.ID, ReaderVersion: to.Version,
	}
	v.Scope = sorted16(f.Scope)
	if err := v.check(); err != nil {
		return nil, err
	}
	return v, nil
}

// OpenGrant verifies a grant with its owner's identity record, and against
// whichever of collection record, reader's identity record and transform key are
// given. What is empty is not checked.
//
// A collection record must be the one that the grant names by hash. A transform
// key must be the one that the grant names by hash, be well-formed in every
// point, carry a good signature of the owner's recrypt signing key, and lead to
// the reader's key. The hash covers hashedTempKey, which the scheme's own
// signature leaves out.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge, and
// StatusMismatch for records that do not belong together.
func OpenGrant(owner, collection, reader, grant, transformKey []byte) (*abi.Grant, error) {
	by, err := openIdentity(owner)
	if err != nil {
		return nil, err
	}
	if len(collection) == 0 {
		return openGrant(by, nil, reader, grant, transformKey)
	}
	of, err := openOwned(collection, by)
	if err != nil {
		return nil, err
	}
	return openGrant(by, of, reader, grant, transformKey)
}

// openGrant is OpenGrant for an owner and a collection, or nil, that were verified.
func openGrant(by *person, of *collection, reader, grant, transformKey []byte) (*abi.Grant, error) {
	v, err := parseGrant(grant)
	if err != nil {
		return nil, err
	}
	signer := by.at(v.Owner, v.OwnerVersion)
	if signer == nil {
		return nil, mismatch("grant belongs to another owner or owner version")
	}
	if err := verify(signer.SigningKey, v.body, v.signature, "signature of the grant does not verify"); err != nil {
		return nil, err
	}
	if of != nil {
		if err := v.checkCollection(of); err != nil {
			return nil, err
		}
	}
	if len(reader) != 0 {
		if err := v.checkReader(reader); err != nil {
			return nil, err
		}
	}
	if len(transformKey) != 0 {
		if err := v.checkTransformKey(transformKey, signer); err != nil {
			return nil, err
		}
	}
	return &v.Grant, nil
}

// checkCollection verifies that the grant was made with a collection record.
func (v *grant) checkCollection(of *collection) error {
	if v.CollectionHash != of.Hash || v.Service != of.Service || v.Collection != of.Collection.Collection ||
		v.Epoch != of.Epoch || !v.epochKey.Equal(of.key) {
		return mismatch("grant belongs to another collection record")
	}
	return nil
}

// checkReader verifies that the grant is for a version of a reader's identity and
// its key. A later version may have changed that key.
func (v *grant) checkReader(record []byte) error {
	to, err := openIdentity(record)
	if err != nil {
		return err
	}
	at := to.at(v.Reader, v.ReaderVersion)
	if at == nil || !at.has(v.readerKey) {
		return mismatch("grant is for another reader, reader version or key")
	}
	return nil
}

// checkTransformKey verifies that a transform key is the grant's.
func (v *grant) checkTransformKey(transformKey []byte, owner *identity) error {
	if sha256.Sum256(transformKey) != v.TransformKeyHash {
		return mismatch("transform key belongs to another grant")
	}
	if s, err := suiteOfTransformKey(transformKey); err != nil {
		return err
	} else if s != v.readerKey.Suite() {
		return unknownSuite("transform key is of another suite than its grant")
	}
	t, err := recrypt.NewTransformKey(v.readerKey.Suite(), transformKey)
	if err != nil {
		return schemeError(err, "transform key is malformed")
	}
	defer t.Wipe()
	switch {
	case !bytes.Equal(t.Signer().Bytes(), owner.RecryptKey[:]):
		return mismatch("transform key is signed by somebody else")
	case !t.ToPublicKey().Equal(v.readerKey):
		return mismatch("transform key leads to another key than the reader's")
	case t.VerifySignature() != nil:
		return unsigned("signature of the transform key does not verify")
	}
	return nil
}
