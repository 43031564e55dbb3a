package client

import "sync"

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
	// IdentityVersion returns the newest version of an identity that a server has shown,
	// 0 if none; both are named by their text ids ("rsv1…", "rid1…"). Versions are
	// published server by server, so that one says nothing of another.
	IdentityVersion(server, id string) (version uint32, err error)
	SetIdentityVersion(server, id string, version uint32) error
}

// A MemoryState is a State that is forgotten with the process, for tests and
// single look-ups.
type MemoryState struct {
	mu       sync.Mutex
	servers  map[string][]byte
	heads    map[[16]byte]head
	epochs   map[epoch]head
	versions map[shown]uint32
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
		versions: map[shown]uint32{},
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

// IdentityVersion implements [State].
func (s *MemoryState) IdentityVersion(server, id string) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.versions[shown{server, id}], nil
}

// SetIdentityVersion implements [State].
func (s *MemoryState) SetIdentityVersion(server, id string, version uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := shown{server, id}
	s.versions[name] = max(version, s.versions[name])
	return nil
}
