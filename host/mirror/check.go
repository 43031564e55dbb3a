package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Report is what Check has found.
type Report struct {
	Server      string // rsv1…
	Size        int64  // leaves
	Root        tlog.Hash
	Checkpoints int
	Signed      int64     // leaves under the newest checkpoint
	Time        time.Time // of the newest checkpoint, zero if there is none
	Records     int64     // leaves that are here with what they are about
	Bare        int64     // leaves of records that had been overridden, refused or deleted when they were mirrored
	Receipts    int64
	Torn        bool // the last file ends within a frame, as after a crash
}

// Check reads a whole mirror and verifies it: that each leaf is the hash of what comes with it,
// that each checkpoint is signed by the server and over just these leaves. ErrDamaged if not.
// Whose mirror it is is for the caller to compare. Of collection records and grants only
// hashes are checked, not their signatures.
func Check(ctx context.Context, dir string, core abi.Client) (*Report, error) {
	c := &checker{ctx: ctx, core: core, roots: map[int64]tlog.Hash{}}
	contents, err := Read(dir, 0, Visitor{Begin: c.begin, Entry: c.entry, Checkpoint: c.checkpoint, Receipt: c.receipt})
	if err != nil {
		return nil, err
	}
	r := &c.report
	r.Server, r.Size, r.Root, r.Torn = c.origin, contents.Tree.Size(), contents.Tree.Root(), contents.Torn
	return r, nil
}

// A checker verifies what it is given.
type checker struct {
	ctx    context.Context
	core   abi.Client
	report Report
	roots  map[int64]tlog.Hash // of recent sizes

	service *abi.Service
	origin  string
}

// kept is how many roots of past sizes are remembered: a checkpoint may come that many leaves late.
const kept = 1 << 14

func (c *checker) entry(e *Entry, tree *translog.Grower) error {
	c.roots[tree.Size()] = tree.Root()
	delete(c.roots, tree.Size()-kept)
	about, err := checkEntry(e)
	if err != nil {
		return err
	}
	switch about {
	case complete:
		c.report.Records++
	case bare:
		c.report.Bare++
	}
	return nil
}

func (c *checker) checkpoint(note []byte, _ int64) error {
	size, ok := translog.CheckpointSize(note)
	root, known := c.roots[size]
	if !ok || !known {
		return damaged("a checkpoint is not over the leaves before it")
	}
	verify := func(key [32]byte, message, signature []byte) bool {
		return c.core.Ed25519Verify(c.ctx, key[:], message, signature) == nil
	}
	cp, err := translog.OpenCheckpoint(note, c.origin, c.service.SigningKey, verify, nil)
	if err != nil {
		return fmt.Errorf("%w: a checkpoint does not verify: %w", ErrDamaged, err)
	}
	if cp.Root != root {
		return damaged("its first %d leaves are not those that were signed", cp.Size)
	}
	c.report.Checkpoints++
	c.report.Signed, c.report.Time = cp.Size, cp.Time
	return nil
}

func (c *checker) receipt(*Receipt) error {
	c.report.Receipts++
	return nil
}

func (c *checker) begin(record []byte, tree *translog.Grower) (err error) {
	if tree.Size() != 0 {
		return damaged("its first %d leaves are missing", tree.Size())
	}
	if c.service, err = c.core.OpenService(c.ctx, record); err != nil {
		return damaged("the server's record does not verify")
	}
	c.origin, err = c.core.FormatID(c.ctx, abi.KindService, c.service.ID)
	return err
}

// What comes with a leaf.
type about int

const (
	alone    about = iota // an entry of the ledger that needs nothing
	complete              // with its record
	bare                  // its record had gone
)

// CheckEntry returns ErrDamaged if a leaf is not the hash of what comes with it.
func CheckEntry(e *Entry) error {
	_, err := checkEntry(e)
	return err
}

func checkEntry(e *Entry) (about, error) {
	wrong := damaged("leaf %d is not that of what comes with it", e.Index)
	if e.Entry == nil {
		return checkRecord(e, wrong)
	}
	line, err := translog.ParseEntry(e.Entry)
	if err != nil || !bytes.Equal(translog.EntryLeaf(e.Salt, e.Entry), e.Leaf) {
		return 0, wrong
	}
	if e.Evidence != nil && sha256.Sum256(e.Evidence) != line.Evidence {
		return 0, wrong
	}
	if e.Identity != nil || e.Collection != nil || len(e.Grants) > 0 {
		return 0, wrong
	}
	switch line.Kind {
	case translog.Deposited:
		if e.Key == nil {
			return bare, nil
		}
		if e.Revocation != nil || e.Key.ID != line.Key || sha256.Sum256(e.Key.Record) != line.Record {
			return 0, wrong
		}
		return complete, nil
	case translog.Revoked:
		if e.Revocation == nil {
			return bare, nil
		}
		if e.Key != nil || sha256.Sum256(e.Revocation.Record) != line.Record || e.Revocation.Reader != line.Subject || e.Revocation.Collection != line.Collection {
			return 0, wrong
		}
		return complete, nil
	}
	if e.Key != nil || e.Revocation != nil {
		return 0, wrong
	}
	return alone, nil
}

// checkRecord is checkEntry for leaves that are not of the ledger.
func checkRecord(e *Entry, wrong error) (about, error) {
	if e.Key != nil || e.Revocation != nil {
		return 0, wrong
	}
	switch len(e.Ref) {
	case identityRef:
		if e.Identity == nil {
			return bare, nil
		}
		id, version := [32]byte(e.Ref), binary.BigEndian.Uint32(e.Ref[32:])
		if e.Collection != nil || len(e.Grants) > 0 || e.Identity.ID != id || e.Identity.Version != version ||
			!bytes.Equal(translog.IdentityLeaf(id, version, e.Identity.Record), e.Leaf) {
			return 0, wrong
		}
		return complete, nil
	case collectionRef:
		if e.Collection == nil {
			return bare, nil
		}
		id, sequence := [16]byte(e.Ref), binary.BigEndian.Uint64(e.Ref[16:])
		if e.Identity != nil || e.Collection.Collection != id || e.Collection.Sequence != sequence ||
			!bytes.Equal(translog.CollectionLeaf(id, sequence, e.Collection.Record), e.Leaf) {
			return 0, wrong
		}
		for i := range e.Grants {
			if e.Grants[i].Collection != id || e.Grants[i].Sequence != sequence {
				return 0, wrong
			}
		}
		return complete, nil
	}
	return alone, nil
}
