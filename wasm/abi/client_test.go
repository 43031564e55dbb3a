package abi

import (
	"context"
	"errors"
	"testing"
)

// answers is a Caller that gives every operation the same answer.
type answers []byte

func (a answers) Call(context.Context, Op, []byte) ([]byte, error) { return Result(a) }

// TestClientAgainstNonsense sees that the client takes no nonsense from a core
// and does not panic over it.
func TestClientAgainstNonsense(t *testing.T) {
	ctx := t.Context()
	calls := map[string]func(c Client) error{
		"OpenIdentity":      func(c Client) error { _, err := c.OpenIdentity(ctx, nil); return err },
		"OpenService":       func(c Client) error { _, err := c.OpenService(ctx, nil); return err },
		"OpenCollection":    func(c Client) error { _, err := c.OpenCollection(ctx, nil, nil, nil); return err },
		"OpenGrant":         func(c Client) error { _, err := c.OpenGrant(ctx, nil, nil, nil, nil, nil); return err },
		"NewGrants":         func(c Client) error { _, err := c.NewGrants(ctx, nil, nil, nil, make([]NewGrant, 1)); return err },
		"OpenGrants":        func(c Client) error { _, err := c.OpenGrants(ctx, nil, nil, make([]GrantToOpen, 1)); return err },
		"CompareIdentities": func(c Client) error { _, err := c.CompareIdentities(ctx, nil, nil); return err },
		"OwnDefault":        func(c Client) error { _, err := c.OwnDefaultCollection(ctx, nil, nil, [32]byte{}); return err },
		"OpenKeyRecord":     func(c Client) error { _, err := c.OpenKeyRecord(ctx, nil, nil, nil, nil); return err },
		"OpenRevocation":    func(c Client) error { _, err := c.OpenRevocation(ctx, nil, nil); return err },
		"OpenHeader":        func(c Client) error { _, err := c.OpenHeader(ctx, nil); return err },
		"ParseID":           func(c Client) error { _, _, err := c.ParseID(ctx, ""); return err },
		"ReadersHash":       func(c Client) error { _, err := c.ReadersHash(ctx, nil); return err },
		"OpenSeed":          func(c Client) error { _, _, err := c.OpenSeed(ctx, nil, nil); return err },
		"Default":           func(c Client) error { _, err := c.DefaultCollection(ctx, nil, [32]byte{}); return err },
		"Ed25519Verify":     func(c Client) error { return c.Ed25519Verify(ctx, nil, nil, nil) },
	}
	var nonsense [][]byte
	for n := range 20 {
		frames := make([][]byte, n)
		nonsense = append(nonsense, append([]byte{0}, Pack(frames...)...))
		for i := range frames {
			frames[i] = []byte("x")
		}
		nonsense = append(nonsense, append([]byte{0}, Pack(frames...)...), append([]byte{0, 1}, Pack(frames...)...))
	}
	for name, call := range calls {
		for _, response := range nonsense {
			if name == "Ed25519Verify" && len(response) == 1 {
				continue // no frames is what it wants
			}
			if call(Client{answers(response)}) == nil {
				t.Errorf("%s took % x", name, response)
			}
		}
		if err := call(Client{answers("\x03no")}); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
