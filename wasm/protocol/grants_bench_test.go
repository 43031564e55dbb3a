package protocol

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// BenchmarkGrants makes and opens grants to many readers, one at a time and at once; a
// time is that of one grant.
func BenchmarkGrants(b *testing.B) {
	const many = 32
	for suite, name := range map[uint8]string{abi.Suite256: "recrypt256", abi.Suite480: "recrypt480"} {
		owner := must(NewIdentity(seedOf("owner"), seedOf("owner's recovery"), []byte{suite}))
		reader := must(NewIdentity(seedOf("reader"), seedOf("reader's recovery"), []byte{suite}))
		collection := must(NewCollection(seedOf("owner"), owner, nil, &abi.CollectionFields{Suite: suite}))
		items, toOpen := make([]abi.NewGrant, many), make([]abi.GrantToOpen, many)
		for i := range items {
			items[i] = abi.NewGrant{Reader: reader, GrantFields: abi.GrantFields{Kind: abi.GrantDirect}}
		}
		grants, keys, _, err := NewGrants(seedOf("owner"), owner, collection, items, never)
		if err != nil {
			b.Fatal(err)
		}
		for i := range items {
			toOpen[i] = abi.GrantToOpen{Reader: reader, Grant: grants[i], TransformKey: keys[i]}
		}
		b.Run("new/one/"+name, func(b *testing.B) {
			for range b.N {
				must2(NewGrant(seedOf("owner"), owner, collection, reader, &items[0].GrantFields))
			}
		})
		b.Run("new/many/"+name, func(b *testing.B) {
			for range (b.N + many - 1) / many {
				NewGrants(seedOf("owner"), owner, collection, items, never)
			}
		})
		b.Run("open/one/"+name, func(b *testing.B) {
			for range b.N {
				must(OpenGrant(owner, collection, reader, grants[0], keys[0]))
			}
		})
		b.Run("open/many/"+name, func(b *testing.B) {
			for range (b.N + many - 1) / many {
				OpenGrants(owner, collection, toOpen, never)
			}
		})
	}
}
