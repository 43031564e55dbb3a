package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// edgeJob is the type of the record of a job for an edge.
const edgeJob = "edge job"

// TicketSize is the length of a ticket: when it expires, and the service's signature.
const TicketSize = 8 + signatureSize

// ticketBody returns what the signature of a ticket covers: that the edge with this recrypt
// signing key may transform the value of a key record for a reader.
func ticketBody(service [32]byte, edge []byte, reader [32]byte, expires uint64, record [32]byte) []byte {
	w := newWriter("edge ticket")
	w.id(service)
	w.raw(edge)
	w.id(reader)
	w.u64(expires)
	w.id(record)
	return w.b
}

// SealEdgeJob makes the job of transforming values for a reader, sealed to an edge that the
// service's operator has enrolled: with the transform key, and with a ticket for each value.
// expires is in Unix ms, and items are at least one and at most abi.MaxBatch.
//
// The transform key is not looked at, nor do values tell whose key record is which: the
// service has verified that before it stored them.
//
// Errors: those of OpenService and OpenIdentity, StatusMismatch for another seed or a value that was
// transformed already, StatusSuite for an edge without a key of the suite of the transform
// key or a value of another suite, StatusTooLarge for too many items, and StatusMalformed.
func SealEdgeJob(serviceSeed, service, edge []byte, reader [32]byte, expires uint64, transformKey []byte, items []abi.EdgeItem) ([]byte, error) {
	at, err := openService(service)
	if err != nil {
		return nil, err
	}
	signer, err := unlock(serviceSeed, at.SigningKey)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	to, err := openIdentity(edge)
	if err != nil {
		return nil, err
	}
	s, err := suiteOfTransformKey(transformKey)
	if err != nil {
		return nil, err
	}
	if err := checkEdgeItems(s, items); err != nil {
		return nil, err
	}
	plain := make([]byte, 0, len(transformKey)+len(items)*(TicketSize+s.EncryptedValueSize(0)))
	defer func() { clear(plain) }()
	plain = append(plain, transformKey...)
	for _, item := range items {
		plain = binary.BigEndian.AppendUint64(plain, expires)
		plain = append(plain, signer.Sign(ticketBody(at.ID, to.RecryptKey[:], reader, expires, item.Record))...)
		plain = append(plain, item.Value...)
	}
	w := newWriter(edgeJob)
	w.id(at.ID)
	w.id(to.ID)
	w.id(reader)
	w.u64(expires)
	w.u8(uint8(s))
	if err := w.sealTo(to.key(s), serviceSeed, plain); err != nil {
		return nil, err
	}
	w.raw(signer.Sign(w.b))
	return w.b, nil
}

// checkEdgeItems looks at number, suite and level of the values of a job.
func checkEdgeItems(s recrypt.Suite, items []abi.EdgeItem) error {
	switch {
	case len(items) == 0:
		return malformed("edge job has no items")
	case len(items) > abi.MaxBatch:
		return abi.ErrTooLarge
	}
	for _, item := range items {
		switch of := suiteOfValue(item.Value); {
		case of == 0:
			return malformed("encrypted value is malformed")
		case of != s:
			return unknownSuite("encrypted value is of another suite")
		case len(item.Value) != s.EncryptedValueSize(0):
			return errTransformed
		}
	}
	return nil
}

// sealTo appends a fresh plaintext, encrypted to a public key and signed by the service, and
// a secret, encrypted under a key of that plaintext and of everything before.
func (w *writer) sealTo(to *recrypt.PublicKey, serviceSeed, secret []byte) error {
	if to == nil {
		return unknownSuite("edge has no key of the suite of the transform key")
	}
	inner, err := recryptKey(serviceSeed)
	if err != nil {
		return err
	}
	defer inner.Wipe()
	m, err := recrypt.GeneratePlaintext(to.Suite())
	if err != nil {
		return schemeError(err, "plaintext cannot be drawn")
	}
	defer m.Wipe()
	value, err := recrypt.Encrypt(m, to, inner)
	if err != nil {
		return schemeError(err, "plaintext cannot be encrypted")
	}
	w.raw(value.Bytes())
	key := m.SymmetricKey()
	defer clear(key)
	sealed, err := sealUnder(key, string(w.b), secret)
	if err != nil {
		return err
	}
	w.raw(sealed)
	return nil
}

// RunEdgeJob does a job that SealEdgeJob made, with the seed of the edge's identity, 32
// bytes: it returns a transformed value, signed by the edge, with its ticket, or an error
// for each item, in order; or one error. now is the time in Unix ms. stopped is asked between steps (see
// NextStep); once it is true, the items that are left get abi.ErrStopped.
//
// Errors: those of OpenService and OpenIdentity, StatusSignature for a job that the service
// has not signed, StatusMismatch for another seed, a job of another service or for another
// edge, or one that has expired, StatusDecrypt, and StatusMalformed.
func RunEdgeJob(edgeSeed, edge, service []byte, now uint64, job []byte, stopped func() bool) (values, tickets [][]byte, errs []error, err error) {
	at, err := openService(service)
	if err != nil {
		return nil, nil, nil, err
	}
	me, signer, err := unlockIdentity(edgeSeed, edge)
	if err != nil {
		return nil, nil, nil, err
	}
	signer.Wipe()
	s, plain, err := openEdgeJob(edgeSeed, me, at, now, job)
	if err != nil {
		return nil, nil, nil, err
	}
	defer clear(plain)
	size := s.TransformKeySize()
	each := TicketSize + s.EncryptedValueSize(0)
	if len(plain) < size {
		return nil, nil, nil, malformed("edge job has no transform key")
	}
	k, err := prepareKey(s, plain[:size])
	if err != nil {
		return nil, nil, nil, err
	}
	defer k.Wipe()
	inner, err := recryptKey(edgeSeed)
	if err != nil {
		return nil, nil, nil, err
	}
	defer inner.Wipe()
	for rest := plain[size:]; len(rest) > 0; rest = rest[each:] {
		if len(rest) < each {
			return nil, nil, nil, malformed("edge job has an item of another length")
		}
		tickets = append(tickets, bytes.Clone(rest[:TicketSize]))
		values = append(values, rest[TicketSize:each])
	}
	values, errs = transformAll(k, inner, values, stopped)
	return values, tickets, errs, nil
}

// prepareKey decodes, verifies and prepares a transform key.
func prepareKey(s recrypt.Suite, b []byte) (*recrypt.PreparedTransformKey, error) {
	t, err := recrypt.NewTransformKey(s, b)
	if err != nil {
		return nil, schemeError(err, "transform key is malformed")
	}
	defer t.Wipe()
	k, err := t.Prepare()
	if err == recrypt.ErrTransformKey {
		// Its encoding was checked above: what is left is its signature.
		return nil, unsigned("signature of the transform key does not verify")
	}
	if err != nil {
		return nil, schemeError(err, "transform key cannot be prepared")
	}
	return k, nil
}

// openEdgeJob verifies a job and opens what is sealed in it, for the caller to wipe.
func openEdgeJob(seed []byte, me *person, at *service, now uint64, job []byte) (recrypt.Suite, []byte, error) {
	r := newReader(edgeJob, job)
	of, to, _, expires := r.id(), r.id(), r.id(), r.u64()
	s := r.suite()
	value := r.take(s.EncryptedValueSize(0))
	info := r.body()
	sealed := r.take(max(0, len(job)-r.off-signatureSize))
	body := r.body()
	signature := r.signature()
	if err := r.end(); err != nil {
		return 0, nil, err
	}
	switch {
	case of != at.ID:
		return 0, nil, mismatch("edge job is of another service")
	case to != me.ID:
		return 0, nil, mismatch("edge job is for another edge")
	case now >= expires:
		return 0, nil, mismatch("edge job has expired")
	case me.key(s) == nil:
		return 0, nil, unknownSuite("edge has no key of the suite of the job")
	}
	if err := verify(at.SigningKey, body, signature, "signature of the edge job does not verify"); err != nil {
		return 0, nil, err
	}
	encrypted, err := parseValue(s, value)
	if err != nil {
		return 0, nil, err
	}
	private, err := encryptionKey(seed, s)
	if err != nil {
		return 0, nil, err
	}
	defer private.Wipe()
	m, err := private.Decrypt(encrypted)
	if err != nil {
		return 0, nil, schemeError(err, "edge job cannot be opened")
	}
	defer m.Wipe()
	key := m.SymmetricKey()
	defer clear(key)
	plain, err := openUnder(key, string(info), sealed)
	return s, plain, err
}

// checkTicket verifies that a value which was transformed once comes from an edge to which the
// service has given a ticket: for this reader, and for the key record.
func (o *opener) checkTicket(value *recrypt.EncryptedValue, record, ticket []byte) error {
	if len(ticket) != TicketSize {
		return malformed("ticket does not have 72 bytes")
	}
	edge := [32]byte(value.Signer().Bytes())
	body := ticketBody(o.at.ID, edge[:], o.me.ID, binary.BigEndian.Uint64(ticket), sha256.Sum256(record))
	if err := verify(o.at.SigningKey, body, ticket[8:], "ticket does not verify"); err != nil {
		return err
	}
	return checkSigner(value, edge)
}
