package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// FuzzMark: what is read is what was written, and nothing else.
func FuzzMark(f *testing.F) {
	f.Add((&mark{7, [32]byte{1}}).encode())
	f.Add(make([]byte, markSize-1))
	f.Add(bytes.Repeat([]byte{0xff}, markSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := parseMark(b)
		if m != nil && (!bytes.Equal(m.encode(), b) || m.next < 0) {
			t.Errorf("%x gave %+v", b, m)
		}
	})
}

// FuzzEvidence: whatever is kept with an entry binds it only if it names its key.
func FuzzEvidence(f *testing.F) {
	key := [16]byte{1, 2, 3}
	body := `{"keys":["` + api.FormatID(key) + `"]}`
	hash := sha256.Sum256([]byte(body))
	for _, v := range []api.Evidence{
		{Method: "POST", Path: strings.Replace(api.PathTransform, "{id}", api.FormatID(key), 1), Created: 1, Expires: 300},
		{Method: "POST", Path: api.PathTransforms, Body: body, BodyHash: hash[:], Created: 1, Expires: 300},
		{Method: "POST", Path: api.PathTransforms, BodyHash: hash[:], Created: 1, Expires: 300},
		{Method: "POST", Path: api.PathGrants, Created: 1<<64 - 1, Expires: 1<<64 - 1},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(translog.Opened), int64(2000))
	}
	f.Add([]byte(`{"keyId":`), uint8(1), int64(0))
	f.Fuzz(func(t *testing.T, kept []byte, kind uint8, at int64) {
		v, err := parseEvidence(kept)
		if err != nil {
			if v != nil {
				t.Error("evidence beside an error")
			}
			return
		}
		e := &translog.Entry{Kind: translog.Kind(kind), Time: max(at, 0), Key: key}
		bound, ok := binds(v, e)
		if bound && ok && e.Kind == translog.Opened && !strings.Contains(v.Path+v.Body, api.FormatID(key)) {
			t.Errorf("bound by %q, %q", v.Path, v.Body)
		}
	})
}

// TestFrontier: roots are those of tlog, at every size.
func TestFrontier(t *testing.T) {
	var f frontier
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for n := range int64(600) {
		want, err := tlog.TreeHash(n, read)
		if err != nil || f.root() != want || f.size != n {
			t.Fatalf("%d leaves: %s, want %s, %v", n, f.root(), want, err)
		}
		leaf := []byte{byte(n), byte(n >> 8)}
		fresh, err := tlog.StoredHashes(n, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, fresh...)
		f.add(leaf)
	}
}

// offline makes a client that never reaches a server.
func offline(t testing.TB) *Client {
	t.Helper()
	e, err := engine.New(context.Background(), engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	c, err := New(Config{Caller: e, Server: "http://127.0.0.1:9"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestVersions: every version of an identity is found, and what it was.
func TestVersions(t *testing.T) {
	c, ctx := offline(t), context.Background()
	seeds := [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)}
	first, err := c.core.NewIdentity(ctx, seeds[0], bytes.Repeat([]byte{3}, 32), []byte{abi.Suite256})
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.core.NewIdentityVersion(ctx, seeds[0], first, []byte{abi.Suite256, abi.Suite480})
	if err != nil {
		t.Fatal(err)
	}
	third, err := c.core.RotateIdentity(ctx, seeds[0], nil, seeds[1], nil, second, 2, []byte{abi.Suite256, abi.Suite480})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{first, second, third}
	for n, record := range want {
		p, err := c.openPerson(ctx, record)
		if err != nil {
			t.Fatal(err)
		}
		all, err := c.versions(ctx, p)
		if err != nil || len(all) != n+1 {
			t.Fatalf("%d versions of %d, %v", len(all), n+1, err)
		}
		for i, v := range all {
			if v.Version != uint32(i+1) || !bytes.Equal(v.record, want[i]) {
				t.Errorf("version %d is %d", i+1, v.Version)
			}
		}
	}
}
