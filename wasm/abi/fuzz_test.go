package abi

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

// limit is how much taking n bytes apart may allocate. A frame costs four bytes and
// is held by a slice of 24, which grows by copying.
func limit(n int) int { return 32*n + 8<<10 }

// FuzzUnpack: what is accepted packs into the same bytes again.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add(Pack(nil, []byte("a"), make([]byte, 300)), 3)
	f.Add([]byte("\xff\xff\xff\xff"), 1)
	f.Add([]byte("\x01\x00\x00\x00"), -1)
	f.Fuzz(func(t *testing.T, b []byte, want int) {
		want %= 100
		var frames [][]byte
		var err error
		fuzztest.Within(t, limit(len(b)), func() { frames, err = Unpack(b, want) })
		if err != nil {
			if frames != nil {
				t.Error("frames with an error")
			}
			return
		}
		if !bytes.Equal(Pack(frames...), b) || want >= 0 && len(frames) != want {
			t.Error("packs into other bytes")
		}
	})
}

// FuzzUnpackBatch: what is accepted packs into the same bytes again and has not too many
// items, and what Unpack takes is refused for their number only.
func FuzzUnpackBatch(f *testing.F) {
	f.Add([]byte{})
	f.Add(Pack(nil, []byte("a"), make([]byte, 300)))
	f.Add(make([]byte, 4*MaxBatch))
	f.Add(make([]byte, 4*MaxBatch+4))
	f.Add(make([]byte, 4*MaxBatch+1))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var items [][]byte
		var err error
		fuzztest.Within(t, limit(min(len(b), 4*MaxBatch)), func() { items, err = UnpackBatch(b) })
		all, malformed := Unpack(b, -1)
		switch {
		case err != nil && items != nil:
			t.Error("items with an error")
		case err == nil && (len(items) > MaxBatch || !bytes.Equal(Pack(items...), b)):
			t.Error("too many items, or other bytes")
		case err == ErrTooLarge && malformed == nil && len(all) <= MaxBatch:
			t.Errorf("%d items are too many", len(all))
		case err == ErrMalformed && malformed == nil:
			t.Error("refused what Unpack takes")
		}
	})
}

// FuzzResult: a response is frames, or a status with a printable message.
func FuzzResult(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x00x"))
	f.Add([]byte("\x04wrong passphrase"))
	f.Add(append([]byte{1}, make([]byte, maxMessage+1)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var result []byte
		var err error
		fuzztest.Within(t, 2*maxMessage+1<<10, func() { result, err = Result(b) })
		e, isAnswer := err.(*Error)
		switch {
		case err == nil && !bytes.Equal(append([]byte{0}, result...), b):
			t.Error("other bytes")
		case err != nil && (!isAnswer || e.Status == StatusOK || e.Status > StatusStopped || strings.ContainsAny(e.Message, "\n\r\x1b\x00")):
			t.Errorf("%#v", err)
		case err != nil && result != nil:
			t.Error("a result beside the error")
		}
	})
}

// A view is what one operation's result frames are read into.
type view struct {
	name string
	read func(ctx context.Context, c Client) (any, error)
	pack func(v any) [][]byte // of what was read
	seed any
}

// typed makes a view of a method of the client.
func typed[T any](name string, seed T, read func(ctx context.Context, c Client) (T, error), pack func(v T) [][]byte) view {
	return view{
		name, func(ctx context.Context, c Client) (any, error) { return read(ctx, c) },
		func(v any) [][]byte { return pack(v.(T)) }, seed,
	}
}

// pair is two results of one method.
type pair[A, B any] struct {
	a A
	b B
}

func paired[A, B any](a A, b B, err error) (pair[A, B], error) { return pair[A, B]{a, b}, err }

func id32(b byte) (id [32]byte) { return [32]byte(bytes.Repeat([]byte{b}, 32)) }

func views() []view {
	grant := &Grant{GrantFields: GrantFields{Kind: GrantLink, Scope: [][16]byte{{1}, {2}}, Uses: 3, Extensions: someExtensions()}, Suite: 1, Reader: id32(7)}
	return append(smallViews(),
		typed("OpenIdentity", &Identity{ID: id32(1), Version: 2, Keys: []SuiteKey{{1, make([]byte, 64)}, {2, make([]byte, 120)}}},
			func(ctx context.Context, c Client) (*Identity, error) { return c.OpenIdentity(ctx, nil) },
			func(v *Identity) [][]byte {
				var keys [][]byte
				for _, k := range v.Keys {
					keys = append(keys, U8(k.Suite), k.PublicKey)
				}
				return [][]byte{v.ID[:], U32(v.Version), v.SigningKey[:], v.RecryptKey[:], v.RecoveryHash[:], Pack(keys...)}
			}),
		typed("OpenService", &Service{ID: id32(3), Version: 1},
			func(ctx context.Context, c Client) (*Service, error) { return c.OpenService(ctx, nil) },
			func(v *Service) [][]byte { return [][]byte{v.ID[:], U32(v.Version), v.SigningKey[:], v.RecryptKey[:]} }),
		typed("OpenCollection", &Collection{Epoch: 1, Sequence: 2, Suite: 1, PublicKey: make([]byte, 64), Authors: [][32]byte{id32(1), id32(2)}, Title: []byte("t"), Extensions: someExtensions()},
			func(ctx context.Context, c Client) (*Collection, error) { return c.OpenCollection(ctx, nil, nil, nil) },
			func(v *Collection) [][]byte {
				return [][]byte{
					v.Service[:], v.Owner[:], U32(v.OwnerVersion), v.Collection[:], U32(v.Epoch), U64(v.Sequence), v.Previous[:], U8(v.Suite),
					v.PublicKey, v.Salt[:], v.ReadersHash[:], U8(v.Deposit), Join(v.Authors), v.Title, v.Hash[:], v.Extensions.Encode(),
				}
			}),
		typed("OpenGrant", grant,
			func(ctx context.Context, c Client) (*Grant, error) { return c.OpenGrant(ctx, nil, nil, nil, nil, nil) },
			packGrant),
		typed("NewGrants", []GrantOutcome{{Grant: []byte("grant"), TransformKey: []byte("key")}, {Err: &Error{StatusSuite, "no"}}},
			func(ctx context.Context, c Client) ([]GrantOutcome, error) {
				return c.NewGrants(ctx, nil, nil, nil, make([]NewGrant, 2))
			},
			func(v []GrantOutcome) [][]byte {
				var out [][]byte
				for _, o := range v {
					out = append(out, outcome(o.Err, o.Grant, o.TransformKey))
				}
				return [][]byte{Pack(out...)}
			}),
		typed("OpenGrants", []OpenGrantOutcome{{Err: &Error{StatusMalformed, ""}}, {Grant: grant}},
			func(ctx context.Context, c Client) ([]OpenGrantOutcome, error) {
				return c.OpenGrants(ctx, nil, nil, make([]GrantToOpen, 2))
			},
			func(v []OpenGrantOutcome) [][]byte {
				var out [][]byte
				for _, o := range v {
					if o.Err == nil {
						out = append(out, outcome(nil, packGrant(o.Grant)...))
					} else {
						out = append(out, outcome(o.Err))
					}
				}
				return [][]byte{Pack(out...)}
			}),
		typed("OpenKeyRecord", &KeyRecord{Epoch: 1, Suite: 2, Payload: &Payload{Length: 5, Hash: id32(9)}, Extensions: Extensions{RenewBy: 1}},
			func(ctx context.Context, c Client) (*KeyRecord, error) {
				return c.OpenKeyRecord(ctx, nil, nil, nil, nil)
			},
			func(v *KeyRecord) [][]byte {
				payload := [][]byte{U8(0), U64(0), nil}
				if v.Payload != nil {
					payload = [][]byte{U8(1), U64(v.Payload.Length), v.Payload.Hash[:]}
				}
				payload = append(payload, v.Extensions.Encode())
				return append([][]byte{
					v.Key[:], v.Service[:], v.Owner[:], v.Collection[:], U32(v.Epoch), v.Author[:], U32(v.AuthorVersion), U8(v.Suite),
				}, payload...)
			}),
		typed("OpenCheckpoint", &Checkpoint{Size: 3, Root: id32(4), Time: 5, Confirmations: []Confirmation{{1, 6}, {0, 7}}},
			func(ctx context.Context, c Client) (*Checkpoint, error) {
				return c.OpenCheckpoint(ctx, nil, nil, []string{"one", "two"})
			},
			func(v *Checkpoint) [][]byte {
				var confirmations []byte
				for _, c := range v.Confirmations {
					confirmations = append(append(confirmations, U32(c.Witness)...), U64(c.Time)...)
				}
				return [][]byte{U64(v.Size), v.Root[:], U64(v.Time), confirmations}
			}),
		typed("RunEdgeJob", []EdgeOutcome{{Value: []byte("value"), Ticket: []byte("ticket")}, {Err: &Error{StatusMalformed, "no"}}},
			func(ctx context.Context, c Client) ([]EdgeOutcome, error) {
				return c.RunEdgeJob(ctx, nil, nil, nil, 0, nil)
			},
			func(v []EdgeOutcome) [][]byte {
				var out [][]byte
				for _, o := range v {
					out = append(out, outcome(o.Err, o.Value, o.Ticket))
				}
				return [][]byte{Pack(out...)}
			}),
		typed("OpenRevocation", &Revocation{Sequence: 1, Time: 2},
			func(ctx context.Context, c Client) (*Revocation, error) { return c.OpenRevocation(ctx, nil, nil) },
			func(v *Revocation) [][]byte {
				return [][]byte{
					v.Revocation[:], v.Service[:], v.Owner[:], U32(v.OwnerVersion), v.Collection[:], U64(v.Sequence), v.Reader[:], U64(v.Time),
				}
			}),
		typed("OpenHeader", &Header{Epoch: 1, Server: "https://files.example", Length: 130},
			func(ctx context.Context, c Client) (*Header, error) { return c.OpenHeader(ctx, nil) },
			func(v *Header) [][]byte {
				return [][]byte{v.Key[:], v.Collection[:], U32(v.Epoch), v.Author[:], []byte(v.Server), U32(uint32(v.Length))}
			}),
	)
}

func someExtensions() Extensions {
	return Extensions{Checkpoint: &LogState{Size: 1, Root: id32(8)}, RenewBy: 9}
}

func packGrant(v *Grant) [][]byte {
	return [][]byte{
		v.Grant[:], v.Service[:], v.Owner[:], U32(v.OwnerVersion), v.Collection[:], U32(v.Epoch), U8(v.Suite), v.CollectionHash[:],
		v.Reader[:], U32(v.ReaderVersion), v.TransformKeyHash[:], U8(v.Kind), Join(v.Scope),
		U64(v.NotBefore), U64(v.Expires), U64(v.Wait), U32(v.Uses), v.Extensions.Encode(),
	}
}

// outcome is the answer for an item of a batch.
func outcome(err error, frames ...[]byte) []byte {
	if e, ok := err.(*Error); ok {
		return append([]byte{byte(e.Status)}, e.Message...)
	}
	return append([]byte{0}, Pack(frames...)...)
}

func smallViews() []view {
	return []view{
		typed("Info", pair[uint32, []byte]{Version, []byte{1, 2}},
			func(ctx context.Context, c Client) (pair[uint32, []byte], error) { return paired(c.Info(ctx)) },
			func(v pair[uint32, []byte]) [][]byte { return [][]byte{U32(v.a), v.b} }),
		typed("SelfTest", struct{}{},
			func(ctx context.Context, c Client) (struct{}, error) { return struct{}{}, c.SelfTest(ctx) },
			func(struct{}) [][]byte { return nil }),
		typed("ParseID", pair[uint8, [32]byte]{1, id32(2)},
			func(ctx context.Context, c Client) (pair[uint8, [32]byte], error) { return paired(c.ParseID(ctx, "")) },
			func(v pair[uint8, [32]byte]) [][]byte { return [][]byte{U8(v.a), v.b[:]} }),
		typed("OpenSeed", pair[uint8, []byte]{1, make([]byte, 32)},
			func(ctx context.Context, c Client) (pair[uint8, []byte], error) {
				return paired(c.OpenSeed(ctx, nil, nil))
			},
			func(v pair[uint8, []byte]) [][]byte { return [][]byte{U8(v.a), v.b} }),
		typed("GenerateKeyPair", pair[string, string]{"private", "public"},
			func(ctx context.Context, c Client) (pair[string, string], error) {
				a, b, err := c.GenerateKeyPair(ctx, 1)
				return pair[string, string]{string(a), string(b)}, err
			},
			func(v pair[string, string]) [][]byte { return [][]byte{[]byte(v.a), []byte(v.b)} }),
		typed("Decrypt", []byte("plaintext"),
			func(ctx context.Context, c Client) ([]byte, error) { return c.Decrypt(ctx, 1, nil, nil) },
			func(v []byte) [][]byte { return [][]byte{v} }),
		typed("ReadersHash", id32(5),
			func(ctx context.Context, c Client) ([32]byte, error) { return c.ReadersHash(ctx, nil) },
			func(v [32]byte) [][]byte { return [][]byte{v[:]} }),
		typed("DefaultCollection", [16]byte{5},
			func(ctx context.Context, c Client) ([16]byte, error) {
				return c.DefaultCollection(ctx, nil, [32]byte{})
			},
			func(v [16]byte) [][]byte { return [][]byte{v[:]} }),
		typed("OpenReceipt", pair[uint64, uint32]{6, 7},
			func(ctx context.Context, c Client) (pair[uint64, uint32], error) {
				return paired(c.OpenReceipt(ctx, nil, nil, nil))
			},
			func(v pair[uint64, uint32]) [][]byte { return [][]byte{U64(v.a), U32(v.b)} }),
		typed("SignRequest", [3]string{"input", "signature", "digest"},
			func(ctx context.Context, c Client) (v [3]string, err error) {
				v[0], v[1], v[2], err = c.SignRequest(ctx, nil, &Request{})
				return v, err
			},
			func(v [3]string) [][]byte { return [][]byte{[]byte(v[0]), []byte(v[1]), []byte(v[2])} }),
	}
}

// FuzzViews gives the client any answer of the core: a view is read whole, and packs
// into the same answer again, or an error comes alone.
func FuzzViews(f *testing.F) {
	all := views()
	for i, v := range all {
		answer := append([]byte{0}, Pack(v.pack(v.seed)...)...)
		f.Add(uint8(i), answer)
		f.Add(uint8(i), answer[:max(1, len(answer)-1)])
		f.Add(uint8(i), append(bytes.Clone(answer), 0, 0, 0, 0))
		f.Add(uint8(i), []byte("\x03no"))
	}
	f.Fuzz(func(t *testing.T, which uint8, response []byte) {
		view := all[int(which)%len(all)]
		var v any
		var err error
		fuzztest.Within(t, limit(len(response)), func() { v, err = view.read(t.Context(), Client{answers(response)}) })
		if err != nil {
			if !reflect.ValueOf(v).IsZero() {
				t.Errorf("%s: %+v beside the error", view.name, v)
			}
			return
		}
		if again := append([]byte{0}, Pack(view.pack(v)...)...); !bytes.Equal(again, response) {
			t.Errorf("%s: accepted %x, which is %x", view.name, response, again)
		}
	})
}
