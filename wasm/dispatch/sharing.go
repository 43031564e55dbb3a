package dispatch

import (
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// readers reads a list of readers: id and version, 36 bytes each.
func (a *args) readers() []abi.ReaderRef {
	var out []abi.ReaderRef
	for _, b := range a.list(idSize + 4) {
		out = append(out, abi.ReaderRef{ID: [idSize]byte(b[:idSize]), Version: binary.LittleEndian.Uint32(b[idSize:])})
	}
	return out
}

func defaultCollection(a *args) ([][]byte, error) {
	seed, service := a.Fixed(seedSize), a.id()
	if err := a.check(); err != nil {
		return nil, err
	}
	id, err := protocol.DefaultCollection(seed, service)
	return one(id[:], err)
}

func newCollection(a *args) ([][]byte, error) {
	var f abi.CollectionFields
	seed, owner := a.Fixed(seedSize), a.Bytes()
	f.Service = a.id()
	previous := a.Bytes()
	f.Collection, f.Epoch, f.Suite, f.Salt = a.item(), a.U32(), a.U8(), a.id()
	f.Readers, f.Deposit = a.readers(), a.U8()
	for _, b := range a.list(idSize) {
		f.Authors = append(f.Authors, [idSize]byte(b))
	}
	f.Title, f.Extensions = a.Bytes(), a.Extensions()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewCollection(seed, owner, previous, &f))
}

func openCollection(a *args) ([][]byte, error) {
	owner, record, previous := a.Bytes(), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenCollection(owner, record, previous)
	if err != nil {
		return nil, err
	}
	return results(v.Service[:], v.Owner[:], abi.U32(v.OwnerVersion), v.Collection[:], abi.U32(v.Epoch),
		abi.U64(v.Sequence), v.Previous[:], abi.U8(v.Suite), v.PublicKey, v.Salt[:], v.ReadersHash[:],
		abi.U8(v.Deposit), abi.Join(v.Authors), v.Title, v.Hash[:], v.Extensions.Encode())
}

func readersHash(a *args) ([][]byte, error) {
	readers := a.readers()
	if err := a.check(); err != nil {
		return nil, err
	}
	hash, err := protocol.ReadersHash(readers)
	return one(hash[:], err)
}

func sealTitle(a *args) ([][]byte, error) {
	seed, service, collection, text := a.Fixed(seedSize), a.id(), a.item(), a.Text()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.SealTitle(seed, service, collection, text))
}

func openTitle(a *args) ([][]byte, error) {
	seed, own, collection := a.Fixed(seedSize), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	text, err := protocol.OpenTitle(seed, own, collection)
	return one([]byte(text), err)
}

// grantFields reads what an owner chooses of a grant.
func (a *args) grantFields() abi.GrantFields {
	f := abi.GrantFields{Grant: a.item(), Kind: a.U8()}
	for _, b := range a.list(itemSize) {
		f.Scope = append(f.Scope, [itemSize]byte(b))
	}
	f.NotBefore, f.Expires, f.Wait, f.Uses, f.Extensions = a.U64(), a.U64(), a.U64(), a.U32(), a.Extensions()
	return f
}

func newGrant(a *args) ([][]byte, error) {
	seed, owner, collection, reader := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.Bytes()
	f := a.grantFields()
	if err := a.check(); err != nil {
		return nil, err
	}
	grant, transformKey, err := protocol.NewGrant(seed, owner, collection, reader, &f)
	if err != nil {
		return nil, err
	}
	return results(grant, transformKey)
}

func openGrant(a *args) ([][]byte, error) {
	owner, collection, reader, grant, transformKey := a.Bytes(), a.Bytes(), a.Bytes(), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenGrant(owner, collection, reader, grant, transformKey)
	if err != nil {
		return nil, err
	}
	return grantView(v), nil
}

// grantView returns what a grant says, one frame each.
func grantView(v *abi.Grant) [][]byte {
	return [][]byte{v.Grant[:], v.Service[:], v.Owner[:], abi.U32(v.OwnerVersion), v.Collection[:], abi.U32(v.Epoch),
		abi.U8(v.Suite), v.CollectionHash[:], v.Reader[:], abi.U32(v.ReaderVersion), v.TransformKeyHash[:],
		abi.U8(v.Kind), abi.Join(v.Scope), abi.U64(v.NotBefore), abi.U64(v.Expires), abi.U64(v.Wait), abi.U32(v.Uses), v.Extensions.Encode()}
}

func newKey(a *args) ([][]byte, error) {
	seed, author, collection, key := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.item()
	if err := a.check(); err != nil {
		return nil, err
	}
	documentKey, value, err := protocol.NewKey(seed, author, collection, key)
	if err != nil {
		return nil, err
	}
	return results(documentKey, value)
}

func newKeyRecord(a *args) ([][]byte, error) {
	seed, author, collection, key, value := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.item(), a.Bytes()
	payload, ext := a.payload(), a.Extensions()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewKeyRecord(seed, author, collection, key, value, payload, ext))
}

// payload reads what OpNewKeyRecord is told of a payload: whether there is one, its
// length and its hash. Without one the length is 0 and the hash empty.
func (a *args) payload() *abi.Payload {
	has, p, hash := a.U8(), abi.Payload{Length: a.U64()}, a.FixedOrEmpty(idSize)
	copy(p.Hash[:], hash)
	switch {
	case has == 1 && len(hash) == idSize:
		return &p
	case has != 0 || p.Length != 0 || len(hash) != 0:
		a.fault = abi.ErrMalformed
	}
	return nil
}

func openKeyRecord(a *args) ([][]byte, error) {
	author, collection, record, value := a.Bytes(), a.Bytes(), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenKeyRecord(author, collection, record, value)
	if err != nil {
		return nil, err
	}
	var length uint64
	var hash []byte
	if v.Payload != nil {
		length, hash = v.Payload.Length, v.Payload.Hash[:]
	}
	return results(v.Key[:], v.Service[:], v.Owner[:], v.Collection[:], abi.U32(v.Epoch), v.Author[:],
		abi.U32(v.AuthorVersion), abi.U8(v.Suite), flag(v.Payload != nil), abi.U64(length), hash, v.Extensions.Encode())
}

func openKey(a *args) ([][]byte, error) {
	seed, own, author, collection := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.Bytes()
	service, record, value := a.Bytes(), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.OpenKey(seed, own, author, collection, service, record, value))
}

func transformKeyValue(a *args) ([][]byte, error) {
	seed, value, transformKey := a.Fixed(seedSize), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.TransformKeyValue(seed, value, transformKey))
}

func newRevocation(a *args) ([][]byte, error) {
	seed, owner, collection := a.Fixed(seedSize), a.Bytes(), a.Bytes()
	reader, id, unixMilli := a.id(), a.item(), a.U64()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewRevocation(seed, owner, collection, reader, id, unixMilli))
}

func openRevocation(a *args) ([][]byte, error) {
	owner, revocation := a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenRevocation(owner, revocation)
	if err != nil {
		return nil, err
	}
	return results(v.Revocation[:], v.Service[:], v.Owner[:], abi.U32(v.OwnerVersion), v.Collection[:],
		abi.U64(v.Sequence), v.Reader[:], abi.U64(v.Time))
}

func newReceipt(a *args) ([][]byte, error) {
	seed, service, revocation, unixMilli, destroyed := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.U64(), a.U32()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewReceipt(seed, service, revocation, unixMilli, destroyed))
}

func openReceipt(a *args) ([][]byte, error) {
	service, revocation, receipt := a.Bytes(), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	unixMilli, destroyed, err := protocol.OpenReceipt(service, revocation, receipt)
	if err != nil {
		return nil, err
	}
	return results(abi.U64(unixMilli), abi.U32(destroyed))
}
