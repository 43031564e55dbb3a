package abitest

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// versions lets owner and reader gain the other suite, each by a new version of
// the identity: what was made before stays good, and a collection of that suite can
// be shared from then on.
func versions(s suite) {
	w := newWorld(s, suite256)
	refused(abi.ErrMismatch, second(s.NewIdentityVersion(s.ctx, w.ownerSeed, w.owner, []byte{suite256})))
	refused(abi.ErrMismatch, second(s.NewIdentityVersion(s.ctx, w.readerSeed, w.owner, []byte{suite480})))
	refused(abi.ErrSuite, second(s.NewIdentityVersion(s.ctx, w.ownerSeed, w.owner, []byte{3})))

	older, olderReader := w.owner, w.reader
	w.owner = w.later(w.ownerSeed, w.owner)
	w.reader = w.later(w.readerSeed, w.reader)
	a, b := get(s.OpenIdentity(s.ctx, older)), get(s.OpenIdentity(s.ctx, w.owner))
	same(b.ID, a.ID)
	same(b.Version, 2)
	same(b.SigningKey, a.SigningKey)
	same(len(b.Keys), 2)
	equal(b.Keys[0].PublicKey, a.Keys[0].PublicKey)
	same(len(b.Keys[1].PublicKey), 120)

	w.chain() // all of it was made by and for version 1
	w.share()
	second1 := w.second
	w.second = w.next(second1, 0, "salt 0", abi.ReaderRef{ID: w.readerID, Version: 1})
	same(get(s.OpenCollection(s.ctx, w.owner, w.second, second1)).OwnerVersion, 2)
	refused(abi.ErrMismatch, second(s.OpenCollection(s.ctx, older, w.second, second1)))
	w.grant, w.transformKey = w.newGrant(w.second, w.reader, item("grant to version 2"))
	same(get(s.OpenGrant(s.ctx, w.owner, w.second, w.reader, w.grant, w.transformKey)).ReaderVersion, 2)
	refused(abi.ErrMismatch, second(s.OpenGrant(s.ctx, w.owner, nil, olderReader, w.grant, nil)))
	for _, by := range [][]byte{older, w.owner} {
		record := get(s.NewRevocation(s.ctx, w.ownerSeed, by, second1, w.readerID, item("revocation"), 1))
		get(s.OpenRevocation(s.ctx, w.owner, record))
	}

	for _, bad := range [][]byte{
		w.owner[len(older):],                         // version 2 alone
		append(bytes.Clone(w.owner), older...),       // and version 1 again
		append(bytes.Clone(older), w.reader...),      // another's
		append(bytes.Clone(w.owner), w.service...),   // not an identity
		w.owner[:len(w.owner)-1],                     // cut
		flip(w.owner, len(older)-1),                  // version 1 damaged
		flip(w.owner, len(w.owner)-1),                // version 2 damaged
		append(bytes.Clone(w.owner), w.owner[0:]...), // everything twice
	} {
		refusedAtAll(abi.OpOpenIdentity, second(s.OpenIdentity(s.ctx, bad)))
	}
	strong := newWorld(s, suite480)
	strong.owner, strong.reader = w.owner, w.reader
	refused(abi.ErrMismatch, second(s.OpenCollection(s.ctx, w.owner, strong.first, nil))) // that is by another identity
	strong.first = strong.next(nil, 0, "salt 0")
	strong.second = strong.next(strong.first, 0, "salt 0", abi.ReaderRef{ID: w.readerID, Version: 2})
	strong.grant, strong.transformKey = strong.newGrant(strong.second, w.reader, item("grant"))
	strong.document = strong.newKey(w.ownerSeed, w.owner, strong.second, item("document"), nil)
	k := strong.transformed(strong.document)
	equal(get(strong.open(w.readerSeed, w.reader, w.owner, strong.second, k)), strong.document.key)
	refused(abi.ErrSuite, second(strong.open(w.readerSeed, olderReader, w.owner, strong.second, k)))
}

// later adds the version with both suites to an identity.
func (w *world) later(seed, identity []byte) []byte {
	out := get(w.NewIdentityVersion(w.ctx, seed, identity, []byte{suite256, suite480}))
	same(bytes.HasPrefix(out, identity), true)
	return out
}

// mixed puts things of one suite in the place of the other's.
func mixed(s suite) {
	w, strong := newWorld(s, suite256), newWorld(s, suite480)
	refused(abi.ErrSuite, second(s.TransformKeyValue(s.ctx, w.serviceSeed, w.document.value, strong.transformKey)))
	refused(abi.ErrSuite, second(s.TransformKeyValue(s.ctx, w.serviceSeed, strong.document.value, w.transformKey)))
	refused(abi.ErrSuite, third(s.NewGrant(s.ctx, w.ownerSeed, w.owner, w.second, strong.reader, &abi.GrantFields{Kind: abi.GrantDirect})))
	refused(abi.ErrSuite, second(s.NewKeyRecord(s.ctx, w.ownerSeed, w.owner, w.second, item("document"), strong.document.value, nil, abi.Extensions{})))
	refused(abi.ErrSuite, second(s.OpenKeyRecord(s.ctx, w.owner, w.second, w.document.record, strong.document.value)))
	refused(abi.ErrMismatch, second(s.NewCollection(s.ctx, w.ownerSeed, w.owner, w.second, &abi.CollectionFields{
		Service: w.serviceID, Collection: w.collection, Epoch: 1, Suite: suite480, Salt: [32]byte(seedOf("salt 1")),
	})))
	both := w.later(w.ownerSeed, w.owner)
	refused(abi.ErrMismatch, second(s.OpenKeyRecord(s.ctx, both, strong.second, w.document.record, nil)))
}
