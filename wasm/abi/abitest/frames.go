package abitest

import (
	"bytes"
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// allOps lists every operation with its number of arguments.
var allOps = []struct {
	op   abi.Op
	args int
}{
	{abi.OpInfo, 0}, {abi.OpSelfTest, 0}, {abi.OpGenerateKeyPair, 1}, {abi.OpPublicKey, 2}, {abi.OpGenerateSigningKeyPair, 0},
	{abi.OpGeneratePlaintext, 1}, {abi.OpDeriveSymmetricKey, 2}, {abi.OpEncrypt, 4}, {abi.OpTransformKey, 4},
	{abi.OpTransform, 4}, {abi.OpDecrypt, 3}, {abi.OpSchnorrSign, 4}, {abi.OpSchnorrVerify, 5},
	{abi.OpEd25519Sign, 2}, {abi.OpEd25519Verify, 3}, {abi.OpAddPrivateKeys, 3}, {abi.OpSubtractPrivateKeys, 3},
	{abi.OpAddPublicKeys, 3}, {abi.OpAugmentTransformKey, 3}, {abi.OpPrepareTransformKey, 2}, {abi.OpTransformPrepared, 4},
	{abi.OpDecryptMany, 3}, {abi.OpTransformKeyValues, 3}, {abi.OpOpenKeys, 4},
	{abi.OpParseID, 1}, {abi.OpFormatID, 2}, {abi.OpSealSeed, 5}, {abi.OpOpenSeed, 2}, {abi.OpSealedInfo, 1},
	{abi.OpNewIdentity, 3}, {abi.OpOpenIdentity, 1}, {abi.OpNewService, 1}, {abi.OpOpenService, 1},
	{abi.OpNewIdentityVersion, 3},
	{abi.OpDefaultCollection, 2}, {abi.OpNewCollection, 13}, {abi.OpOpenCollection, 3}, {abi.OpReadersHash, 1},
	{abi.OpNewGrant, 12}, {abi.OpOpenGrant, 5}, {abi.OpNewKey, 4}, {abi.OpNewKeyRecord, 9},
	{abi.OpOpenKeyRecord, 4}, {abi.OpOpenKey, 7}, {abi.OpTransformKeyValue, 3}, {abi.OpNewRevocation, 6},
	{abi.OpOpenRevocation, 2}, {abi.OpNewReceipt, 5}, {abi.OpOpenReceipt, 3}, {abi.OpSignRequest, 11},
	{abi.OpVerifyRequest, 12}, {abi.OpNewHeader, 5}, {abi.OpOpenHeader, 1},
	{abi.OpNewGrants, 4}, {abi.OpOpenGrants, 3}, {abi.OpSealTitle, 4}, {abi.OpOpenTitle, 3}, {abi.OpSignCheckpoint, 3},
	{abi.OpLinkSeed, 2}, {abi.OpRotateIdentity, 7}, {abi.OpCompareIdentities, 2}, {abi.OpSafetyNumber, 2}, {abi.OpOwnDefaultCollection, 3},
	{abi.OpOpenCheckpoint, 3}, {abi.OpVerifyInclusion, 5}, {abi.OpVerifyConsistency, 5}, {abi.OpLogLeaf, 4},
	{abi.OpSealEdgeJob, 7}, {abi.OpRunEdgeJob, 5}, {abi.OpOpenEdgeKeys, 4},
}

func info(s suite) {
	version, suites := get2(s.Info(s.ctx))
	same(version, abi.Version)
	equal(suites, []byte{suite256, suite480})
}

// frames sends requests that are not the right number of frames.
func frames(s suite) {
	for _, op := range []abi.Op{0, 3, 0x0100, 0x0115, 0x0200, 0x0282, 0x0292, 1 << 31, 1<<32 - 1} {
		refused(abi.ErrOperation, second(s.raw(op, nil)))
	}
	for _, o := range allOps {
		empty := bytes.Repeat(abi.Pack(nil), o.args)
		if o.args > 0 {
			refused(abi.ErrMalformed, second(s.raw(o.op, nil)))
			refused(abi.ErrMalformed, second(s.raw(o.op, empty[4:])))
			refused(abi.ErrMalformed, second(s.raw(o.op, empty[1:])))
		}
		refused(abi.ErrMalformed, second(s.raw(o.op, append(empty, 0))))
		refused(abi.ErrMalformed, second(s.raw(o.op, append(empty, 0, 0, 0, 0))))
		refused(abi.ErrMalformed, second(s.raw(o.op, append(empty, 0xff, 0xff, 0xff, 0xff))))
		refused(abi.ErrMalformed, second(s.raw(o.op, append(empty, 1, 0, 0, 0x80, 7))))
	}
}

// lengths sends the right number of frames with no bytes, and with one byte, in
// each of them: nothing takes that, but for the hash of no readers.
func lengths(s suite) {
	for _, o := range allOps {
		if o.args == 0 {
			continue
		}
		empty := make([][]byte, o.args)
		response, err := s.raw(o.op, abi.Pack(empty...))
		if o.op == abi.OpReadersHash {
			ok(err)
			same(len(response), 36)
		} else {
			refusedAtAll(o.op, err)
		}
		single := make([][]byte, o.args)
		for i := range single {
			single[i] = []byte{suite256}
		}
		if o.op == abi.OpGenerateKeyPair || o.op == abi.OpGeneratePlaintext {
			continue // that is a good request
		}
		refusedAtAll(o.op, second(s.raw(o.op, abi.Pack(single...))))
	}
}

// refusedAtAll ends the scenario unless the core refused its input.
func refusedAtAll(op abi.Op, err error) {
	e, isAnswer := errors.AsType[*abi.Error](err)
	switch {
	case err == nil:
		fail("%#x: accepted", op)
	case !isAnswer:
		fail("%#x: not an answer of the core: %w", op, err)
	case e.Status == abi.StatusInternal, e.Status == abi.StatusOperation, e.Status == abi.StatusStopped:
		fail("%#x: status %d: %w", op, e.Status, err)
	}
}

// bounds sends requests of the largest size and above, and with a context that
// has ended.
func bounds(s suite) {
	refused(abi.ErrTooLarge, second(s.raw(abi.OpInfo, make([]byte, abi.MaxRequest+1))))
	refused(abi.ErrMalformed, second(s.raw(abi.OpInfo, make([]byte, abi.MaxRequest))))

	key, public := get2(s.GenerateSigningKeyPair(s.ctx))
	overhead := len(abi.Pack(key, nil))
	message := make([]byte, abi.MaxRequest-overhead)
	signature := get(s.Ed25519Sign(s.ctx, key, message))
	refused(abi.ErrTooLarge, second(s.Ed25519Sign(s.ctx, key, append(message, 0))))
	overhead = len(abi.Pack(public, nil, signature))
	message = message[:abi.MaxRequest-overhead]
	signature = get(s.Ed25519Sign(s.ctx, key, message))
	ok(s.Ed25519Verify(s.ctx, public, message, signature))

	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.Caller.Call(ctx, abi.OpInfo, nil); !errors.Is(err, context.Canceled) {
		fail("call with an ended context: %v", err)
	}
}

// fresh sees that nothing random comes twice.
func fresh(s suite, v variant) {
	var seen [][]byte
	add := func(b []byte) {
		for _, old := range seen {
			differ(old, b)
		}
		seen = append(seen, b)
	}
	m := get(s.GeneratePlaintext(s.ctx, v.number))
	private, public := get2(s.GenerateKeyPair(s.ctx, v.number))
	signing, _ := get2(s.GenerateSigningKeyPair(s.ctx))
	for range 3 {
		a, _ := get2(s.GenerateKeyPair(s.ctx, v.number))
		b, _ := get2(s.GenerateSigningKeyPair(s.ctx))
		add(a)
		add(b)
		add(get(s.GeneratePlaintext(s.ctx, v.number)))
		value := get(s.Encrypt(s.ctx, v.number, m, public, signing))
		add(value)
		t := get(s.TransformKey(s.ctx, v.number, private, public, signing))
		add(t)
		add(get(s.Transform(s.ctx, v.number, value, t, signing)))
		add(get(s.SchnorrSign(s.ctx, v.number, private, public, nil)))
	}
}
