package client

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestClose: the copy of the seed is gone, the caller's is untouched, and nothing
// is signed or sent any more.
func TestClose(t *testing.T) {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	core := abi.Client{Caller: e}
	seed := bytes.Repeat([]byte{7}, 32)
	record, err := core.NewIdentity(ctx, seed, bytes.Repeat([]byte{8}, 32), []byte{abi.Suite256})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Caller: e, Server: "http://127.0.0.1:1", Seed: seed, Identity: record})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	if !bytes.Equal(c.seed, make([]byte, 32)) {
		t.Error("the seed is still there")
	}
	if seed[0] != 7 {
		t.Error("the caller's seed was cleared")
	}
	if _, err := c.CreateKey(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("create key: %v", err)
	}
	if err := c.call(ctx, "GET", "/v1/grants", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("call: %v", err)
	}
}
