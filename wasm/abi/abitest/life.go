package abitest

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// life changes the owner's keys and the reader's, by the seed and by the recovery key.
func life(s suite) {
	w := newWorld(s, suite256)
	oldSeed, oldOwner := w.ownerSeed, w.owner
	before := get(s.OpenIdentity(s.ctx, oldOwner))
	same(before.Since, 1)
	newSeed, recovery := seedOf("owner, later"), flip(oldSeed, 0)
	rotated := get(s.RotateIdentity(s.ctx, oldSeed, nil, newSeed, nil, oldOwner, 1, []byte{suite256}))
	same(bytes.HasPrefix(rotated, oldOwner), true)
	after := get(s.OpenIdentity(s.ctx, rotated))
	same(after.ID, before.ID)
	same(after.Version, 2)
	same(after.Since, 2)
	same(after.RecoveryHash, before.RecoveryHash)
	differ(after.SigningKey[:], before.SigningKey[:])
	differ(after.RecryptKey[:], before.RecryptKey[:])
	differ(after.Keys[0].PublicKey, before.Keys[0].PublicKey)

	w.chain() // what was made before stays readable
	w.owner, w.ownerSeed = rotated, newSeed
	w.share()
	w.after(oldSeed)
	w.recover(oldSeed, oldOwner, recovery)
}

// after goes on as the owner whose keys have changed.
func (w *world) after(oldSeed []byte) {
	same(get(w.OwnDefaultCollection(w.ctx, w.ownerSeed, w.owner, w.serviceID)), w.collection)
	refused(abi.ErrMismatch, second(w.OwnDefaultCollection(w.ctx, oldSeed, w.owner, w.serviceID)))
	refused(abi.ErrMismatch, third(w.NewKey(w.ctx, w.ownerSeed, w.owner, w.second, item("x"))))
	fields := &abi.CollectionFields{Service: w.serviceID, Collection: w.collection, Suite: w.number, Salt: [32]byte(seedOf("salt 0"))}
	refused(abi.ErrMismatch, second(w.NewCollection(w.ctx, w.ownerSeed, w.owner, w.second, fields)))
	fields.Epoch, fields.Salt = 1, [32]byte(seedOf("salt 1"))
	refused(abi.ErrMismatch, second(w.NewCollection(w.ctx, oldSeed, w.owner, w.second, fields)))
	next := get(w.NewCollection(w.ctx, w.ownerSeed, w.owner, w.second, fields))
	same(get(w.OpenCollection(w.ctx, w.owner, next, w.second)).OwnerVersion, 2)
	k := w.newKey(w.ownerSeed, w.owner, next, item("after"), nil)
	equal(get(w.open(w.ownerSeed, w.owner, w.owner, next, k)), k.key)
	for _, collection := range [][]byte{w.second, next} { // the first of them from the seed that was kept
		g, t := w.newGrant(collection, w.author, item("grant"))
		same(get(w.OpenGrant(w.ctx, w.owner, collection, w.author, g, t)).OwnerVersion, 2)
	}
}

// recover changes the owner's keys by the recovery key, against a thief of the seed, and
// compares what the two have made.
func (w *world) recover(oldSeed, oldOwner, recovery []byte) {
	recoveredSeed := seedOf("owner, recovered")
	newRecovery := flip(recoveredSeed, 0)
	suites := []byte{w.number}
	recovered := get(w.RotateIdentity(w.ctx, oldSeed, recovery, recoveredSeed, newRecovery, w.owner, 1, suites))
	lost := get(w.RotateIdentity(w.ctx, nil, recovery, recoveredSeed, nil, w.owner, 2, suites))
	forked := get(w.RotateIdentity(w.ctx, oldSeed, nil, seedOf("thief"), nil, oldOwner, 1, suites))
	same(get(w.OpenIdentity(w.ctx, recovered)).Version, 2)
	same(get(w.OpenIdentity(w.ctx, lost)).Version, 3)
	differ(newHash(w, recovered), newHash(w, oldOwner))
	equal(newHash(w, lost), newHash(w, oldOwner))
	for _, c := range []struct {
		known, offered []byte
		want           uint8
	}{
		{oldOwner, oldOwner, abi.RelationSame}, {oldOwner, w.owner, abi.RelationNewer}, {w.owner, oldOwner, abi.RelationOlder},
		{w.owner, recovered, abi.RelationOverrides}, {recovered, w.owner, abi.RelationOverridden}, {w.owner, lost, abi.RelationNewer},
		{w.owner, forked, abi.RelationFork}, {w.owner, w.reader, abi.RelationOther}, {lost, recovered, abi.RelationOverrides},
	} {
		same(get(w.CompareIdentities(w.ctx, c.known, c.offered)), c.want)
	}
	equal(get(w.open(recoveredSeed, recovered, oldOwner, w.second, w.document)), w.document.key)
	refused(abi.ErrMismatch, second(w.open(recoveredSeed, lost, oldOwner, w.second, w.document)))
	refused(abi.ErrMismatch, second(w.OwnDefaultCollection(w.ctx, recoveredSeed, lost, w.serviceID)))

	thief := seedOf("thief")
	for _, c := range [][][]byte{ // seed, recovery seed, new seed, new recovery seed
		{recoveredSeed, nil, thief, nil}, {oldSeed, recoveredSeed, thief, nil}, {w.readerSeed, recovery, thief, nil},
		{oldSeed, nil, oldSeed, nil}, {oldSeed, nil, recovery, nil}, {oldSeed, nil, thief, newRecovery}, {oldSeed, recovery, thief, thief},
	} {
		refused(abi.ErrMismatch, second(w.RotateIdentity(w.ctx, c[0], c[1], c[2], c[3], oldOwner, 1, suites)))
	}
	for _, version := range []uint32{0, 2, 1 << 31} {
		refused(abi.ErrMismatch, second(w.RotateIdentity(w.ctx, oldSeed, recovery, thief, nil, oldOwner, version, suites)))
	}
	refused(abi.ErrMalformed, second(w.RotateIdentity(w.ctx, nil, nil, thief, nil, oldOwner, 1, suites)))
	refused(abi.ErrMalformed, second(w.RotateIdentity(w.ctx, oldSeed[1:], nil, thief, nil, oldOwner, 1, suites)))
	refused(abi.ErrMalformed, second(w.RotateIdentity(w.ctx, oldSeed, nil, nil, nil, oldOwner, 1, suites)))
	for _, bad := range [][]byte{flip(w.owner, len(oldOwner)+40), flip(w.owner, len(w.owner)-1), flip(recovered, len(recovered)-1), recovered[len(oldOwner):]} {
		refusedAtAll(abi.OpCompareIdentities, second(w.CompareIdentities(w.ctx, oldOwner, bad)))
		refusedAtAll(abi.OpSafetyNumber, second(w.SafetyNumber(w.ctx, oldOwner, bad)))
	}
}

// newHash returns the recovery hash of an identity.
func newHash(w *world, identity []byte) []byte {
	h := get(w.OpenIdentity(w.ctx, identity)).RecoveryHash
	return h[:]
}

// safety compares the numbers of pairs of identities.
func safety(s suite) {
	w := newWorld(s, suite256)
	number := get(s.SafetyNumber(s.ctx, w.owner, w.reader))
	same(len(number), 60)
	for _, c := range number {
		same(c >= '0' && c <= '9', true)
	}
	same(get(s.SafetyNumber(s.ctx, w.reader, w.owner)), number)
	later := w.later(w.ownerSeed, w.owner)
	for _, other := range [][][]byte{{w.owner, w.author}, {w.author, w.reader}, {later, w.reader}, {w.owner, w.owner}} {
		same(get(s.SafetyNumber(s.ctx, other[0], other[1])) == number, false)
	}
	refusedAtAll(abi.OpSafetyNumber, second(s.SafetyNumber(s.ctx, w.owner, nil)))
	refusedAtAll(abi.OpSafetyNumber, second(s.SafetyNumber(s.ctx, w.service, w.reader)))
}

// links makes readers of links.
func links(s suite) {
	secret := seedOf("link")
	seed, recovery := get2(s.LinkSeed(s.ctx, secret, nil))
	same(len(seed), 32)
	differ(seed, recovery)
	differ(seed, secret)
	again, _ := get2(s.LinkSeed(s.ctx, secret, nil))
	equal(again, seed)
	a, b := get2(s.LinkSeed(s.ctx, secret, []byte("passcode")))
	c, d := get2(s.LinkSeed(s.ctx, secret, []byte("Passcode")))
	e, f := get2(s.LinkSeed(s.ctx, flip(secret, 31), []byte("passcode")))
	all := [][]byte{seed, recovery, a, b, c, d, e, f}
	for i := range all {
		for j := range i {
			differ(all[i], all[j])
		}
	}
	identity := get(s.NewIdentity(s.ctx, a, b, []byte{suite256}))
	repeated, repeatedRecovery := get2(s.LinkSeed(s.ctx, secret, []byte("passcode")))
	same(get(s.OpenIdentity(s.ctx, identity)).ID,
		get(s.OpenIdentity(s.ctx, get(s.NewIdentity(s.ctx, repeated, repeatedRecovery, []byte{suite256})))).ID)
	refused(abi.ErrMalformed, third(s.LinkSeed(s.ctx, secret[1:], nil)))
	refused(abi.ErrMalformed, third(s.LinkSeed(s.ctx, secret, []byte{0xff})))
	refused(abi.ErrTooLarge, third(s.LinkSeed(s.ctx, secret, make([]byte, 1025))))
}
