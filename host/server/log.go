package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// headAge is how old the signature under the newest state of the log may be when it is
// answered.
const headAge = time.Minute

// treeHead is a state of the log with its checkpoint.
type treeHead struct {
	size   int64
	root   tlog.Hash
	signed time.Time
	own    []byte // the checkpoint as we signed it
	note   string // and with cosignatures
}

// A tree is what the server keeps in memory of its log.
type tree struct {
	file string // of the newest checkpoint ever signed; "": none is kept

	mu      sync.Mutex
	newest  *treeHead                // never shorter than one that was answered
	signed  atomic.Pointer[treeHead] // the newest signature, for the mirror
	changed chan struct{}            // closed, and made anew, when what follows or newest changes

	witnesses []*witness
	witnessed *treeHead     // newest one that all witnesses but failing ones were asked for
	asking    bool          // somebody asks the witnesses
	wake      chan struct{} // for him
}

// openLog compares the log in the store with the newest checkpoint that was ever
// signed. A store that is behind it, as one from a backup, is refused before anything is
// destroyed or signed: two people would see two histories.
func (s *Server) openLog(ctx context.Context, cfg *Config) error {
	s.tree.file = cfg.CheckpointFile
	s.tree.wake, s.tree.changed = make(chan struct{}, 1), make(chan struct{})
	for _, text := range cfg.Witnesses {
		w, err := parseWitness(text)
		if err != nil {
			return err
		}
		s.tree.witnesses = append(s.tree.witnesses, w)
	}
	if s.tree.file == "" {
		return nil
	}
	signed, err := os.ReadFile(s.tree.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the last checkpoint: %w", err)
	}
	last, err := translog.OpenCheckpoint(signed, s.id, s.service.SigningKey, s.verifier(ctx), nil)
	if err != nil {
		return fmt.Errorf("%s is not a checkpoint of this server: %w", s.tree.file, err)
	}
	problem, err := s.compareLog(ctx, last)
	if err != nil || problem == "" {
		return err
	}
	if !cfg.AcceptOlderLog {
		return fmt.Errorf("%w: %s; whoever has seen the newer state will refuse this one. "+
			"Put the newest database back, or start once with --accept-older-log to go on with the older one", ErrOlderLog, problem)
	}
	s.log.Warn("going on with an older log, as the operator demands", "problem", problem)
	if err := os.Remove(s.tree.file); err != nil {
		return fmt.Errorf("forget the last checkpoint: %w", err)
	}
	return nil
}

// ErrOlderLog says that the store is older than what this server has signed.
var ErrOlderLog = errors.New("the log in the database is older than the last checkpoint")

// compareLog tells what is wrong with the log in the store, judged by a checkpoint;
// empty if nothing is.
func (s *Server) compareLog(ctx context.Context, last *translog.Checkpoint) (problem string, err error) {
	size, err := s.store.LogSize(ctx)
	if err != nil {
		return "", fmt.Errorf("read the log: %w", err)
	}
	if size < last.Size {
		return fmt.Sprintf("it has %d entries, and %d were signed", size, last.Size), nil
	}
	root, err := tlog.TreeHash(last.Size, s.hashes(ctx))
	if err != nil {
		return "", fmt.Errorf("read the log: %w", err)
	}
	if root != last.Root {
		return fmt.Sprintf("its first %d entries are not those that were signed", last.Size), nil
	}
	return "", nil
}

// hashes reads the log's stored hashes.
func (s *Server) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return s.store.LogHashes(ctx, indexes) })
}

// verifier verifies signatures with the core.
func (s *Server) verifier(ctx context.Context) translog.Verify {
	return func(key [32]byte, message, signature []byte) bool {
		return s.core.Ed25519Verify(ctx, key[:], message, signature) == nil
	}
}

// head returns the newest state of the log with its checkpoint.
func (s *Server) head(ctx context.Context) (*treeHead, error) {
	size, err := s.store.LogSize(ctx)
	if err != nil {
		return nil, err
	}
	t := &s.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.newest
	if err := s.goesOn(ctx, h, size); err != nil {
		return nil, err
	}
	if h != nil && h.size >= size {
		if age := s.clock().Sub(h.signed); age >= 0 && age < headAge {
			return h, nil
		}
		size = h.size
	}
	s.mirrorHead(ctx, size)
	// Many who wait here are served by the first one's signature.
	fresh, err := s.sign(ctx, size)
	if err != nil {
		return nil, err
	}
	if h == nil || h.size != size {
		if err := t.save(fresh); err != nil {
			return nil, err
		}
	}
	t.signed.Store(fresh)
	// Witnesses vouch for size and root, whatever our own time.
	t.newest = fresh.with(t.cosignatures(size))
	t.tell()
	select {
	case t.wake <- struct{}{}:
	default:
	}
	return t.newest, nil
}

// goesOn makes sure that the log in the store goes on from the newest state that was signed. It
// does not if the database has failed over to one that lacks what was acknowledged. From then
// on nothing is opened, and nothing answered that the log would have to prove: grants that were
// revoked may be live again. It runs under s.tree.mu.
func (s *Server) goesOn(ctx context.Context, h *treeHead, size int64) error {
	if h == nil || s.older.Load() {
		return s.notOlder()
	}
	problem := ""
	if size < h.size {
		// A size that was read before the newest signature was made is no older log.
		var err error
		if size, err = s.store.LogSize(ctx); err != nil {
			return err
		}
	}
	if size < h.size {
		problem = fmt.Sprintf("it has %d entries, and %d were signed", size, h.size)
	} else if size > h.size || s.clock().Sub(h.signed) >= headAge {
		root, err := tlog.TreeHash(h.size, s.hashes(ctx))
		if err != nil {
			return ours(err)
		}
		if root != h.root {
			problem = fmt.Sprintf("its first %d entries are not those that were signed", h.size)
		}
	}
	if problem != "" {
		s.goneBack(problem)
	}
	return s.notOlder()
}

// goneBack remembers that the database is older than what this server has answered.
func (s *Server) goneBack(problem string) {
	if !s.older.Swap(true) {
		s.log.Error("the log in the database is older than what was signed: nothing is opened any more; put the newest database back and start again", "problem", problem)
	}
}

// notOlder refuses everything once the database was found to be older than it was.
func (s *Server) notOlder() error {
	if s.older.Load() {
		return refuse(api.CodeBusy, "the database of this server is older than it was; its operator has to mend that")
	}
	return nil
}

// sign makes the checkpoint of a state of the log.
func (s *Server) sign(ctx context.Context, size int64) (*treeHead, error) {
	root, err := tlog.TreeHash(size, s.hashes(ctx))
	if err != nil {
		return nil, ours(err)
	}
	now := s.clock()
	signed, err := translog.SignCheckpoint(ctx, s.id, s.service.SigningKey, size, root, now, func(ctx context.Context, text []byte) ([]byte, error) {
		return s.core.SignCheckpoint(ctx, s.seed, s.record, string(text))
	})
	if err != nil {
		return nil, ours(err)
	}
	return &treeHead{size: size, root: root, signed: now, own: signed, note: string(signed)}, nil
}

// with returns the head with these cosignatures.
func (h *treeHead) with(cosignatures []byte) *treeHead {
	out := *h
	out.note = string(h.own) + string(cosignatures)
	return &out
}

// save keeps a checkpoint outside the database, before anybody sees it.
func (t *tree) save(h *treeHead) error {
	if t.file == "" {
		return nil
	}
	if err := atomicfile.WriteFile(t.file, h.own, 0o600, true); err != nil {
		return fmt.Errorf("keep the checkpoint: %w", err)
	}
	return nil
}

// logged proves that the newest leaf with this reference is in the log.
func (s *Server) logged(ctx context.Context, ref []byte) (*api.Logged, error) {
	index, err := s.store.LogIndex(ctx, ref)
	if err != nil {
		return nil, ours(err)
	}
	h, err := s.head(ctx) // after the index, so that it covers the leaf
	if err != nil {
		return nil, err
	}
	l, err := s.prove(ctx, h, index)
	if err != nil {
		return nil, err
	}
	l.Checkpoint = h.note
	return l, nil
}

// loggedAll is logged for an answer with many proofs by one checkpoint, which is the second
// result: the proofs are in the order of refs.
func (s *Server) loggedAll(ctx context.Context, refs [][]byte) ([]*api.Logged, string, error) {
	indexes := make([]int64, len(refs))
	for i, ref := range refs {
		var err error
		if indexes[i], err = s.store.LogIndex(ctx, ref); err != nil {
			return nil, "", ours(err)
		}
	}
	h, err := s.head(ctx)
	if err != nil {
		return nil, "", err
	}
	out := make([]*api.Logged, len(refs))
	for i, index := range indexes {
		if out[i], err = s.prove(ctx, h, index); err != nil {
			return nil, "", err
		}
	}
	return out, h.note, nil
}

// prove makes the inclusion proof of a leaf, without the checkpoint.
func (s *Server) prove(ctx context.Context, h *treeHead, index int64) (*api.Logged, error) {
	proof, err := tlog.ProveRecord(h.size, index, s.hashes(ctx))
	if err != nil {
		return nil, ours(err)
	}
	return &api.Logged{Index: index, Proof: toBytes(proof)}, nil
}

func toBytes(hashes []tlog.Hash) []api.Bytes {
	out := make([]api.Bytes, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

// collectionLeaf makes the leaf of a verified collection record.
func (s *Server) collectionLeaf(collection [16]byte, sequence uint64, raw []byte, now int64) store.LogEntry {
	return store.LogEntry{
		Leaf: translog.CollectionLeaf(collection, sequence, raw),
		Ref:  translog.CollectionRef(collection, sequence), Time: now,
	}
}

// deposited proves when a key came, if that was before its author changed his keys: what
// was signed by the old ones counts only then. nil if he has not since. author is his
// newest version.
func (s *Server) deposited(ctx context.Context, key *store.Key, author store.Identity) (*api.Deposited, error) {
	if author.Since <= 1 {
		return nil, nil
	}
	index, err := s.store.LogIndex(ctx, translog.DepositRef(key.ID))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // it came before there was a log
	}
	if err != nil {
		return nil, err
	}
	changed, err := s.store.LogIndex(ctx, translog.IdentityRef(author.ID, author.Since))
	if err != nil {
		return nil, ours(err)
	}
	if index > changed {
		return nil, nil
	}
	row, err := s.store.LedgerAt(ctx, index)
	if err != nil {
		return nil, ours(err)
	}
	h, err := s.head(ctx)
	if err != nil {
		return nil, err
	}
	out := &api.Deposited{Entry: row.Entry, Salt: row.Salt[:]}
	for at, l := range map[int64]*api.Logged{index: &out.Logged, changed: &out.Changed} {
		proof, err := s.prove(ctx, h, at)
		if err != nil {
			return nil, err
		}
		*l = *proof
		l.Checkpoint = h.note
	}
	return out, nil
}
