package protocol

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// service is a parsed service record.
type service struct {
	abi.Service
	ext       []byte
	body      []byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *service) writeBody(w *writer) {
	w.u32(v.Version)
	w.id(zero32)
	w.id(zero32)
	w.id(v.SigningKey)
	w.id(v.RecryptKey)
	w.bytes16(v.ext)
}

// parseService reads a service record.
func parseService(record []byte) (*service, error) {
	r := newReader("service", record)
	v := &service{}
	if v.Version, _, _ = r.version(); v.Version > 1 {
		r.fail("is of a later version, which this build does not know")
	}
	v.SigningKey, v.RecryptKey = r.verifyingKey(), r.verifyingKey()
	if r.err == nil && v.SigningKey == v.RecryptKey {
		r.fail("uses one signing key for two purposes")
	}
	v.ext, v.body = r.extensions(), r.body()
	v.signature = r.signature()
	if err := r.end(); err != nil {
		return nil, err
	}
	v.ID = sha256.Sum256(v.body)
	return v, nil
}

// openService parses a service record and verifies its signature.
func openService(record []byte) (*service, error) {
	v, err := parseService(record)
	if err != nil {
		return nil, err
	}
	if err := verify(v.SigningKey, v.body, v.signature, "signature of the service does not verify"); err != nil {
		return nil, err
	}
	return v, nil
}

// NewService makes the record of a server from its seed of 32 bytes. The same
// seed gives the same bytes.
func NewService(seed []byte) ([]byte, error) {
	signer, err := recordKey(seed)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	v := &service{}
	v.Version = 1
	if v.SigningKey, v.RecryptKey, err = signingKeys(seed); err != nil {
		return nil, err
	}
	w := newWriter("service")
	v.writeBody(w)
	w.raw(signer.Sign(w.b))
	return w.b, nil
}

// OpenService verifies a service record. The errors have StatusMalformed (also
// for versions other than 1) or StatusSignature.
func OpenService(record []byte) (*abi.Service, error) {
	v, err := openService(record)
	if err != nil {
		return nil, err
	}
	return &v.Service, nil
}
