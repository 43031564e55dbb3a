package abitest

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A world is the people, the server and the records of the story, in one suite.
type world struct {
	suite
	number                                         uint8 // of the suite
	serviceSeed, ownerSeed, readerSeed, authorSeed []byte
	service, owner, reader, author                 []byte // records
	serviceID, readerID, authorID                  [32]byte
	collection                                     [16]byte

	first, second, third []byte // collection records: no reader; one reader; next epoch
	grant, transformKey  []byte
	document             keyOf
}

// keyOf is a document key with its record and its encrypted value.
type keyOf struct{ key, value, record []byte }

// newWorld makes the identities, and the collection with one reader.
func newWorld(s suite, number uint8) *world {
	w := &world{suite: s, number: number, serviceSeed: seedOf("service"), ownerSeed: seedOf("owner"),
		readerSeed: seedOf("reader"), authorSeed: seedOf("author")}
	w.service = get(s.NewService(s.ctx, w.serviceSeed))
	w.serviceID = get(s.OpenService(s.ctx, w.service)).ID
	w.owner = w.identity(w.ownerSeed)
	w.reader, w.author = w.identity(w.readerSeed), w.identity(w.authorSeed)
	w.readerID = get(s.OpenIdentity(s.ctx, w.reader)).ID
	w.authorID = get(s.OpenIdentity(s.ctx, w.author)).ID
	w.collection = get(s.DefaultCollection(s.ctx, w.ownerSeed, w.serviceID))
	w.first = w.next(nil, 0, "salt 0")
	w.second = w.next(w.first, 0, "salt 0", abi.ReaderRef{ID: w.readerID, Version: 1})
	w.grant, w.transformKey = w.newGrant(w.second, w.reader, item("grant"))
	w.document = w.newKey(w.ownerSeed, w.owner, w.second, item("document"), nil)
	return w
}

func (w *world) identity(seed []byte) []byte {
	return get(w.NewIdentity(w.ctx, seed, flip(seed, 0), []byte{w.number}))
}

// n is the suite's field size.
func (w *world) n() int { return variants[w.number].fieldSize }

// next makes the collection record after previous.
func (w *world) next(previous []byte, epoch uint32, salt string, readers ...abi.ReaderRef) []byte {
	return get(w.NewCollection(w.ctx, w.ownerSeed, w.owner, previous, &abi.CollectionFields{
		Service: w.serviceID, Collection: w.collection, Epoch: epoch, Suite: w.number,
		Salt: [32]byte(seedOf(salt)), Readers: readers,
		Deposit: abi.DepositListed, Authors: [][32]byte{w.authorID},
	}))
}

func (w *world) newGrant(collection, reader []byte, id [16]byte) (grant, transformKey []byte) {
	return get2(w.NewGrant(w.ctx, w.ownerSeed, w.owner, collection, reader, &abi.GrantFields{
		Grant: id, Kind: abi.GrantDirect, Expires: 2_000_000_000_000,
	}))
}

func (w *world) newKey(seed, author, collection []byte, id [16]byte, payload *abi.Payload) (k keyOf) {
	k.key, k.value = get2(w.NewKey(w.ctx, seed, author, collection, id))
	k.record = get(w.NewKeyRecord(w.ctx, seed, author, collection, id, k.value, payload, abi.Extensions{}))
	return k
}

// open opens a document key as somebody.
func (w *world) open(seed, own, author, collection []byte, k keyOf) ([]byte, error) {
	return w.OpenKey(w.ctx, seed, own, author, collection, w.service, k.record, k.value)
}

// transformed returns the key as the server hands it to a reader.
func (w *world) transformed(k keyOf) keyOf {
	k.value = get(w.TransformKeyValue(w.ctx, w.serviceSeed, k.value, w.transformKey))
	same(len(k.value), 14*w.n()+128+28*w.n())
	return k
}

// story tells the whole protocol: an owner shares a document with a reader
// through a server, somebody else deposits one, and the reader is revoked.
func story(s suite, number uint8) {
	w := newWorld(s, number)
	w.meet()
	w.chain()
	w.share()
	w.extend()
	w.many()
	w.title()
	w.acknowledge()
	w.deposit()
	w.folder()
	w.edge()
	w.revoke()
}

// meet looks at the identities.
func (w *world) meet() {
	v := get(w.OpenIdentity(w.ctx, w.owner))
	same(v.Version, 1)
	same(len(v.Keys), 1)
	same(v.Keys[0].Suite, w.number)
	same(len(v.Keys[0].PublicKey), 2*w.n())
	equal(w.identity(w.ownerSeed)[:64], w.owner[:64]) // proofs are random, contents are not
	same(get(w.OpenIdentity(w.ctx, w.identity(w.ownerSeed))).ID, v.ID)
	service := get(w.OpenService(w.ctx, w.service))
	equal(get(w.NewService(w.ctx, w.serviceSeed)), w.service)
	same(service.Version, 1)
	refused(abi.ErrSuite, second(w.NewIdentity(w.ctx, w.ownerSeed, w.readerSeed, []byte{3})))
	refusedAtAll(abi.OpOpenIdentity, second(w.OpenIdentity(w.ctx, w.service)))
	refusedAtAll(abi.OpOpenService, second(w.OpenService(w.ctx, w.owner)))
}

// chain follows the collection's records.
func (w *world) chain() {
	a := get(w.OpenCollection(w.ctx, w.owner, w.first, nil))
	b := get(w.OpenCollection(w.ctx, w.owner, w.second, w.first))
	same(a.Sequence, 0)
	same(b.Sequence, 1)
	same(b.Previous, a.Hash)
	equal(b.PublicKey, a.PublicKey)
	same(len(b.Authors), 1)
	same(b.Authors[0], w.authorID)
	same(a.ReadersHash, get(w.ReadersHash(w.ctx, nil)))
	refs := []abi.ReaderRef{{ID: w.readerID, Version: 1}}
	same(b.ReadersHash, get(w.ReadersHash(w.ctx, refs)))
	differ(a.ReadersHash[:], b.ReadersHash[:])
	refused(abi.ErrMismatch, second(w.OpenCollection(w.ctx, w.owner, w.first, w.second)))
	refused(abi.ErrMismatch, second(w.OpenCollection(w.ctx, w.owner, w.second, w.second)))
	refused(abi.ErrMismatch, second(w.OpenCollection(w.ctx, w.reader, w.first, nil)))
	refusedAtAll(abi.OpOpenCollection, second(w.OpenCollection(w.ctx, w.owner, w.owner, nil)))
}

// share opens the document as the owner, as the reader and as others.
func (w *world) share() {
	g := get(w.OpenGrant(w.ctx, w.owner, w.second, w.reader, w.grant, w.transformKey))
	same(g.Grant, item("grant"))
	same(g.Reader, w.readerID)
	same(g.Collection, w.collection)
	get(w.OpenGrant(w.ctx, w.owner, nil, nil, w.grant, nil))
	refused(abi.ErrMismatch, second(w.OpenGrant(w.ctx, w.owner, w.second, w.author, w.grant, w.transformKey)))
	refused(abi.ErrMismatch, second(w.OpenGrant(w.ctx, w.owner, w.first, w.reader, w.grant, w.transformKey)))
	refused(abi.ErrMismatch, second(w.OpenGrant(w.ctx, w.reader, nil, nil, w.grant, nil)))
	_, other := w.newGrant(w.second, w.reader, item("another grant"))
	refused(abi.ErrMismatch, second(w.OpenGrant(w.ctx, w.owner, w.second, w.reader, w.grant, other)))

	v := get(w.OpenKeyRecord(w.ctx, w.owner, w.second, w.document.record, w.document.value))
	same(v.Key, item("document"))
	same(v.Payload == nil, true)
	equal(get(w.open(w.ownerSeed, w.owner, w.owner, w.second, w.document)), w.document.key)
	k := w.transformed(w.document)
	equal(get(w.open(w.readerSeed, w.reader, w.owner, w.second, k)), w.document.key)
	refusedAtAll(abi.OpOpenKey, second(w.open(w.authorSeed, w.author, w.owner, w.second, k)))
	refusedAtAll(abi.OpOpenKey, second(w.open(w.readerSeed, w.reader, w.owner, w.second, w.document)))
	refusedAtAll(abi.OpOpenKey, second(w.open(w.ownerSeed, w.owner, w.author, w.second, w.document)))
	refusedAtAll(abi.OpOpenKey, second(w.open(w.ownerSeed, w.reader, w.owner, w.second, k)))
	refusedAtAll(abi.OpTransformKeyValue, second(w.TransformKeyValue(w.ctx, w.serviceSeed, k.value, w.transformKey)))
	stranger := w.document
	stranger.value = get(w.TransformKeyValue(w.ctx, w.readerSeed, w.document.value, w.transformKey))
	refusedAtAll(abi.OpOpenKey, second(w.open(w.readerSeed, w.reader, w.owner, w.second, stranger)))
}

// deposit lets the listed author add a document with contents, and nobody else.
func (w *world) deposit() {
	payload := &abi.Payload{Length: 1 << 40, Hash: [32]byte(seedOf("payload"))}
	k := w.newKey(w.authorSeed, w.author, w.second, item("deposit"), payload)
	v := get(w.OpenKeyRecord(w.ctx, w.author, w.second, k.record, k.value))
	same(v.Author, w.authorID)
	same(v.Payload != nil && *v.Payload == *payload, true)
	equal(get(w.open(w.ownerSeed, w.owner, w.author, w.second, k)), k.key)
	equal(get(w.open(w.readerSeed, w.reader, w.author, w.second, w.transformed(k))), k.key)
	refused(abi.ErrMismatch, third(w.NewKey(w.ctx, w.readerSeed, w.reader, w.second, item("x"))))
	refused(abi.ErrMismatch, second(w.OpenKeyRecord(w.ctx, w.author, w.second, k.record, w.document.value)))
	swapped := k
	swapped.value = w.document.value
	refused(abi.ErrMismatch, second(w.open(w.ownerSeed, w.owner, w.author, w.second, swapped)))
}

// revoke removes the reader and opens the next epoch.
func (w *world) revoke() {
	const when = 1_800_000_000_123
	record := get(w.NewRevocation(w.ctx, w.ownerSeed, w.owner, w.second, w.readerID, item("revocation"), when))
	v := get(w.OpenRevocation(w.ctx, w.owner, record))
	same(v.Revocation, item("revocation"))
	same(v.Reader, w.readerID)
	same(v.Time, when)
	same(v.Sequence, 1)
	refused(abi.ErrMismatch, second(w.OpenRevocation(w.ctx, w.reader, record)))

	receipt := get(w.NewReceipt(w.ctx, w.serviceSeed, w.service, record, when+1, 3))
	time, destroyed := get2(w.OpenReceipt(w.ctx, w.service, record, receipt))
	same(time, when+1)
	same(destroyed, 3)
	other := get(w.NewRevocation(w.ctx, w.ownerSeed, w.owner, w.second, w.readerID, item("other"), when))
	refused(abi.ErrMismatch, third(w.OpenReceipt(w.ctx, w.service, other, receipt)))

	w.third = w.next(w.second, 1, "salt 1")
	a := get(w.OpenCollection(w.ctx, w.owner, w.second, nil))
	b := get(w.OpenCollection(w.ctx, w.owner, w.third, w.second))
	same(b.Epoch, 1)
	differ(a.PublicKey, b.PublicKey)
	k := w.newKey(w.ownerSeed, w.owner, w.third, item("after"), nil)
	equal(get(w.open(w.ownerSeed, w.owner, w.owner, w.third, k)), k.key)
	old := w.transformed(k)
	refusedAtAll(abi.OpOpenKey, second(w.open(w.readerSeed, w.reader, w.owner, w.third, old)))
	equal(get(w.open(w.ownerSeed, w.owner, w.owner, w.second, w.document)), w.document.key)
	_, err := w.NewCollection(w.ctx, w.ownerSeed, w.owner, w.second, &abi.CollectionFields{
		Service: w.serviceID, Collection: w.collection, Epoch: 1, Suite: w.number, Salt: [32]byte(seedOf("salt 0")),
	})
	refused(abi.ErrMismatch, err)
}

// damage changes, cuts and lengthens every kind of record: nothing of it opens.
func damage(s suite) {
	w := newWorld(s, suite256)
	revocation := get(s.NewRevocation(s.ctx, w.ownerSeed, w.owner, w.second, w.readerID, item("revocation"), 1))
	receipt := get(s.NewReceipt(s.ctx, w.serviceSeed, w.service, revocation, 1, 1))
	for _, r := range []struct {
		op     abi.Op
		record []byte
		open   func(record []byte) error
	}{
		{abi.OpOpenIdentity, w.owner, func(b []byte) error { return second(s.OpenIdentity(s.ctx, b)) }},
		{abi.OpOpenService, w.service, func(b []byte) error { return second(s.OpenService(s.ctx, b)) }},
		{abi.OpOpenCollection, w.second, func(b []byte) error { return second(s.OpenCollection(s.ctx, w.owner, b, nil)) }},
		{abi.OpOpenGrant, w.grant, func(b []byte) error { return second(s.OpenGrant(s.ctx, w.owner, nil, nil, b, nil)) }},
		{abi.OpOpenGrant, w.transformKey, func(b []byte) error {
			return second(s.OpenGrant(s.ctx, w.owner, w.second, w.reader, w.grant, b))
		}},
		{abi.OpOpenKeyRecord, w.document.record, func(b []byte) error {
			return second(s.OpenKeyRecord(s.ctx, w.owner, w.second, b, nil))
		}},
		{abi.OpOpenKeyRecord, w.document.value, func(b []byte) error {
			return second(s.OpenKeyRecord(s.ctx, w.owner, w.second, w.document.record, b))
		}},
		{abi.OpOpenRevocation, revocation, func(b []byte) error { return second(s.OpenRevocation(s.ctx, w.owner, b)) }},
		{abi.OpOpenReceipt, receipt, func(b []byte) error { return third(s.OpenReceipt(s.ctx, w.service, revocation, b)) }},
	} {
		ok(r.open(r.record))
		n := len(r.record)
		for i := 0; i < n; i += 1 + n/12 {
			refusedAtAll(r.op, r.open(flip(r.record, i)))
		}
		refusedAtAll(r.op, r.open(flip(r.record, n-1)))
		refusedAtAll(r.op, r.open(r.record[:n-1]))
		refusedAtAll(r.op, r.open(r.record[1:]))
		refusedAtAll(r.op, r.open(append(bytes.Clone(r.record), 0)))
	}
}
