package protocol

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A granter makes grants to one collection record: what they have in common was
// verified and derived.
type granter struct {
	by      *person
	of      *collection
	private *recrypt.PrivateKey // of the epoch
	signer  *recrypt.SigningKey // of records
	inner   *recrypt.SigningKey // of transform keys
}

// newGranter verifies owner and collection, and derives the keys, for wipe to wipe.
func newGranter(seed, owner, collection []byte) (*granter, error) {
	by, signer, err := unlockIdentity(seed, owner)
	if err != nil {
		return nil, err
	}
	g := &granter{by: by, signer: signer}
	if g.of, err = openOwned(collection, by); err == nil {
		g.private, err = unlockEpoch(seed, by, g.of)
	}
	if err == nil {
		g.inner, err = recryptKey(seed)
	}
	if err != nil {
		g.wipe()
		return nil, err
	}
	return g, nil
}

func (g *granter) wipe() {
	g.signer.Wipe()
	if g.private != nil {
		g.private.Wipe()
	}
	if g.inner != nil {
		g.inner.Wipe()
	}
}

// grant makes a grant to a reader.
func (g *granter) grant(reader []byte, f *abi.GrantFields) (grant, transformKey []byte, err error) {
	to, err := openIdentity(reader)
	if err != nil {
		return nil, nil, err
	}
	v, err := draftGrant(g.by, g.of, to, f)
	if err != nil {
		return nil, nil, err
	}
	t, err := g.private.TransformKey(v.readerKey, g.inner)
	if err != nil {
		return nil, nil, schemeError(err, "transform key cannot be made")
	}
	defer t.Wipe()
	transformKey = t.Bytes()
	v.TransformKeyHash = sha256.Sum256(transformKey)
	w := newWriter("grant")
	v.writeBody(w)
	w.raw(g.signer.Sign(w.b))
	return w.b, transformKey, nil
}

// NewGrants is NewGrant for many readers of one collection, whose record and whose
// owner are verified once. It returns a grant with its transform key, or an error, for
// each item, in order, or one error if seed, owner and collection do not belong
// together. stopped is asked before each item; once it is true, the items that are left
// get abi.ErrStopped.
func NewGrants(seed, owner, collection []byte, items []abi.NewGrant, stopped func() bool) (grants, transformKeys [][]byte, errs []error, err error) {
	g, err := newGranter(seed, owner, collection)
	if err != nil {
		return nil, nil, nil, err
	}
	defer g.wipe()
	grants, transformKeys, errs = make([][]byte, len(items)), make([][]byte, len(items)), make([]error, len(items))
	for i := range items {
		if stopped() {
			errs[i] = abi.ErrStopped
			continue
		}
		grants[i], transformKeys[i], errs[i] = g.grant(items[i].Reader, &items[i].GrantFields)
	}
	return grants, transformKeys, errs, nil
}

// OpenGrants is OpenGrant for many grants of one collection, whose record, which is
// required, and whose owner are verified once. It returns a grant or an error for each
// item, in order, or one error if owner and collection do not belong together. stopped is
// asked as by NewGrants.
func OpenGrants(owner, collection []byte, items []abi.GrantToOpen, stopped func() bool) ([]*abi.Grant, []error, error) {
	by, err := openIdentity(owner)
	if err != nil {
		return nil, nil, err
	}
	of, err := openOwned(collection, by)
	if err != nil {
		return nil, nil, err
	}
	out, errs := make([]*abi.Grant, len(items)), make([]error, len(items))
	for i, item := range items {
		if stopped() {
			errs[i] = abi.ErrStopped
			continue
		}
		out[i], errs[i] = openGrant(by, of, item.Reader, item.Grant, item.TransformKey)
	}
	return out, errs, nil
}
