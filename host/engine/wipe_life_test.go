package engine

import (
	"bytes"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestNothingStaysOfALife is TestNothingStays for what changes the keys of an identity,
// finds the seeds before, and seals titles; and for links.
func TestNothingStaysOfALife(t *testing.T) {
	for _, suite := range []uint8{abi.Suite256, abi.Suite480} {
		t.Run(abi.SuiteName(suite), func(t *testing.T) { newSecretive(t, guest(t), suite).life() })
	}
}

// must returns what an operation made.
func (s *secretive) must(b []byte, err error) []byte {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// life changes the keys of an owner and of a reader, and opens with the new seeds what is
// encrypted to the old ones.
func (s *secretive) life() {
	t, ctx := s.t, s.t.Context()
	seed, next, recovery, reader, later, server := s.person("owner"), s.person("later owner"), s.person("recovery"), s.person("reader"), s.person("later reader"), s.person("server")
	service := s.must(s.NewService(ctx, server))
	first := s.must(s.NewIdentity(ctx, seed, recovery, []byte{s.suite}))
	readers := s.must(s.NewIdentity(ctx, reader, recovery, []byte{s.suite}))
	v, err := s.native.OpenService(ctx, service)
	if err != nil {
		t.Fatal(err)
	}
	id := [16]byte{5}
	title := s.must(s.SealTitle(ctx, seed, v.ID, id, "the secret title of a collection"))
	s.add("key of the title", derived(t, seed, nil, "title key", string(v.ID[:])+string(id[:]), 32))
	collection := s.must(s.NewCollection(ctx, seed, first, nil, &abi.CollectionFields{
		Service: v.ID, Collection: id, Suite: s.suite, Salt: [32]byte(s.salt()), Title: title,
	}))
	uniform := derived(t, seed, s.salt(), "epoch key", string([]byte{s.suite})+string(id[:])+"\x00\x00\x00\x00", 2*s.n)
	s.add("epoch key, uniform bytes", uniform)
	s.scalar("epoch key", uniform)
	_, transformKey, err := s.NewGrant(ctx, seed, first, collection, readers, &abi.GrantFields{Grant: [16]byte{1}, Kind: abi.GrantDirect})
	if err != nil {
		t.Fatal(err)
	}
	key, value, err := s.NewKey(ctx, seed, first, collection, [16]byte{3})
	if err != nil {
		t.Fatal(err)
	}
	s.add("document key", key)
	record := s.must(s.NewKeyRecord(ctx, seed, first, collection, [16]byte{3}, value, nil, abi.Extensions{}))
	transformed := s.must(s.TransformKeyValue(ctx, server, value, transformKey))
	s.drawn.reads = nil

	rotate := func(seed, recovery, next, identity []byte) []byte {
		a, err := s.native.OpenIdentity(ctx, identity)
		if err != nil {
			t.Fatal(err)
		}
		s.add("key of a seed before", derived(t, next, nil, "previous seed", string(a.ID[:])+"\x00\x00\x00\x02", 32))
		out := s.must(s.RotateIdentity(ctx, seed, recovery, next, nil, identity, 1, []byte{s.suite}))
		s.draw(abi.OpRotateIdentity)
		return out
	}
	owners, readers := rotate(seed, nil, next, first), rotate(reader, recovery, later, readers)
	for _, c := range []struct{ seed, own, value []byte }{{next, owners, value}, {later, readers, transformed}} {
		opened := s.must(s.OpenKey(ctx, c.seed, c.own, owners, collection, service, record, c.value))
		if !bytes.Equal(opened, key) {
			t.Error("another key")
		}
	}
	if _, transformKey, err = s.NewGrant(ctx, next, owners, collection, readers, &abi.GrantFields{Grant: [16]byte{1}, Kind: abi.GrantDirect}); err != nil {
		t.Fatal(err)
	}
	s.add("hashed temp key", transformKey[16*s.n:])
	s.draw(abi.OpNewGrant)
	if text, err := s.OpenTitle(ctx, next, owners, collection); err != nil || text != "the secret title of a collection" {
		t.Errorf("another title: %v", err)
	}
	s.add("title", []byte("the secret title of a collection"))
	if _, err := s.OwnDefaultCollection(ctx, next, owners, v.ID); err != nil {
		t.Fatal(err)
	}
	s.link()
	s.report()
}

// link derives the reader of a link.
func (s *secretive) link() {
	s.t.Helper()
	secret, passcode := fresh(s.t), []byte("a passcode that is long enough")
	s.add("link", secret)
	s.add("passcode", passcode)
	salt := derived(s.t, secret, nil, "link passcode salt", "", 16)
	stretched := argon2.IDKey(passcode, salt, 2, 19456, 1, 32)
	s.add("stretched passcode", stretched)
	for _, code := range [][]byte{nil, passcode} {
		seed, recovery, err := s.LinkSeed(s.t.Context(), secret, code)
		if err != nil {
			s.t.Fatal(err)
		}
		s.add("link's seed", seed)
		s.add("link's recovery seed", recovery)
		s.look(abi.OpLinkSeed)
	}
}
