package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
)

// getKey answers the original to owner and author, a transformed value to a reader
// with an active grant, and one and the same "not found" to everybody else.
func (s *Server) getKey(ctx context.Context, in *byID) (*api.Key, error) {
	id, err := api.ParseID(in.ID)
	if err != nil {
		return nil, malformedID()
	}
	keys, err := s.fetch(ctx, [][16]byte{id}, nil, nil)
	if err != nil {
		return nil, err
	}
	k := keys[0]
	if k.err != nil {
		return nil, k.err
	}
	return &api.Key{
		ID: in.ID, Level: k.level, Value: k.value, Record: k.Record,
		Author: k.shared.author, Owner: k.shared.owner, Collection: k.shared.collection, Grant: k.grant,
		Waiting: k.waiting, Deposited: k.shared.deposited,
	}, nil
}

// getKeys is getKey for many keys. What goes wrong with one is told in its place.
func (s *Server) getKeys(ctx context.Context, in *request[api.GetKeys]) (*api.Keys, error) {
	ids, err := keyIDs(in.Body.Keys)
	if err != nil {
		return nil, err
	}
	of(ctx).keys = len(ids)
	keys, err := s.fetch(ctx, ids, newKeysRoom(len(ids), s.longest), nil)
	if err != nil {
		return nil, err
	}
	return s.keysAnswer(ctx, in.Body.Keys, keys), nil
}

// keysAnswer is the answer with keys that were asked for by these texts.
func (s *Server) keysAnswer(ctx context.Context, texts []string, keys []*wantedKey) *api.Keys {
	a := newKeysAnswer(len(keys))
	for i, k := range keys {
		if k.err != nil {
			a.refuse(texts[i], s.codeOf(ctx, k.err))
			continue
		}
		a.add(texts[i], k)
	}
	return a.out
}

// keyIDs reads the ids of a get_sym_keys request.
func keyIDs(texts []string) ([][16]byte, error) {
	switch {
	case len(texts) == 0:
		return nil, refuse(api.CodeMalformed, "the request names no key")
	case len(texts) > api.MaxKeys:
		return nil, refuse(api.CodeTooLarge, fmt.Sprintf("one request may name %d keys", api.MaxKeys))
	}
	ids, seen := make([][16]byte, len(texts)), make(map[[16]byte]bool, len(texts))
	for i, text := range texts {
		id, err := api.ParseID(text)
		if err != nil {
			return nil, malformedID()
		}
		if seen[id] {
			return nil, refuse(api.CodeMalformed, "the request names a key twice")
		}
		ids[i], seen[id] = id, true
	}
	return ids, nil
}

// codeOf is the code of an error with one key of many; a fault of ours goes into
// the log.
func (s *Server) codeOf(ctx context.Context, err error) string {
	p, fault := toProblem(err)
	if fault {
		s.log.Error("a key of many failed", "operation", of(ctx).operation, "error", err)
	}
	return p.Code
}

// keysRoom is what room is left in an answer to get_sym_keys. It is taken before an opening
// is recorded: what the answer cannot hold was not opened.
type keysRoom struct {
	left    int             // bytes of JSON, at least
	records map[string]bool // those that have their room
}

// Bounds of what the parts of an answer take in JSON beside their byte strings.
const (
	keyItemJSON   = 256 // names, numbers, id, code
	keyRecordJSON = 8
	depositedJSON = 16 << 10 // two proofs
)

func newKeysRoom(n, longest int) *keysRoom {
	return &keysRoom{left: longest - 1024 - n*keyItemJSON, records: map[string]bool{}}
}

// take takes the room for a key, if there is enough.
func (r *keysRoom) take(k *wantedKey) bool {
	size := base64.RawURLEncoding.EncodedLen(len(k.value)) + base64.RawURLEncoding.EncodedLen(len(k.Record))
	if k.shared.deposited != nil {
		size += depositedJSON
	}
	if k.sealed {
		size += jobJSON
	}
	records := k.records()
	for i, record := range records {
		if !r.records[string(record)] && !slices.ContainsFunc(records[:i], func(b []byte) bool { return bytes.Equal(b, record) }) {
			size += base64.RawURLEncoding.EncodedLen(len(record)) + keyRecordJSON
		}
	}
	if size > r.left {
		return false
	}
	r.left -= size
	for _, record := range records {
		r.records[string(record)] = true
	}
	return true
}

// records are those that the answer may have for other keys too.
func (k *wantedKey) records() [4][]byte {
	return [4][]byte{k.shared.collection, k.shared.author, k.shared.owner, k.grant}
}

// A keysAnswer is an answer to get_sym_keys that is being filled.
type keysAnswer struct {
	out     *api.Keys
	numbers map[string]int // of records, counted from 1
	jobs    map[string]int // the same for jobs
}

func newKeysAnswer(n int) *keysAnswer {
	return &keysAnswer{
		out:     &api.Keys{Keys: make([]api.KeyItem, 0, n), Records: []api.Bytes{}},
		numbers: map[string]int{},
		jobs:    map[string]int{},
	}
}

func (a *keysAnswer) refuse(id, code string) {
	a.out.Keys = append(a.out.Keys, api.KeyItem{ID: id, Code: code})
}

// add adds a key that has its room.
func (a *keysAnswer) add(id string, k *wantedKey) {
	item := api.KeyItem{ID: id, Level: k.level, Value: k.value, Record: k.Record, Waiting: k.waiting, Deposited: k.shared.deposited}
	if k.place != nil {
		item.Value, item.Place = nil, k.place.index
		item.Job = number(&a.out.Jobs, a.jobs, k.place.job)
	}
	records := k.records()
	for i, number := range []*int{&item.Collection, &item.Author, &item.Owner, &item.Grant} {
		*number = a.number(records[i])
	}
	a.out.Keys = append(a.out.Keys, item)
}

// number returns the number of a record, which is added if it is new; 0 for none.
func (a *keysAnswer) number(record []byte) int {
	if len(record) == 0 {
		return 0
	}
	return number(&a.out.Records, a.numbers, record)
}

// number returns the number of what is in a list, to which it is added if it is new.
func number(list *[]api.Bytes, numbers map[string]int, of []byte) int {
	n := numbers[string(of)]
	if n == 0 {
		*list = append(*list, of)
		n = len(*list)
		numbers[string(of)] = n
	}
	return n
}

// sharedRecords are what a caller needs to verify a key, beside its own record.
type sharedRecords struct {
	author, owner, collection []byte
	deposited                 *api.Deposited // this one is the key's own
}

// A shelf looks up the records of one answer, each once.
type shelf struct {
	s           *Server
	identities  map[[32]byte]store.Identity
	collections map[epochOf][]byte
}

type epochOf struct {
	collection [16]byte
	epoch      uint32
}

func (s *Server) newShelf() *shelf {
	return &shelf{s, map[[32]byte]store.Identity{}, map[epochOf][]byte{}}
}

// of returns the records that belong to a key.
func (l *shelf) of(ctx context.Context, k *wantedKey) (r *sharedRecords, err error) {
	author, err := l.identity(ctx, k.Author)
	if err != nil {
		return nil, ours(err)
	}
	owner, err := l.identity(ctx, k.Owner)
	if err != nil {
		return nil, ours(err)
	}
	r = &sharedRecords{author: author.Record, owner: owner.Record}
	at := epochOf{k.Collection, k.Epoch}
	if l.collections[at] == nil {
		head, err := l.s.store.EpochHead(ctx, k.Collection, k.Epoch)
		if err != nil {
			return nil, ours(err)
		}
		l.collections[at] = head.Record
	}
	r.collection = l.collections[at]
	r.deposited, err = l.s.deposited(ctx, &k.Key, author)
	return r, ours(err)
}

func (l *shelf) identity(ctx context.Context, id [32]byte) (store.Identity, error) {
	known, ok := l.identities[id]
	if !ok {
		var err error
		if known, err = l.s.newest(ctx, id); err != nil {
			return known, err
		}
		l.identities[id] = known
	}
	return known, nil
}
