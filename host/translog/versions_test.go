package translog

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// identities returns an identity at each of its versions, made by the core: one that
// gets another suite, then new keys.
func identities(t testing.TB) [][]byte {
	ctx := context.Background()
	core := abi.Client{Caller: dispatch.Native{}}
	seed, recovery, next := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 32)
	first := must(core.NewIdentity(ctx, seed, recovery, []byte{abi.Suite256}))
	second := must(core.NewIdentityVersion(ctx, seed, first, []byte{abi.Suite480}))
	third := must(core.RotateIdentity(ctx, seed, nil, next, nil, second, 2, []byte{abi.Suite256, abi.Suite480}))
	byRecovery := must(core.RotateIdentity(ctx, seed, recovery, next, nil, second, 2, []byte{abi.Suite256, abi.Suite480}))
	if _, err := core.OpenIdentity(ctx, byRecovery); err != nil {
		t.Fatal(err)
	}
	return [][]byte{first, second, third, byRecovery}
}

func TestIdentityVersions(t *testing.T) {
	made := identities(t)
	for i, records := range made {
		want := made[:min(i, 2)]
		got, err := IdentityVersions(records)
		if err != nil || len(got) != len(want)+1 || !bytes.Equal(got[len(want)], records) {
			t.Fatalf("identity %d has %d versions, %v", i, len(got), err)
		}
		for j := range want {
			if !bytes.Equal(got[j], want[j]) {
				t.Errorf("identity %d: version %d is not what it was", i, j+1)
			}
		}
	}
	full := made[2]
	for name, bad := range map[string][]byte{
		"empty": {}, "cut": full[:len(full)-1], "more": append(bytes.Clone(full), 0), "other label": append([]byte{26}, "recrypt-service grant v1aaa"...),
		"seventeen": bytes.Repeat(made[0], 17),
	} {
		if got, err := IdentityVersions(bad); !errors.Is(err, ErrIdentity) || got != nil {
			t.Errorf("%s: %d versions, %v", name, len(got), err)
		}
	}
	for n := range full {
		if got, err := IdentityVersions(full[:n]); err == nil && !bytes.Equal(got[len(got)-1], made[len(got)-1]) {
			t.Fatalf("cut to %d bytes it has %d versions", n, len(got))
		}
	}
}

func FuzzIdentityVersions(f *testing.F) {
	for _, records := range identities(f) {
		f.Add(records)
	}
	f.Fuzz(func(t *testing.T, records []byte) {
		versions, err := IdentityVersions(records)
		if err != nil {
			return
		}
		end := 0
		for _, v := range versions {
			if len(v) <= end || !bytes.HasPrefix(records, v) {
				t.Fatal("versions are not growing prefixes")
			}
			end = len(v)
		}
		if end != len(records) {
			t.Fatal("versions do not end where the identity does")
		}
	})
}
