package client_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// An attacker is a revoked reader and the whole server together: the reader's seed, every
// transform key that the server ever had in its hands, and copies of its database and its
// keyring, before the revocation and after. It keeps to no protocol and computes with
// package recrypt.
//
// One transform key of an epoch and its reader's private key give [a]g1 = hash2(K) −
// hashedTempKey (spec section 13, note 1), and that opens every value of the epoch. It need
// not be formed to be used: transforming a value with that key and decrypting the result
// with that private key is the same computation, for any value whatsoever.
//
// What the documentation may promise, and what not, is what TestAttacker asserts:
//
//   - The attacker opens every document of the epochs that the reader was granted: those
//     that he never asked for, those that he was never meant to have asked for (scope, expiry,
//     waiting periods and use limits are the server's), and those that somebody still writes
//     into such an epoch because the server hides the newer record from a device that has never
//     seen it.
//   - The attacker opens nothing of an epoch opened after the revocation, with everything
//     that it has: its key pair has nothing to do with the old one, and the attacker is no
//     reader of it.
type attacker struct {
	suite     recrypt.Suite
	private   *recrypt.PrivateKey // the reader's
	transform map[[16]byte]*recrypt.TransformKey
	signer    *recrypt.SigningKey
}

func newAttacker(t *testing.T, seed []byte) *attacker {
	a := &attacker{suite: recrypt.Suite256, transform: map[[16]byte]*recrypt.TransformKey{}, signer: recrypt.GenerateSigningKey()}
	info := "recrypt-service encryption key v1" + string([]byte{abi.Suite256})
	uniform, err := hkdf.Key(sha256.New, seed, nil, info, a.suite.UniformSize())
	if err == nil {
		a.private, err = recrypt.DerivePrivateKey(a.suite, uniform)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// seize takes the transform keys out of a copy of the server's files.
func (a *attacker) seize(t *testing.T, dir string, grants []client.GrantInfo) (found int) {
	s, err := sqlite.Open(ctx, filepath.Join(dir, "recrypt.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	k, err := keyring.Open(filepath.Join(dir, "keyring.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, g := range grants {
		collection, _ := api.ParseID(g.Collection)
		_, reader, err := abi.Client{Caller: hosttest.Caller(t)}.ParseID(ctx, g.Reader)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := s.ActiveGrant(ctx, collection, g.Epoch, reader, 1)
		if err != nil {
			continue
		}
		b, err := k.Open(ctx, stored.ID, stored.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		if a.transform[stored.ID], err = recrypt.NewTransformKey(a.suite, b); err != nil {
			t.Fatal(err)
		}
		found++
	}
	return found
}

// open tries everything on a document, whose key record and value the server has: nil if
// nothing opens it.
func (a *attacker) open(t *testing.T, record *abi.KeyRecord, value, document []byte) []byte {
	v, err := recrypt.NewEncryptedValue(a.suite, value)
	if err != nil {
		t.Fatal(err)
	}
	candidates := []*recrypt.EncryptedValue{v}
	for _, tk := range a.transform {
		transformed, err := tk.Transform(v, a.signer)
		if err != nil {
			t.Fatal(err)
		}
		candidates = append(candidates, transformed)
	}
	for _, candidate := range candidates {
		m, err := a.private.Decrypt(candidate)
		if err != nil {
			continue
		}
		if content, err := decode(record, m.SymmetricKey(), headerOf(t, document).Length, document); err == nil {
			return content
		}
	}
	return nil
}

// decode opens a document with what the scheme carried, as package protocol describes it.
func decode(k *abi.KeyRecord, secret []byte, header int, document []byte) ([]byte, error) {
	info := slices.Concat([]byte("recrypt-service document key v1"), k.Key[:], k.Service[:], k.Owner[:], k.Collection[:])
	info = append(binary.BigEndian.AppendUint32(info, k.Epoch), k.Author[:]...)
	info = append(binary.BigEndian.AppendUint32(info, k.AuthorVersion), k.Suite)
	key, err := hkdf.Key(sha256.New, secret, nil, string(info), 32)
	if err != nil {
		return nil, err
	}
	r, err := cobblestone.NewReader(bytes.NewReader(document[header:]), key, document[:header])
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// steal stops the server, copies its files, and starts it again.
func (x *cast) steal(t *testing.T) (dir string) {
	x.server.Stop(t)
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(x.server.Dir)); err != nil {
		t.Fatal(err)
	}
	x.server = x.server.Restart(t, hosttest.Options{Wrap: x.wrap})
	return dir
}

// A loot is a document with what the server has of it.
type loot struct {
	document, value []byte
	record          *abi.KeyRecord
}

// depositOf encrypts and keeps what the server is sent.
func (x *cast) depositOf(t *testing.T, c *client.Client, content string) loot {
	t.Helper()
	var in api.CreateKey
	x.play(on(http.MethodPost, api.PathKeys, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, json.Unmarshal(body, &in)); err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		honest.ServeHTTP(w, r)
	}))
	defer x.play(nil)
	document := encrypt(t, c, []byte(content))
	return loot{document, in.Value, x.opened(t, in.Record)}
}

func (x *cast) opened(t *testing.T, record []byte) *abi.KeyRecord {
	k, err := abi.Client{Caller: hosttest.Caller(t)}.OpenKeyRecord(ctx, x.alice.Record, nil, record, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestAttacker: see attacker.
func TestAttacker(t *testing.T) {
	x := newCast(t)
	if x.server.Database != "" {
		t.Skip("he steals the files of an embedded database")
	}
	bob := newAttacker(t, x.bob.Seed)
	opened := x.depositOf(t, x.a, "opened by Bob")
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	never := x.depositOf(t, x.a, "never asked for")
	opens(t, x.b, opened.document, "opened by Bob")
	before, err := x.a.Grants(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := bob.seize(t, x.steal(t), before.Issued); n != 2 {
		t.Fatalf("%d transform keys before", n)
	}
	old := capture[api.Collection](t, x.evil, http.MethodGet, "/v1/collections/", func() { encrypt(t, x.a, nil) })
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil || !info.Rotated || info.Epoch != 1 {
		t.Fatal(info, err)
	}
	after := x.depositOf(t, x.a, "after the revocation")
	now, err := x.a.Grants(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := bob.seize(t, x.steal(t), now.Issued); n != 2 || len(bob.transform) != 3 {
		t.Fatalf("%d transform keys after, %d in all", n, len(bob.transform))
	}
	// A device that has never seen the new epoch, to which the server hides it.
	frozen := alter(t, http.MethodGet, "/v1/collections/", func(v *api.Collection) { *v = old })
	late := x.lateDeposit(t, frozen)

	for what, l := range map[string]loot{"opened by Bob": opened, "never asked for": never, "to a hidden epoch": late} {
		if got := bob.open(t, l.record, l.value, l.document); string(got) != what {
			t.Errorf("%s: the attacker got %q: then the documentation promises too little", what, got)
		}
	}
	if got := bob.open(t, after.record, after.value, after.document); got != nil {
		t.Errorf("the attacker opened %q", got)
	}
	opens(t, x.c, after.document, "after the revocation")
	// and whoever has seen the new epoch does not fall back
	x.play(frozen)
	defer x.play(nil)
	if _, err := x.a.CreateKey(ctx); !errors.Is(err, client.ErrRollback) {
		t.Errorf("a hidden epoch: %v", err)
	}
}

// lateDeposit is depositOf by a device without memory that is shown a frozen collection.
func (x *cast) lateDeposit(t *testing.T, frozen trick) loot {
	var in api.CreateKey
	x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		if r.Method != http.MethodPost || r.URL.Path != api.PathKeys {
			frozen(w, r, honest)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		answerJSON(w, http.StatusOK, api.CreateKeyAnswer{ID: api.FormatID(x.opened(t, in.Record).Key)})
	})
	defer x.play(nil)
	document := encrypt(t, again(t, x, x.alice), []byte("to a hidden epoch"))
	return loot{document, in.Value, x.opened(t, in.Record)}
}
