package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/translog"
)

// filled returns an open SQLite database with some of everything that needs no people.
func filled(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "recrypt.db")
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(s.Bind(ctx, [32]byte{5}))
	for i := range byte(5) {
		v := store.Identity{ID: [32]byte{i}, Version: 1, Record: fmt.Append(nil, "record ", i), Since: 1, Created: 1}
		check(s.PutIdentity(ctx, v, store.IdentityChange{Log: []store.LogEntry{{
			Leaf: translog.IdentityLeaf(v.ID, 1, v.Record), Ref: translog.IdentityRef(v.ID, 1)}}}))
	}
	rec := store.CollectionRecord{Collection: [16]byte{1}, Owner: [32]byte{1}, Record: []byte("collection"), Hash: [32]byte{1}}
	grant := store.Grant{ID: [16]byte{1}, Collection: rec.Collection, Owner: rec.Owner, Reader: [32]byte{2}, ReaderVersion: 1, Record: []byte("grant"), Kind: 1,
		Scope: [][16]byte{{7}, {8}}, Sealed: []byte("sealed secret of a grant")}
	entry := (&translog.Entry{Kind: translog.Granted, Owner: rec.Owner}).Encode()
	_, err = s.PutCollection(ctx, rec, [32]byte{}, []store.Grant{grant}, []store.LogEntry{{
		Leaf: translog.EntryLeaf([32]byte{3}, entry), Entry: entry, Salt: [32]byte{3}, Evidence: []byte("{}"), Owner: rec.Owner}})
	check(err)
	check(s.PutKey(ctx, store.Key{ID: [16]byte{1}, Collection: rec.Collection, Owner: rec.Owner, Author: rec.Owner, Record: []byte("k"), Value: []byte("v"), Accepted: true}, 5, nil))
	check(s.ClaimNonce(ctx, [32]byte{1}, "a nonce", 1_000))
	check(s.ClaimNonce(ctx, [32]byte{1}, "Z nonce", 1_000))
	_, err = s.HighWater(ctx, 77)
	check(err)
	return path
}

func exported(t testing.TB, target string, o Options) []byte {
	t.Helper()
	db, err := Open(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out bytes.Buffer
	o.Time = 1
	if _, err := Export(context.Background(), db, &out, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPortable: a stream goes from one engine to the other and back as the same bytes.
func TestPortable(t *testing.T) {
	ctx := context.Background()
	first := exported(t, filled(t), Options{Kind: Complete})
	file := filepath.Join(t.TempDir(), "recrypt.db")
	for name, target := range map[string]string{"sqlite": file, "postgres": pgtest.Start(t, pgtest.Options{}).Database(t)} {
		engine, err := openEngine(ctx, target)
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close()
		db, err := Open(ctx, target)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := Import(ctx, db, bytes.NewReader(first[:len(first)-1]), nil); !errors.Is(err, ErrStream) {
			t.Errorf("%s: a stream that was cut off: %v", name, err)
		}
		if _, err := Import(ctx, db, bytes.NewReader(first), nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Import(ctx, db, bytes.NewReader(first), nil); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("%s: imported twice: %v", name, err)
		}
		if again := exported(t, target, Options{Kind: Complete}); !bytes.Equal(again, first) {
			t.Errorf("%s: the stream is another one", name)
		}
		// The engine goes on where the other one ended.
		leaf := make([]byte, 64)
		if err := engine.AppendLog(ctx, []store.LogEntry{{Leaf: leaf}}); err != nil {
			t.Errorf("%s: append: %v", name, err)
		}
		if size, err := engine.LogSize(ctx); err != nil || size != 7 {
			t.Errorf("%s: the log has %d leaves: %v", name, size, err)
		}
		if _, err := Verify(bytes.NewReader(exported(t, target, Options{}))); err != nil {
			t.Errorf("%s: after an append: %v", name, err)
		}
		if err := engine.ClaimNonce(ctx, [32]byte{1}, "a nonce", 1_000); !errors.Is(err, store.ErrReplay) {
			t.Errorf("%s: a nonce was forgotten: %v", name, err)
		}
	}
}

// TestVerify: a backup with any byte changed, cut off anywhere or longer is refused.
func TestVerify(t *testing.T) {
	path := filled(t)
	good := exported(t, path, Options{Key: []byte("a sealed key")})
	s, err := Verify(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows("identities") != 5 || s.Rows("sealed_keys") != 0 || s.Service != [32]byte{5} || s.Size != 6 || string(s.Key) != "a sealed key" || s.Bytes != int64(len(good)) {
		t.Errorf("verified %+v", s)
	}
	for _, secret := range []string{"sealed secret", "nonce of a"} {
		if bytes.Contains(good, []byte(secret)) {
			t.Errorf("the backup contains %q", secret)
		}
	}
	for at := range good {
		changed := bytes.Clone(good)
		changed[at] ^= 1
		if _, err := Verify(bytes.NewReader(changed)); !errors.Is(err, ErrStream) {
			t.Fatalf("byte %d was changed: %v", at, err)
		}
	}
	for n := range good {
		if _, err := Verify(bytes.NewReader(good[:n])); !errors.Is(err, ErrStream) {
			t.Fatalf("cut off after %d bytes: %v", n, err)
		}
	}
	if _, err := Verify(bytes.NewReader(append(bytes.Clone(good), 0))); !errors.Is(err, ErrStream) {
		t.Errorf("a longer one: %v", err)
	}
}

// TestVerifyForged: whoever can compute checksums cannot forge a log that does not add up.
func TestVerifyForged(t *testing.T) {
	good := exported(t, filled(t), Options{})
	forged := bytes.Clone(good)
	leaf := translog.IdentityLeaf([32]byte{1}, 1, []byte("record 1"))
	at := bytes.Index(forged, leaf)
	if at < 0 {
		t.Skip("the leaf is not found")
	}
	forged[at] ^= 1
	reseal(forged)
	if _, err := Verify(bytes.NewReader(forged)); !errors.Is(err, ErrStream) {
		t.Errorf("a forged leaf: %v", err)
	}
}

// reseal computes all checksums of a stream anew.
func reseal(b []byte) {
	at := len(magic)
	var t *table
	digest := sha256.New()
	for at < len(b) {
		kind, n := b[at], int(uint32(b[at+1])<<24|uint32(b[at+2])<<16|uint32(b[at+3])<<8|uint32(b[at+4]))
		payload := b[at+5 : at+5+n]
		switch kind {
		case frameTable:
			t, _ = tableNamed(string(payload))
			digest = t.digest()
		case frameRows:
			digest.Write(payload)
		case frameEnd:
			copy(payload[8:], digest.Sum(nil))
		case frameDone:
			sum := sha256.Sum256(b[:at])
			copy(payload, sum[:])
		}
		at += 5 + n
	}
}

func FuzzVerify(f *testing.F) {
	good := exported(f, filled(f), Options{})
	f.Add(good)
	f.Add(good[:200])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Verify(bytes.NewReader(b))
		if (s == nil) == (err == nil) {
			t.Fatal("neither a summary nor an error, or both")
		}
		if err == nil && s.Bytes != int64(len(b)) {
			t.Error("it did not read to the end")
		}
	})
}
