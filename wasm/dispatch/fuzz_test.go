package dispatch_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// groups are the operations by the target that fuzzes their arguments. The first
// group does no group arithmetic.
var groups = map[string][]abi.Op{
	"plain": {
		abi.OpInfo, abi.OpParseID, abi.OpFormatID, abi.OpSealSeed, abi.OpOpenSeed, abi.OpSealedInfo,
		abi.OpReadersHash, abi.OpNewHeader, abi.OpOpenHeader, abi.OpLinkSeed, abi.OpSealTitle,
	},
	"keys": {
		abi.OpSelfTest, abi.OpGenerateKeyPair, abi.OpPublicKey, abi.OpGenerateSigningKeyPair, abi.OpGeneratePlaintext,
		abi.OpDeriveSymmetricKey, abi.OpAddPrivateKeys, abi.OpSubtractPrivateKeys, abi.OpAddPublicKeys,
	},
	"values": {
		abi.OpEncrypt, abi.OpTransformKey, abi.OpTransform, abi.OpDecrypt, abi.OpAugmentTransformKey,
	},
	"signatures": {
		abi.OpSchnorrSign, abi.OpSchnorrVerify, abi.OpEd25519Sign, abi.OpEd25519Verify, abi.OpSignRequest, abi.OpVerifyRequest,
		abi.OpSignCheckpoint, abi.OpOpenCheckpoint, abi.OpVerifyInclusion, abi.OpVerifyConsistency, abi.OpLogLeaf,
	},
	"identities": {
		abi.OpNewIdentity, abi.OpOpenIdentity, abi.OpNewService, abi.OpOpenService, abi.OpNewIdentityVersion,
		abi.OpRotateIdentity, abi.OpCompareIdentities, abi.OpSafetyNumber,
	},
	"collections": {
		abi.OpDefaultCollection, abi.OpOwnDefaultCollection, abi.OpNewCollection, abi.OpOpenCollection, abi.OpOpenTitle,
	},
	"grants": {
		abi.OpNewGrant, abi.OpOpenGrant, abi.OpNewRevocation, abi.OpOpenRevocation, abi.OpNewReceipt, abi.OpOpenReceipt,
	},
	"document keys": {
		abi.OpNewKey, abi.OpNewKeyRecord, abi.OpOpenKeyRecord, abi.OpOpenKey, abi.OpTransformKeyValue,
	},
	"batches": {
		abi.OpPrepareTransformKey, abi.OpTransformPrepared, abi.OpDecryptMany, abi.OpTransformKeyValues, abi.OpOpenKeys,
		abi.OpNewGrants, abi.OpOpenGrants, abi.OpSealEdgeJob, abi.OpRunEdgeJob, abi.OpOpenEdgeKeys,
	},
}

// TestEveryOperationIsFuzzed: each operation is in one group, and a call of it that
// succeeds is among the seeds.
func TestEveryOperationIsFuzzed(t *testing.T) {
	if testing.Short() {
		t.Skip("makes the seeds")
	}
	var all []abi.Op
	for _, g := range groups {
		all = append(all, g...)
	}
	slices.Sort(all)
	if want := dispatch.Operations(); !slices.Equal(all, want) {
		t.Errorf("fuzzed are %x, operations are %x", all, want)
	}
	for name, g := range groups {
		for _, op := range g {
			if !slices.ContainsFunc(seeds(name), func(c call) bool { return c.op == op }) {
				t.Errorf("operation %#x has no seed", op)
			}
		}
	}
}

// A call is a request that succeeds.
type call struct {
	op     abi.Op
	frames [][]byte
}

// story has the calls of the conformance suite that succeed, of both suites.
var story = sync.OnceValue(func() []call {
	transcript, err := abitest.Record("seeds")
	if err != nil {
		panic(err)
	}
	calls := []call{{op: abi.OpSelfTest}}
	for _, c := range transcript.Calls {
		if abi.Status(c.Response[0]) != abi.StatusOK {
			continue
		}
		frames, err := abi.Unpack(c.Request, -1)
		if err != nil {
			panic(err)
		}
		calls = append(calls, call{c.Op, frames})
	}
	return calls
})

// seeds returns calls of the operations of a group: of each those that differ in the
// lengths of their arguments, which tells suites and levels apart, at most eight.
func seeds(group string) []call {
	var out []call
	for _, op := range groups[group] {
		var shapes [][]int
		for _, c := range story() {
			if c.op != op || slow(c) {
				continue
			}
			shape := []int{}
			for _, f := range c.frames {
				shape = append(shape, len(f))
			}
			if len(shapes) < 8 && !slices.ContainsFunc(shapes, func(s []int) bool { return slices.Equal(s, shape) }) {
				shapes = append(shapes, shape)
				out = append(out, c)
			}
		}
	}
	return out
}

// slow tells calls that stretch a passphrase, which is slow by design.
func slow(c call) bool {
	return (c.op == abi.OpSealSeed || c.op == abi.OpOpenSeed) && len(c.frames) > 0 && len(c.frames[0]) > 0 ||
		c.op == abi.OpLinkSeed && len(c.frames) > 1 && len(c.frames[1]) > 0
}

// handle calls the core, and checks what holds for every answer: it is well-formed,
// never a fault of ours, and a refusal is a message and nothing else.
func handle(t *testing.T, op abi.Op, request []byte) {
	kept := bytes.Clone(request)
	var response []byte
	// Of an argument a few copies are made, some in other forms; multiples of a
	// point, parts of pairings and the lines of a transform key come on top.
	fuzztest.Within(t, 16*len(request)+256<<10, func() { response = dispatch.Handle(op, request) })
	result, err := abi.Result(response)
	if err == nil {
		_, err = abi.Unpack(result, -1)
	} else if result != nil {
		t.Error("a result beside the error")
	}
	if errors.Is(err, abi.ErrInternal) || errors.Is(err, abi.ErrStopped) {
		t.Errorf("operation %#x: %q", op, response)
	}
	if !bytes.Equal(request, kept) {
		t.Error("the request was changed")
	}
}

// fewer reports whether to leave most seeds out: WebAssembly runs the same code slowly.
func fewer() bool { return testing.Short() || runtime.GOARCH == "wasm" }

// fuzzGroup replaces one argument of a call that succeeds by another, so that the
// frames and the other arguments stay as they are and the core is reached.
func fuzzGroup(f *testing.F, group string) {
	calls := seeds(group)
	for i, c := range calls {
		if !fewer() {
			f.Add(uint16(i), uint8(0), []byte{})
		}
		for k, frame := range c.frames {
			if fewer() && (i+k)%7 > 0 {
				continue
			}
			f.Add(uint16(i), uint8(k), frame)
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, argument uint8, content []byte) {
		c := calls[int(which)%len(calls)]
		frames := slices.Clone(c.frames)
		if len(frames) > 0 {
			frames[int(argument)%len(frames)] = content
		}
		if changed := (call{c.op, frames}); !slow(changed) {
			handle(t, c.op, abi.Pack(frames...))
		}
	})
}

func FuzzPlain(f *testing.F)        { fuzzGroup(f, "plain") }
func FuzzKeys(f *testing.F)         { fuzzGroup(f, "keys") }
func FuzzValues(f *testing.F)       { fuzzGroup(f, "values") }
func FuzzSignatures(f *testing.F)   { fuzzGroup(f, "signatures") }
func FuzzIdentities(f *testing.F)   { fuzzGroup(f, "identities") }
func FuzzCollections(f *testing.F)  { fuzzGroup(f, "collections") }
func FuzzGrants(f *testing.F)       { fuzzGroup(f, "grants") }
func FuzzDocumentKeys(f *testing.F) { fuzzGroup(f, "document keys") }
func FuzzBatches(f *testing.F)      { fuzzGroup(f, "batches") }

// FuzzHandle sends anything as anything.
func FuzzHandle(f *testing.F) {
	for name := range groups {
		for i, c := range seeds(name) {
			if i%4 == 0 && (i%8 == 0 || !fewer()) {
				f.Add(uint32(c.op), abi.Pack(c.frames...))
			}
		}
	}
	for _, op := range dispatch.Operations() {
		f.Add(uint32(op), []byte{})
		f.Add(uint32(op), []byte{255, 255, 255, 255, 0})
	}
	f.Fuzz(func(t *testing.T, op uint32, request []byte) {
		frames, _ := abi.Unpack(request, -1)
		if !slow(call{abi.Op(op), frames}) {
			handle(t, abi.Op(op), request)
		}
	})
}
