package keystore

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// memory is the content of state.json.
type memory struct {
	Servers  map[string]api.Bytes `json:"servers,omitempty"`  // URL → pinned server record
	Versions map[string]uint32    `json:"versions,omitempty"` // server id/identity id → newest version seen, from before identities were kept whole
	Heads    map[string]head      `json:"heads,omitempty"`    // collection id → newest record seen
	Epochs   map[string]head      `json:"epochs,omitempty"`   // owner/collection/epoch → newest record seen

	Identities  map[string]identity             `json:"identities,omitempty"`  // server id/identity id → newest version seen
	Checkpoints map[string]string               `json:"checkpoints,omitempty"` // server id → newest checkpoint of its log
	Confirmed   map[string]api.Bytes            `json:"confirmed,omitempty"`   // identity id → signing key that the user has accepted
	Compared    map[string]api.Bytes            `json:"compared,omitempty"`    // identity id → hash of the records of which a safety number was shown
	Policies    map[string]client.WitnessPolicy `json:"policies,omitempty"`    // server id → witnesses that its log needs
	Marks       map[string]api.Bytes            `json:"marks,omitempty"`       // server id → what the ledger had
	Restarts    map[string]api.Bytes            `json:"restarts,omitempty"`    // server id → accepted statement of a log that was begun anew
}

type head struct {
	Sequence uint64    `json:"sequence"`
	Hash     api.Bytes `json:"hash"`
}

type identity struct {
	Version uint32    `json:"version"`
	Records api.Bytes `json:"records"`
}

// A State remembers what one identity has seen, so that a server cannot show
// it older things or another server's. It implements client.State.
type State struct {
	store *Store
	path  string
	cache cache
}

var _ client.State = (*State)(nil)

// A cache is the memory as it was last read, and the file that it was read from. The file
// is only ever replaced whole, so that another one is another content.
type cache struct {
	mu     sync.Mutex
	file   fs.FileInfo
	memory *memory // nobody changes it
}

// get returns the memory in the file if that is the one that was read, else nil.
func (c *cache) get(file fs.FileInfo) *memory {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil || !os.SameFile(c.file, file) || c.file.Size() != file.Size() || !c.file.ModTime().Equal(file.ModTime()) {
		return nil
	}
	return c.memory
}

func (c *cache) put(file fs.FileInfo, m *memory) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.file, c.memory = file, m
}

// State returns the memory of an identity.
func (s *Store) State(name string) *State {
	return &State{store: s, path: s.path(name, "state.json")}
}

// read returns the memory; nobody may change it.
func (s *State) read() (*memory, error) {
	file, err := os.Stat(s.path)
	if err != nil { // there is none yet, or reading it tells why not
		return s.load()
	}
	if m := s.cache.get(file); m != nil {
		return m, nil
	}
	m, err := s.load()
	if err == nil {
		s.cache.put(file, m) // if it was replaced in between, file is no longer there and not found again
	}
	return m, err
}

func (s *State) load() (*memory, error) {
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
	m, err := s.load()
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

// Identity returns the newest version of an identity that a server has shown: its number,
// 0 if none, and the records of all versions, nil if they were not kept.
func (s *State) Identity(server, id string) (version uint32, records []byte, err error) {
	m, err := s.read()
	if err != nil {
		return 0, nil, err
	}
	name := server + "/" + id
	if known, ok := m.Identities[name]; ok {
		return known.Version, known.Records, nil
	}
	return m.Versions[name], nil, nil
}

// Identities returns all identities that a server has shown, in the order of their ids.
func (s *State) Identities(server string) ([]client.ShownIdentity, error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	var all []client.ShownIdentity
	for name, known := range m.Identities {
		if id, ok := strings.CutPrefix(name, server+"/"); ok {
			all = append(all, client.ShownIdentity{ID: id, Version: known.Version, Records: known.Records})
		}
	}
	slices.SortFunc(all, func(a, b client.ShownIdentity) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// SwapIdentities remembers identities, all or none, in place of what was known of them.
func (s *State) SwapIdentities(server string, shown []client.ShownIdentity) (swapped bool, err error) {
	err = s.update(func(m *memory) bool {
		for _, v := range shown {
			if !bytes.Equal(m.Identities[server+"/"+v.ID].Records, v.Known) {
				return false
			}
		}
		swapped = true
		for _, v := range shown {
			set(&m.Identities, server+"/"+v.ID, identity{v.Version, v.Records})
			delete(m.Versions, server+"/"+v.ID)
		}
		return true
	})
	return swapped && err == nil, err
}

// Checkpoint returns the newest checkpoint known of a server's log, nil if none.
func (s *State) Checkpoint(server string) (note []byte, err error) {
	m, err := s.read()
	if err != nil || m.Checkpoints[server] == "" {
		return nil, err
	}
	return []byte(m.Checkpoints[server]), nil
}

// SwapCheckpoint remembers a checkpoint in place of the known one.
func (s *State) SwapCheckpoint(server string, known, note []byte) (swapped bool, err error) {
	err = s.update(func(m *memory) bool {
		if swapped = m.Checkpoints[server] == string(known); swapped {
			set(&m.Checkpoints, server, string(note))
		}
		return swapped
	})
	return swapped && err == nil, err
}

// Confirmed returns the signing key of an identity that the user has accepted, nil if none.
func (s *State) Confirmed(id string) (signingKey []byte, err error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	return m.Confirmed[id], nil
}

// SetConfirmed remembers that the user has accepted a signing key.
func (s *State) SetConfirmed(id string, signingKey []byte) error {
	return s.update(func(m *memory) bool { set(&m.Confirmed, id, signingKey); return true })
}

// Compared returns the hash of the records of an identity of which the user has last seen a
// safety number, nil if none.
func (s *State) Compared(id string) (hash []byte, err error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	return m.Compared[id], nil
}

// SetCompared remembers of which records the user has seen a safety number.
func (s *State) SetCompared(id string, hash []byte) error {
	return s.update(func(m *memory) bool { set(&m.Compared, id, hash); return true })
}

// Policy returns the witnesses that a server's log needs, nil if none were set.
func (s *State) Policy(server string) (*client.WitnessPolicy, error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	p, ok := m.Policies[server]
	if !ok {
		return nil, nil
	}
	return &p, nil
}

// SetPolicy remembers which witnesses a server's log needs; nil: none.
func (s *State) SetPolicy(server string, policy *client.WitnessPolicy) error {
	return s.update(func(m *memory) bool {
		if policy == nil {
			delete(m.Policies, server)
		} else {
			set(&m.Policies, server, *policy)
		}
		return true
	})
}

// LedgerMark returns what the ledger on a server had when it was last read, nil if it
// never was.
func (s *State) LedgerMark(server string) (mark []byte, err error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	return m.Marks[server], nil
}

// SetLedgerMark remembers what the ledger had.
func (s *State) SetLedgerMark(server string, mark []byte) error {
	return s.update(func(m *memory) bool { set(&m.Marks, server, mark); return true })
}

// AcceptedRestart returns the statement of a log that was begun anew which the user has
// accepted, nil if there is none.
func (s *State) AcceptedRestart(server string) (statement []byte, err error) {
	m, err := s.read()
	if err != nil {
		return nil, err
	}
	return m.Restarts[server], nil
}

// AcceptRestart remembers such a statement and forgets what the server may have lost. Whom
// this device has revoked, in heads with a hash of zeros, stays.
func (s *State) AcceptRestart(server string, statement []byte) error {
	return s.update(func(m *memory) bool {
		set(&m.Restarts, server, statement)
		delete(m.Checkpoints, server)
		delete(m.Marks, server)
		maps.DeleteFunc(m.Heads, func(_ string, h head) bool { return len(bytes.Trim(h.Hash, "\x00")) > 0 })
		clear(m.Epochs)
		return true
	})
}

// set sets an entry of a map that may not be there yet.
func set[T any](m *map[string]T, name string, v T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[name] = v
}
