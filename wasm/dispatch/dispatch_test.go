package dispatch

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// statusOf returns the status of a response.
func statusOf(response []byte) abi.Status { return abi.Status(response[0]) }

// TestTable sees that no operation is in both tables, and that each is complete.
func TestTable(t *testing.T) {
	seen := map[abi.Op]bool{}
	for _, o := range slices.Concat(schemeOperations, recordOperations, identityOperations, logOperations, edgeOperations) {
		if seen[o.op] {
			t.Errorf("operation %#x is there twice", o.op)
		}
		if seen[o.op] = true; o.run == nil {
			t.Errorf("operation %#x does nothing", o.op)
		}
	}
	if n := len(schemeOperations) + len(recordOperations) + len(identityOperations) + len(logOperations) + len(edgeOperations); n != 70 {
		t.Errorf("%d operations", n)
	}
}

// testOp puts an operation into the table for one test.
func testOp(t *testing.T, o operation) abi.Op {
	const op = 0xf000
	before := schemeOperations
	o.op = op
	schemeOperations = append([]operation{o}, before...)
	t.Cleanup(func() { schemeOperations = before })
	return op
}

func TestPanic(t *testing.T) {
	op := testOp(t, operation{run: func(*args) ([][]byte, error) { panic("a secret") }})
	if r := Handle(op, nil); statusOf(r) != abi.StatusInternal || bytes.Contains(r, []byte("secret")) {
		t.Errorf("%q", r)
	}
	op = testOp(t, operation{run: func(*args) ([][]byte, error) { var k *recrypt.PrivateKey; k.Bytes(); return nil, nil }})
	if r := Handle(op, nil); statusOf(r) != abi.StatusInternal {
		t.Errorf("nil dereference: %q", r)
	}
}

// TestErrors gives Handle errors of every origin.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want abi.Status
	}{
		{abi.ErrMismatch, abi.StatusMismatch},
		{&abi.Error{Status: abi.StatusWeak, Message: "x"}, abi.StatusWeak},
		{&abi.Error{Status: abi.StatusOK, Message: "x"}, abi.StatusInternal},
		{errors.New("contains a secret"), abi.StatusInternal},
		{recrypt.ErrSuite, abi.StatusSuite},
		{recrypt.ErrSize, abi.StatusMalformed},
		{recrypt.ErrBlocks, abi.StatusTooLarge},
		{recrypt.ErrEncoding, abi.StatusMalformed},
		{recrypt.ErrPrivateKey, abi.StatusMalformed},
		{recrypt.ErrPublicKey, abi.StatusMalformed},
		{recrypt.ErrTransformKey, abi.StatusMalformed},
		{recrypt.ErrSigningKey, abi.StatusMalformed},
		{recrypt.ErrSignature, abi.StatusSignature},
		{recrypt.ErrDecrypt, abi.StatusDecrypt},
	} {
		op := testOp(t, operation{run: func(*args) ([][]byte, error) { return [][]byte{[]byte("result")}, tc.err }})
		r := Handle(op, nil)
		if statusOf(r) != tc.want || bytes.Contains(r, []byte("secret")) || bytes.Contains(r, []byte("result")) {
			t.Errorf("%v: %q", tc.err, r)
		}
	}
}

// TestSecretsWiped sees that secret results and decoded keys are overwritten, and
// that the request is left alone.
func TestSecretsWiped(t *testing.T) {
	result := []byte("a secret result")
	var key *recrypt.PrivateKey
	op := testOp(t, operation{args: 2, secret: true, run: func(a *args) ([][]byte, error) {
		key = a.privateKey(a.suite())
		return results(result)
	}})
	private := append(make([]byte, 31), 7)
	request := abi.Pack(abi.U8(uint8(recrypt.Suite256)), private)
	kept := bytes.Clone(request)
	r := Handle(op, request)
	if !bytes.Equal(r, append([]byte{0}, abi.Pack([]byte("a secret result"))...)) {
		t.Errorf("%q", r)
	}
	if !bytes.Equal(result, make([]byte, len(result))) {
		t.Error("the result was not wiped")
	}
	if len(key.Bytes()) != 0 {
		t.Error("the key was not wiped")
	}
	if !bytes.Equal(request, kept) {
		t.Error("the request was changed")
	}
}

func TestStop(t *testing.T) {
	*StopWord() = 1
	defer func() { *StopWord() = 0 }()
	for _, op := range Operations() {
		if r := Handle(op, nil); statusOf(r) != abi.StatusStopped {
			t.Errorf("operation %#x: %q", op, r)
		}
	}
	*StopWord() = 0
	decoded := 0
	op := testOp(t, operation{args: 2, run: func(a *args) ([][]byte, error) {
		for range 2 {
			decode(a, func([]byte) (int, error) { decoded++; *StopWord() = 1; return 0, nil })
		}
		return nil, a.check()
	}})
	if r := Handle(op, abi.Pack(nil, nil)); statusOf(r) != abi.StatusStopped || decoded != 1 {
		t.Errorf("%q, %d arguments decoded", r, decoded)
	}
}

// TestStopInABatch: the stop word ends a batch between its steps, and nothing of it is
// answered.
func TestStopInABatch(t *testing.T) {
	defer func() { *StopWord() = 0 }()
	const s = recrypt.Suite256
	key, err := recrypt.GeneratePrivateKey(s)
	if err != nil {
		t.Fatal(err)
	}
	items := make([][]byte, 2*protocol.BatchStep)
	steps := 0
	op := testOp(t, operation{args: 1, run: func(a *args) ([][]byte, error) {
		return inSteps(s, a.batch(), func(values []*recrypt.EncryptedValue, out [][]byte, _ []error) {
			steps++
			out[0] = key.Bytes()
			*StopWord() = 1
		})
	}})
	if r := Handle(op, abi.Pack(abi.Pack(items...))); statusOf(r) != abi.StatusStopped || steps != 1 {
		t.Errorf("%q after %d steps", r, steps)
	}
}
