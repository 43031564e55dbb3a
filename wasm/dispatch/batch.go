package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// outcomes packs what became of the items of a batch, in order: a status byte each, then
// the result or a message. A batch that was stopped has no outcomes.
func outcomes(values [][]byte, errs []error) ([][]byte, error) {
	n := 0
	failures := make([][]byte, len(values))
	for i, v := range values {
		if errs[i] == abi.ErrStopped {
			return nil, abi.ErrStopped
		}
		if errs[i] != nil {
			failures[i] = failure(errs[i])
			v = failures[i][1:]
		}
		n += abi.FrameSize(1 + len(v))
	}
	out := make([]byte, 0, n) // growing would leave a copy behind
	for i, v := range values {
		if errs[i] != nil {
			out = abi.AppendFrame(out, failures[i])
			continue
		}
		out = append(out, abi.U32(uint32(1+len(v)))...)
		out = append(out, byte(abi.StatusOK))
		out = append(out, v...)
	}
	return results(out)
}

func prepareTransformKey(a *args) ([][]byte, error) {
	t := a.transformKey(a.suite())
	if err := a.check(); err != nil {
		return nil, err
	}
	k, err := t.Prepare()
	if err == recrypt.ErrTransformKey {
		// Its encoding was checked above: what is left is its signature.
		return nil, abi.ErrSignature
	}
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	return results(k.Bytes())
}

func transformPrepared(a *args) ([][]byte, error) {
	s := a.suite()
	k, signer, items := a.preparedTransformKey(s), a.signingKey(), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	return inSteps(s, items, func(values []*recrypt.EncryptedValue, out [][]byte, errs []error) {
		transformed, failures := k.TransformMany(values, signer)
		for i, v := range transformed {
			if errs[i] == nil {
				errs[i] = failures[i]
			}
			if v != nil {
				out[i] = v.Bytes()
			}
		}
	})
}

func decryptMany(a *args) ([][]byte, error) {
	s := a.suite()
	k, items := a.privateKey(s), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	return inSteps(s, items, func(values []*recrypt.EncryptedValue, out [][]byte, errs []error) {
		plaintexts, failures := k.DecryptMany(values)
		for i, m := range plaintexts {
			if errs[i] == nil {
				errs[i] = failures[i]
			}
			if m != nil {
				out[i] = m.Bytes()
				m.Wipe()
			}
		}
	})
}

// inSteps decodes encrypted values and hands them to run, some at a time (see
// protocol.NextStep), with looks at the stop word before both. run gets nil in
// place of one that is malformed, whose error is set. The results are wiped once packed.
func inSteps(s recrypt.Suite, items [][]byte, run func(values []*recrypt.EncryptedValue, out [][]byte, errs []error)) ([][]byte, error) {
	out, errs := make([][]byte, len(items)), make([]error, len(items))
	defer func() {
		for _, b := range out {
			clear(b)
		}
	}()
	for start, end := 0, 0; start < len(items); start = end {
		end = start + protocol.NextStep(s, items[start:])
		if stopped() {
			return nil, abi.ErrStopped
		}
		values, malformed := recrypt.NewEncryptedValues(s, items[start:end])
		copy(errs[start:], malformed)
		if stopped() {
			return nil, abi.ErrStopped
		}
		run(values, out[start:end], errs[start:end])
	}
	return outcomes(out, errs)
}

func transformKeyValues(a *args) ([][]byte, error) {
	seed, prepared, items := a.Fixed(seedSize), a.Bytes(), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	out, errs, err := protocol.TransformKeyValues(seed, prepared, items, stopped)
	if err != nil {
		return nil, err
	}
	return outcomes(out, errs)
}

func openKeys(a *args) ([][]byte, error) { return openItems(a, 4) }

// openItems opens document keys, given by items of so many frames, the fifth of which is a
// ticket.
func openItems(a *args, frames int) ([][]byte, error) {
	seed, own, service, batch := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	items, errs := make([]abi.KeyItem, len(batch)), make([]error, len(batch))
	for i, b := range batch {
		item := newArgs(b, frames)
		items[i] = abi.KeyItem{Author: item.Bytes(), Collection: item.Bytes(), Record: item.Bytes(), Value: item.Bytes()}
		if frames == 5 {
			items[i].Ticket = item.Bytes()
		}
		errs[i] = item.check()
	}
	out, failures, err := protocol.OpenKeys(seed, own, service, items, stopped)
	if err != nil {
		return nil, err
	}
	for i := range out {
		defer clear(out[i])
		if errs[i] == nil {
			errs[i] = failures[i]
		}
	}
	return outcomes(out, errs)
}

func newGrants(a *args) ([][]byte, error) {
	seed, owner, collection, batch := a.Fixed(seedSize), a.Bytes(), a.Bytes(), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	items, errs := make([]abi.NewGrant, len(batch)), make([]error, len(batch))
	for i, b := range batch {
		item := newArgs(b, 9)
		items[i] = abi.NewGrant{Reader: item.Bytes(), GrantFields: item.grantFields()}
		errs[i] = item.check()
	}
	grants, keys, failures, err := protocol.NewGrants(seed, owner, collection, items, stopped)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(batch))
	for i := range out {
		out[i] = abi.Pack(grants[i], keys[i])
		defer clear(out[i])
		clear(keys[i])
		if errs[i] == nil {
			errs[i] = failures[i]
		}
	}
	return outcomes(out, errs)
}

func openGrants(a *args) ([][]byte, error) {
	owner, collection, batch := a.Bytes(), a.Bytes(), a.batch()
	if err := a.check(); err != nil {
		return nil, err
	}
	items, errs := make([]abi.GrantToOpen, len(batch)), make([]error, len(batch))
	for i, b := range batch {
		item := newArgs(b, 3)
		items[i] = abi.GrantToOpen{Reader: item.Bytes(), Grant: item.Bytes(), TransformKey: item.Bytes()}
		errs[i] = item.check()
	}
	views, failures, err := protocol.OpenGrants(owner, collection, items, stopped)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(batch))
	for i, v := range views {
		if errs[i] == nil {
			errs[i] = failures[i]
		}
		if errs[i] == nil {
			out[i] = abi.Pack(grantView(v)...)
		}
	}
	return outcomes(out, errs)
}
