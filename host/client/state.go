package client

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
)

// State is the persistent memory of one identity. It is what makes a lying
// server visible: without it each run would trust the server anew. Methods must
// be safe for concurrent use and durable when they return. What is remembered
// never goes back: setting something older than remembered changes nothing.
type State interface {
	// PinnedServer returns the server record pinned for a URL, nil if none.
	PinnedServer(url string) (record []byte, err error)
	PinServer(url string, record []byte) error
	// Head returns the newest collection record known: its sequence and hash.
	Head(collection [16]byte) (sequence uint64, hash [32]byte, ok bool, err error)
	SetHead(collection [16]byte, sequence uint64, hash [32]byte) error
	// EpochHead returns the newest collection record known of one epoch of anybody's
	// collection. The owner belongs to the name, so that nobody can spoil what is
	// remembered of another's collection.
	EpochHead(owner [32]byte, collection [16]byte, epoch uint32) (sequence uint64, hash [32]byte, ok bool, err error)
	SetEpochHead(owner [32]byte, collection [16]byte, epoch uint32, sequence uint64, hash [32]byte) error
	// Identity returns the newest version of an identity that a server has shown: its
	// number, 0 if none, and the records of all versions, nil if only the number was kept.
	// Both are named by their text ids ("rsv1…", "rid1…"). Versions are published server by
	// server, so that one says nothing of another.
	Identity(server, id string) (version uint32, records []byte, err error)
	// Identities returns all identities that a server has shown, in the order of their ids.
	Identities(server string) ([]ShownIdentity, error)
	// SwapIdentities remembers identities in place of what Identity has returned for them:
	// all of them, or none if something else was remembered since for any.
	SwapIdentities(server string, shown []ShownIdentity) (swapped bool, err error)
	// Checkpoint returns the newest checkpoint of a server's log that was verified, a
	// signed note, nil if none.
	Checkpoint(server string) (note []byte, err error)
	// SwapCheckpoint remembers a checkpoint in place of the one that Checkpoint has
	// returned, unless another one was remembered since.
	SwapCheckpoint(server string, known, note []byte) (swapped bool, err error)
	// Confirmed returns the signing key of an identity that the user has accepted, 32
	// bytes, nil if none.
	Confirmed(id string) (signingKey []byte, err error)
	SetConfirmed(id string, signingKey []byte) error
	// Compared returns the hash of the records of an identity, all versions, of which the
	// user has last seen a safety number: 32 bytes, nil if there was none.
	Compared(id string) (hash []byte, err error)
	SetCompared(id string, hash []byte) error
	// Policy returns which witnesses a server's log needs, nil if none was set.
	Policy(server string) (*WitnessPolicy, error)
	SetPolicy(server string, policy *WitnessPolicy) error
	// LedgerMark returns what the ledger had when it was last read, nil if it never was:
	// a form of the client's own.
	LedgerMark(server string) (mark []byte, err error)
	SetLedgerMark(server string, mark []byte) error
	// AcceptedRestart returns the statement of a server that it has begun its log anew which
	// the user has accepted, nil if there is none.
	AcceptedRestart(server string) (statement []byte, err error)
	// AcceptRestart remembers such a statement and forgets, in one step, what the server may have
	// lost with its log: the checkpoint, the mark of the ledger, and the heads and epoch heads
	// of collections. Heads with a hash of zeros, which say whom this device has revoked, stay.
	AcceptRestart(server string, statement []byte) error
}

// A ShownIdentity is an identity to remember.
type ShownIdentity struct {
	ID      string
	Known   []byte // the records remembered so far, nil if none; [State.Identities] leaves it out
	Version uint32
	Records []byte
}

// A WitnessPolicy says which confirmations the log of a server needs before anything
// is granted or written that rests on it.
type WitnessPolicy struct {
	Quorum    int      `json:"quorum"`    // how many of the witnesses
	Witnesses []string `json:"witnesses"` // their verifier keys, as in C2SP tlog-cosignature: name+hash+key
}

// A MemoryState is a State that is forgotten with the process, for tests and
// single look-ups.
type MemoryState struct {
	mu       sync.Mutex
	servers  map[string][]byte
	heads    map[[16]byte]head
	epochs   map[epoch]head
	shown    map[shown]ShownIdentity
	notes    map[string][]byte
	keys     map[string][]byte
	compared map[string][]byte
	policies map[string]WitnessPolicy
	marks    map[string][]byte
	restarts map[string][]byte
}

// shown names an identity as one server shows it.
type shown struct{ server, id string }

type epoch struct {
	owner      [32]byte
	collection [16]byte
	number     uint32
}

type head struct {
	sequence uint64
	hash     [32]byte
}

// NewMemoryState returns an empty State.
func NewMemoryState() *MemoryState {
	return &MemoryState{
		servers:  map[string][]byte{},
		heads:    map[[16]byte]head{},
		epochs:   map[epoch]head{},
		shown:    map[shown]ShownIdentity{},
		notes:    map[string][]byte{},
		keys:     map[string][]byte{},
		compared: map[string][]byte{},
		policies: map[string]WitnessPolicy{},
		marks:    map[string][]byte{},
		restarts: map[string][]byte{},
	}
}

// PinnedServer implements [State].
func (s *MemoryState) PinnedServer(url string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.servers[url], nil
}

// PinServer implements [State].
func (s *MemoryState) PinServer(url string, record []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers[url] = append([]byte(nil), record...)
	return nil
}

// Head implements [State].
func (s *MemoryState) Head(collection [16]byte) (uint64, [32]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.heads[collection]
	return h.sequence, h.hash, ok, nil
}

// SetHead implements [State].
func (s *MemoryState) SetHead(collection [16]byte, sequence uint64, hash [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.heads[collection]; !ok || sequence > old.sequence {
		s.heads[collection] = head{sequence, hash}
	}
	return nil
}

// EpochHead implements [State].
func (s *MemoryState) EpochHead(owner [32]byte, collection [16]byte, number uint32) (uint64, [32]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.epochs[epoch{owner, collection, number}]
	return h.sequence, h.hash, ok, nil
}

// SetEpochHead implements [State].
func (s *MemoryState) SetEpochHead(owner [32]byte, collection [16]byte, number uint32, sequence uint64, hash [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := epoch{owner, collection, number}
	if old, ok := s.epochs[e]; !ok || sequence > old.sequence {
		s.epochs[e] = head{sequence, hash}
	}
	return nil
}

// Identity implements [State].
func (s *MemoryState) Identity(server, id string) (uint32, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.shown[shown{server, id}]
	return known.Version, known.Records, nil
}

// Identities implements [State].
func (s *MemoryState) Identities(server string) ([]ShownIdentity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ShownIdentity
	for name, v := range s.shown {
		if name.server == server {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b ShownIdentity) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// SwapIdentities implements [State].
func (s *MemoryState) SwapIdentities(server string, list []ShownIdentity) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range list {
		if !bytes.Equal(s.shown[shown{server, v.ID}].Records, v.Known) {
			return false, nil
		}
	}
	for _, v := range list {
		s.shown[shown{server, v.ID}] = ShownIdentity{ID: v.ID, Version: v.Version, Records: bytes.Clone(v.Records)}
	}
	return true, nil
}

// Checkpoint implements [State].
func (s *MemoryState) Checkpoint(server string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notes[server], nil
}

// SwapCheckpoint implements [State].
func (s *MemoryState) SwapCheckpoint(server string, known, note []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.notes[server], known) {
		return false, nil
	}
	s.notes[server] = bytes.Clone(note)
	return true, nil
}

// Confirmed implements [State].
func (s *MemoryState) Confirmed(id string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[id], nil
}

// SetConfirmed implements [State].
func (s *MemoryState) SetConfirmed(id string, signingKey []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[id] = bytes.Clone(signingKey)
	return nil
}

// Compared implements [State].
func (s *MemoryState) Compared(id string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.compared[id], nil
}

// SetCompared implements [State].
func (s *MemoryState) SetCompared(id string, hash []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compared[id] = bytes.Clone(hash)
	return nil
}

// Policy implements [State].
func (s *MemoryState) Policy(server string) (*WitnessPolicy, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.policies[server]
	if !ok {
		return nil, nil
	}
	return &WitnessPolicy{p.Quorum, slices.Clone(p.Witnesses)}, nil
}

// SetPolicy implements [State].
func (s *MemoryState) SetPolicy(server string, policy *WitnessPolicy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if policy == nil {
		delete(s.policies, server)
		return nil
	}
	s.policies[server] = WitnessPolicy{policy.Quorum, slices.Clone(policy.Witnesses)}
	return nil
}

// LedgerMark implements [State].
func (s *MemoryState) LedgerMark(server string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marks[server], nil
}

// SetLedgerMark implements [State].
func (s *MemoryState) SetLedgerMark(server string, mark []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks[server] = bytes.Clone(mark)
	return nil
}

// AcceptedRestart implements [State].
func (s *MemoryState) AcceptedRestart(server string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restarts[server], nil
}

// AcceptRestart implements [State].
func (s *MemoryState) AcceptRestart(server string, statement []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restarts[server] = bytes.Clone(statement)
	delete(s.notes, server)
	delete(s.marks, server)
	maps.DeleteFunc(s.heads, func(_ [16]byte, h head) bool { return h.hash != [32]byte{} })
	clear(s.epochs)
	return nil
}
