package client

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// grantTo is a grant as list_readers has it; revoked is the sequence that its
// revocation names, -1 for none.
func grantTo(reader byte, version uint32, status string, expires uint64, revoked int) listed {
	l := listed{Grant: &abi.Grant{Reader: [32]byte{reader}, ReaderVersion: version}, status: status}
	l.Expires = expires
	if revoked >= 0 {
		l.revocation = &abi.Revocation{Sequence: uint64(revoked)}
	}
	return l
}

// TestSignedReaders: which readings of a list account for the head's hash. The
// head has sequence 5; what counts as signed and as active now are readers'
// numbers.
func TestSignedReaders(t *testing.T) {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	c := &Client{core: abi.Client{Caller: e}}
	const active, expired, revoked = api.GrantActive, api.GrantExpired, api.GrantRevoked
	one := grantTo(1, 1, active, 0, -1)
	for name, tt := range map[string]struct {
		list        []listed
		signed, now []byte
	}{
		"nobody":                              {nil, nil, nil},
		"active":                              {[]listed{one, grantTo(2, 1, active, 9, -1)}, []byte{1, 2}, []byte{1, 2}},
		"expired since":                       {[]listed{one, grantTo(2, 1, expired, 9, -1)}, []byte{1, 2}, []byte{1}},
		"expired before":                      {[]listed{one, grantTo(2, 1, expired, 9, -1)}, []byte{1}, []byte{1}},
		"one expired before and one since":    {[]listed{grantTo(2, 1, expired, 8, -1), grantTo(3, 1, expired, 9, -1)}, []byte{3}, nil},
		"revoked since":                       {[]listed{one, grantTo(2, 1, revoked, 0, 5)}, []byte{1, 2}, []byte{1}},
		"revoked before, in the same instant": {[]listed{one, grantTo(2, 1, revoked, 0, 4)}, []byte{1}, []byte{1}},
		"revoked since, for an older record":  {[]listed{one, grantTo(2, 1, revoked, 0, 3)}, []byte{1, 2}, []byte{1}},
		"expired before, then revoked":        {[]listed{one, grantTo(2, 1, revoked, 9, 5)}, []byte{1}, []byte{1}},
		"replaced":                            {[]listed{one, grantTo(1, 1, revoked, 0, -1), grantTo(2, 1, revoked, 0, -1)}, []byte{1}, []byte{1}},
		"granted again":                       {[]listed{grantTo(1, 1, revoked, 0, 4), one}, []byte{1}, []byte{1}},
	} {
		want := make([]abi.ReaderRef, 0)
		for _, id := range tt.signed {
			want = append(want, abi.ReaderRef{ID: [32]byte{id}, Version: 1})
		}
		hash, err := c.core.ReadersHash(ctx, want)
		if err != nil {
			t.Fatal(err)
		}
		head := link{Collection: &abi.Collection{Sequence: 5, ReadersHash: hash}}
		r, err := c.signedReaders(ctx, head, tt.list)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for id := range byte(5) {
			if r.names([32]byte{id}) != slices.Contains(tt.signed, id) || holds(r.live, [32]byte{id}) != slices.Contains(tt.now, id) {
				t.Errorf("%s: reader %d named %v, active %v", name, id, r.names([32]byte{id}), holds(r.live, [32]byte{id}))
			}
		}
		if len(r.signed) != len(tt.signed) || len(r.live) != len(tt.now) {
			t.Errorf("%s: %d named, %d active", name, len(r.signed), len(r.live))
		}
	}
}

// TestManyReadings: a list that would take long to read is refused.
func TestManyReadings(t *testing.T) {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	calls := 0
	c := &Client{core: abi.Client{Caller: counter{e, &calls}}}
	var list []listed
	for i := range 1000 {
		list = append(list, grantTo(byte(i), 1, api.GrantExpired, uint64(i)+1, -1))
	}
	head := link{Collection: &abi.Collection{Sequence: 5}}
	if _, err := c.signedReaders(ctx, head, list); !errors.Is(err, ErrRollback) || calls != maxReadings {
		t.Errorf("%d readings, %v", calls, err)
	}
}

// counter counts the calls of a core.
type counter struct {
	abi.Caller
	calls *int
}

func (c counter) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	*c.calls++
	return c.Caller.Call(ctx, op, request)
}
