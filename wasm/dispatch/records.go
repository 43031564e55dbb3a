package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// recordOperations are the operations of package protocol.
var recordOperations = []operation{
	{op: abi.OpParseID, args: 1, run: parseID},
	{op: abi.OpFormatID, args: 2, run: formatID},
	{op: abi.OpSealSeed, args: 5, run: sealSeed, secret: true},
	{op: abi.OpOpenSeed, args: 2, run: openSeed, secret: true},
	{op: abi.OpSealedInfo, args: 1, run: sealedInfo},
	{op: abi.OpNewIdentity, args: 3, run: newIdentity},
	{op: abi.OpOpenIdentity, args: 1, run: openIdentity},
	{op: abi.OpNewIdentityVersion, args: 3, run: newIdentityVersion},
	{op: abi.OpNewService, args: 1, run: newService},
	{op: abi.OpOpenService, args: 1, run: openService},
	{op: abi.OpDefaultCollection, args: 2, run: defaultCollection},
	{op: abi.OpNewCollection, args: 13, run: newCollection},
	{op: abi.OpOpenCollection, args: 3, run: openCollection},
	{op: abi.OpReadersHash, args: 1, run: readersHash},
	{op: abi.OpSealTitle, args: 4, run: sealTitle},
	{op: abi.OpOpenTitle, args: 3, run: openTitle, secret: true},
	{op: abi.OpNewGrant, args: 12, run: newGrant, secret: true},
	{op: abi.OpOpenGrant, args: 5, run: openGrant},
	{op: abi.OpNewGrants, args: 4, run: newGrants, secret: true},
	{op: abi.OpOpenGrants, args: 3, run: openGrants},
	{op: abi.OpNewKey, args: 4, run: newKey, secret: true},
	{op: abi.OpNewKeyRecord, args: 9, run: newKeyRecord},
	{op: abi.OpOpenKeyRecord, args: 4, run: openKeyRecord},
	{op: abi.OpOpenKey, args: 7, run: openKey, secret: true},
	{op: abi.OpTransformKeyValue, args: 3, run: transformKeyValue},
	{op: abi.OpTransformKeyValues, args: 3, run: transformKeyValues},
	{op: abi.OpOpenKeys, args: 4, run: openKeys, secret: true},
	{op: abi.OpNewRevocation, args: 6, run: newRevocation},
	{op: abi.OpOpenRevocation, args: 2, run: openRevocation},
	{op: abi.OpNewReceipt, args: 5, run: newReceipt},
	{op: abi.OpOpenReceipt, args: 3, run: openReceipt},
	{op: abi.OpSignRequest, args: 11, run: signRequest},
	{op: abi.OpVerifyRequest, args: 12, run: verifyRequest},
	{op: abi.OpSignCheckpoint, args: 3, run: signCheckpoint},
	{op: abi.OpNewHeader, args: 5, run: newHeader},
	{op: abi.OpOpenHeader, args: 1, run: openHeader},
}

// one returns b as the only result, unless there was an error.
func one(b []byte, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return results(b)
}

// The sizes in bytes of what has one size in every record.
const (
	seedSize = 32
	idSize   = 32 // identities, services, hashes
	itemSize = 16 // collections, grants, keys, revocations
)

// id reads an id of an identity or service, or a hash.
func (a *args) id() (id [idSize]byte) {
	copy(id[:], a.Fixed(idSize))
	return id
}

// item reads an id that a client chose.
func (a *args) item() (id [itemSize]byte) {
	copy(id[:], a.Fixed(itemSize))
	return id
}

// list splits a frame into pieces of n bytes.
func (a *args) list(n int) [][]byte {
	b := a.Bytes()
	if len(b)%n != 0 {
		a.fault = abi.ErrMalformed
		return nil
	}
	var out [][]byte
	for ; len(b) > 0; b = b[n:] {
		out = append(out, b[:n])
	}
	return out
}

func parseID(a *args) ([][]byte, error) {
	text := a.Text()
	if err := a.check(); err != nil {
		return nil, err
	}
	kind, id, err := protocol.ParseID(text)
	if err != nil {
		return nil, err
	}
	return results(abi.U8(kind), id[:])
}

func formatID(a *args) ([][]byte, error) {
	kind, id := a.U8(), a.id()
	if err := a.check(); err != nil {
		return nil, err
	}
	text, err := protocol.FormatID(kind, id)
	return one([]byte(text), err)
}

func sealSeed(a *args) ([][]byte, error) {
	passphrase, kind, secret := a.Bytes(), a.U8(), a.Fixed(seedSize)
	memory, passes := a.U32(), a.U32()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.SealSecret(passphrase, kind, secret, memory, passes))
}

func openSeed(a *args) ([][]byte, error) {
	passphrase, sealed := a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	kind, secret, err := protocol.OpenSecret(passphrase, sealed)
	if err != nil {
		return nil, err
	}
	return results(abi.U8(kind), secret)
}

func sealedInfo(a *args) ([][]byte, error) {
	sealed := a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	kind, needs, memory, passes, err := protocol.SealedInfo(sealed)
	if err != nil {
		return nil, err
	}
	return results(abi.U8(kind), flag(needs), abi.U32(memory), abi.U32(passes))
}

// flag returns a truth value as one byte.
func flag(v bool) []byte {
	if v {
		return abi.U8(1)
	}
	return abi.U8(0)
}

func newIdentity(a *args) ([][]byte, error) {
	seed, recovery, suites := a.Fixed(seedSize), a.Fixed(seedSize), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewIdentity(seed, recovery, suites))
}

func newIdentityVersion(a *args) ([][]byte, error) {
	seed, identity, suites := a.Fixed(seedSize), a.Bytes(), a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewIdentityVersion(seed, identity, suites))
}

func openIdentity(a *args) ([][]byte, error) {
	identity := a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenIdentity(identity)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for _, k := range v.Keys {
		keys = append(keys, abi.U8(k.Suite), k.PublicKey)
	}
	return results(v.ID[:], abi.U32(v.Version), v.SigningKey[:], v.RecryptKey[:], v.RecoveryHash[:], abi.Pack(keys...), abi.U32(v.Since))
}

func newService(a *args) ([][]byte, error) {
	seed := a.Fixed(seedSize)
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewService(seed))
}

func openService(a *args) ([][]byte, error) {
	record := a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	v, err := protocol.OpenService(record)
	if err != nil {
		return nil, err
	}
	return results(v.ID[:], abi.U32(v.Version), v.SigningKey[:], v.RecryptKey[:])
}

func newHeader(a *args) ([][]byte, error) {
	h := abi.Header{Key: a.item(), Collection: a.item(), Epoch: a.U32(), Author: a.id(), Server: a.Text()}
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.NewHeader(&h))
}

func openHeader(a *args) ([][]byte, error) {
	prefix := a.Bytes()
	if err := a.check(); err != nil {
		return nil, err
	}
	h, err := protocol.OpenHeader(prefix)
	if err != nil {
		return nil, err
	}
	return results(h.Key[:], h.Collection[:], abi.U32(h.Epoch), h.Author[:], []byte(h.Server), abi.U32(uint32(h.Length)))
}

// request reads the parts of a signed request, in the order of the boundary.
func (a *args) request() *abi.Request {
	return &abi.Request{
		KeyID: a.Text(), Method: a.Text(), Authority: a.Text(), Path: a.Text(), Query: a.Text(),
		BodyHash: a.FixedOrEmpty(idSize), IdempotencyKey: a.Text(), Created: a.U64(), Expires: a.U64(), Nonce: a.Text(),
	}
}

func signRequest(a *args) ([][]byte, error) {
	seed, q := a.Fixed(seedSize), a.request()
	if err := a.check(); err != nil {
		return nil, err
	}
	input, signature, digest, err := protocol.SignRequest(seed, q)
	if err != nil {
		return nil, err
	}
	return results([]byte(input), []byte(signature), []byte(digest))
}

func verifyRequest(a *args) ([][]byte, error) {
	key, q, signature := a.id(), a.request(), a.Fixed(64)
	if err := a.check(); err != nil {
		return nil, err
	}
	return nil, protocol.VerifyRequest(key, q, signature)
}

func signCheckpoint(a *args) ([][]byte, error) {
	seed, service, text := a.Fixed(seedSize), a.Bytes(), a.Text()
	if err := a.check(); err != nil {
		return nil, err
	}
	return one(protocol.SignCheckpoint(seed, service, text))
}
