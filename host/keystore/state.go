package keystore

import (
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
)

// memory is the content of state.json.
type memory struct {
	Servers  map[string]api.Bytes `json:"servers,omitempty"`  // URL → pinned server record
	Versions map[string]uint32    `json:"versions,omitempty"` // server id/identity id → newest version seen; without a server from before, not used
	Heads    map[string]head      `json:"heads,omitempty"`    // collection id → newest record seen
	Epochs   map[string]head      `json:"epochs,omitempty"`   // owner/collection/epoch → newest record seen
}

type head struct {
	Sequence uint64    `json:"sequence"`
	Hash     api.Bytes `json:"hash"`
}

// A State remembers what one identity has seen, so that a server cannot show
// it older things or another server's. It implements client.State.
type State struct {
	store *Store
	path  string
}

// State returns the memory of an identity.
func (s *Store) State(name string) *State {
	return &State{store: s, path: s.path(name, "state.json")}
}

func (s *State) read() (*memory, error) {
	m := &memory{}
	if err := readJSON(s.path, m); err != nil {
		return nil, err
	}
	return m, nil
}

// update changes the memory under the home's lock.
func (s *State) update(change func(*memory) bool) error {
	unlock, err := s.store.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	m, err := s.read()
	if err != nil {
		return err
	}
	if !change(m) {
		return nil
	}
	return writeJSON(s.path, m)
}

// PinnedServer returns the record pinned for a server's URL, nil if there is
// none yet.
func (s *State) PinnedServer(url string) ([]byte, error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	return m.Servers[url], nil
}

// PinServer remembers the record of the server at url.
func (s *State) PinServer(url string, record []byte) error {
	return s.update(func(m *memory) bool {
		if m.Servers == nil {
			m.Servers = map[string]api.Bytes{}
		}
		m.Servers[url] = record
		return true
	})
}

// Head returns sequence and hash of the newest collection record seen.
func (s *State) Head(collection [16]byte) (sequence uint64, hash [32]byte, ok bool, err error) {
	m, err := s.read()
	if err != nil {
		return 0, hash, false, err
	}
	return s.newest(m.Heads, api.FormatID(collection))
}

// SetHead remembers a collection record; an older one than remembered changes
// nothing.
func (s *State) SetHead(collection [16]byte, sequence uint64, hash [32]byte) error {
	return s.update(func(m *memory) bool { return raise(&m.Heads, api.FormatID(collection), head{sequence, hash[:]}) })
}

// EpochHead returns sequence and hash of the newest record seen of one epoch of
// an owner's collection.
func (s *State) EpochHead(owner [32]byte, collection [16]byte, epoch uint32) (sequence uint64, hash [32]byte, ok bool, err error) {
	m, err := s.read()
	if err != nil {
		return 0, hash, false, err
	}
	return s.newest(m.Epochs, epochName(owner, collection, epoch))
}

// SetEpochHead remembers a record of an epoch; an older one than remembered
// changes nothing.
func (s *State) SetEpochHead(owner [32]byte, collection [16]byte, epoch uint32, sequence uint64, hash [32]byte) error {
	return s.update(func(m *memory) bool {
		return raise(&m.Epochs, epochName(owner, collection, epoch), head{sequence, hash[:]})
	})
}

func epochName(owner [32]byte, collection [16]byte, epoch uint32) string {
	return fmt.Sprintf("%x/%s/%d", owner, api.FormatID(collection), epoch)
}

// newest reads what is remembered under a name.
func (s *State) newest(heads map[string]head, name string) (sequence uint64, hash [32]byte, ok bool, err error) {
	h, ok := heads[name]
	if ok && len(h.Hash) != len(hash) {
		return 0, hash, false, fmt.Errorf("%s is %w", s.path, ErrDamaged)
	}
	copy(hash[:], h.Hash)
	return h.Sequence, hash, ok, nil
}

// raise remembers h unless something as new is known, and reports whether.
func raise(heads *map[string]head, name string, h head) bool {
	if old, ok := (*heads)[name]; ok && old.Sequence >= h.Sequence {
		return false
	}
	if *heads == nil {
		*heads = map[string]head{}
	}
	(*heads)[name] = h
	return true
}

// IdentityVersion returns the newest version of an identity that a server has shown,
// 0 if none.
func (s *State) IdentityVersion(server, id string) (uint32, error) {
	m, err := s.read()
	if err != nil {
		return 0, err
	}
	return m.Versions[versionName(server, id)], nil
}

// SetIdentityVersion remembers a version; an older one changes nothing.
func (s *State) SetIdentityVersion(server, id string, version uint32) error {
	name := versionName(server, id)
	return s.update(func(m *memory) bool {
		if m.Versions[name] >= version {
			return false
		}
		if m.Versions == nil {
			m.Versions = map[string]uint32{}
		}
		m.Versions[name] = version
		return true
	})
}

func versionName(server, id string) string { return server + "/" + id }
