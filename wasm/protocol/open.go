package protocol

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// OpenKeys is OpenKey for many keys: seed, own and service are the caller's and the
// server's, the same for all items. An item may have a ticket: then its value was
// transformed by the edge to which the service gave it, for this reader and this key record. It returns a document key or an error for each item,
// in order, or one error if seed and own do not fit together.
//
// Records that several items have in common, byte for byte, are verified once, and the
// values are decrypted together. stopped is asked before each item is verified and
// between steps of decryption; once it is true, the items that are left get
// abi.ErrStopped.
func OpenKeys(seed, own, service []byte, items []abi.KeyItem, stopped func() bool) ([][]byte, []error, error) {
	o, err := newOpener(seed, own, service)
	if err != nil {
		return nil, nil, err
	}
	defer o.wipe()
	list, errs := make([]opening, len(items)), make([]error, len(items))
	for i := range items {
		if stopped() {
			errs[i] = abi.ErrStopped
		} else {
			list[i], errs[i] = o.verify(&items[i])
		}
	}
	out := make([][]byte, len(items))
	for _, k := range o.keys {
		k.decrypt(list, out, errs, stopped)
	}
	return out, errs, nil
}

// An opening is an item whose records and whose value were verified.
type opening struct {
	record *keyRecord
	value  *recrypt.EncryptedValue
	key    *openingKey
}

// An openingKey is a private key with the items that it opens.
type openingKey struct {
	suite   recrypt.Suite
	epoch   *collection // whose key it is; nil for the reader's own
	older   *openingKey // the reader's own before this one, if there is one
	private *recrypt.PrivateKey
}

// decrypt decrypts the values that k opens, in steps. A value does not tell for which of
// the reader's own keys it was transformed: what one does not open, the one before gets.
func (k *openingKey) decrypt(list []opening, out [][]byte, errs []error, stopped func() bool) {
	values := make([]*recrypt.EncryptedValue, 0, BatchStep)
	index := make([]int, 0, BatchStep)
	flush := func() {
		plaintexts, failures := k.private.DecryptMany(values)
		for j, i := range index {
			if failures[j] != nil {
				if k.older != nil {
					list[i].key = k.older
					continue
				}
				errs[i] = schemeError(failures[j], "encrypted value cannot be opened")
				continue
			}
			out[i] = documentKey(&list[i].record.KeyRecord, plaintexts[j])
			plaintexts[j].Wipe()
		}
		values, index = values[:0], index[:0]
	}
	for i := range list {
		switch {
		case list[i].key != k:
			continue
		case stopped():
			errs[i] = abi.ErrStopped
			continue
		}
		values, index = append(values, list[i].value), append(index, i)
		if len(values) == BatchStep {
			flush()
		}
	}
	flush()
}

// An opener opens document keys for one person, and remembers what it has verified.
type opener struct {
	seed        []byte
	me          *person
	service     []byte
	at          *service // nil until a transformed value was seen
	persons     []remembered[*person]
	collections []remembered[*collection]
	keys        []*openingKey
}

// remembered is what was made of records that were verified.
type remembered[T any] struct {
	records [2][]byte
	made    T
}

// recall returns what was made of the records, or makes it and remembers it.
func recall[T any](list *[]remembered[T], make func() (T, error), records ...[]byte) (T, error) {
	var key [2][]byte
	copy(key[:], records)
	for _, r := range *list {
		if bytes.Equal(r.records[0], key[0]) && bytes.Equal(r.records[1], key[1]) {
			return r.made, nil
		}
	}
	made, err := make()
	if err == nil {
		*list = append(*list, remembered[T]{key, made})
	}
	return made, err
}

// newOpener verifies the caller's identity and that it is the seed's.
func newOpener(seed, own, service []byte) (*opener, error) {
	me, signer, err := unlockIdentity(seed, own)
	if err != nil {
		return nil, err
	}
	signer.Wipe()
	o := &opener{seed: seed, me: me, service: service}
	o.persons = append(o.persons, remembered[*person]{[2][]byte{own}, me})
	return o, nil
}

func (o *opener) wipe() {
	for _, k := range o.keys {
		k.private.Wipe()
	}
}

// verify verifies everything about an item but whether its value can be decrypted.
func (o *opener) verify(item *abi.KeyItem) (opening, error) {
	by, err := recall(&o.persons, func() (*person, error) { return openIdentity(item.Author) }, item.Author)
	if err != nil {
		return opening{}, err
	}
	of, err := recall(&o.collections, func() (*collection, error) {
		return openCollection(item.Collection, o.me, by)
	}, item.Collection, item.Author)
	if err != nil {
		return opening{}, err
	}
	v, err := openKeyRecord(by, of, item.Record)
	if err != nil {
		return opening{}, err
	}
	value, err := parseValue(of.key.Suite(), item.Value)
	if err != nil {
		return opening{}, err
	}
	if err := v.checkParts(value); err != nil {
		return opening{}, err
	}
	if err := o.checkOrigin(value, v.author, of, item); err != nil {
		return opening{}, err
	}
	key, err := o.key(of, value.Level())
	if err != nil {
		return opening{}, err
	}
	return opening{v, value, key}, nil
}

// checkOrigin verifies who signed the value of an item: the author if it is fresh, the
// collection's service if it was transformed once, or with a ticket an edge.
func (o *opener) checkOrigin(value *recrypt.EncryptedValue, author *identity, of *collection, item *abi.KeyItem) error {
	if len(o.service) != 0 && o.at == nil {
		var err error
		if o.at, err = openService(o.service); err != nil {
			return err
		}
	}
	switch {
	case o.at != nil && o.at.ID != of.Service:
		return mismatch("collection belongs to another service")
	case value.Level() == 0 && len(item.Ticket) != 0:
		return mismatch("encrypted value with a ticket was not transformed")
	case value.Level() == 0:
		return checkFresh(value, author)
	case value.Level() > 1:
		return mismatch("encrypted value was transformed more than once")
	case o.at == nil:
		return malformed("service record is missing")
	case len(item.Ticket) != 0:
		return o.checkTicket(value, item.Record, item.Ticket)
	}
	return checkSigner(value, o.at.RecryptKey)
}

// key derives the private key that opens a value of a level, once: the epoch's for level
// 0, the reader's own for level 1, with those that he had before.
func (o *opener) key(of *collection, level int) (*openingKey, error) {
	k := &openingKey{suite: of.key.Suite()}
	if level == 0 {
		k.epoch = of
	}
	for _, have := range o.keys {
		if have.suite == k.suite && have.epoch == k.epoch {
			return have, nil
		}
	}
	var err error
	switch {
	case level != 0:
		k.private, err = o.own(k.suite, o.me.Version)
	case o.me.ID != of.Owner:
		err = mismatch("encrypted value is for the collection's owner")
	default:
		k.private, err = unlockEpoch(o.seed, o.me, of)
	}
	if err != nil {
		return nil, err
	}
	o.keys = append(o.keys, k)
	if level != 0 {
		o.addOlder(k)
	}
	return k, nil
}

// addOlder adds the keys that the reader had before k, as far as they are to be had.
func (o *opener) addOlder(k *openingKey) {
	for version := o.me.Since - 1; version > 0; version = o.me.versions[version-1].Since - 1 {
		private, err := o.own(k.suite, version)
		if err != nil {
			return
		}
		k.older = &openingKey{suite: k.suite, private: private}
		k = k.older
		o.keys = append(o.keys, k)
	}
}

// own derives the reader's own key of a version.
func (o *opener) own(s recrypt.Suite, version uint32) (*recrypt.PrivateKey, error) {
	public := o.me.versions[version-1].key(s)
	if public == nil {
		return nil, unknownSuite("identity has no key of the collection's suite")
	}
	seed, err := o.me.seedOf(o.seed, version)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	private, err := encryptionKey(seed, s)
	if err != nil {
		return nil, err
	}
	if !private.PublicKey().Equal(public) {
		private.Wipe()
		return nil, mismatch("seed does not belong to the record")
	}
	return private, nil
}
