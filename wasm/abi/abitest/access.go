package abitest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// someExtensions has everything that a record can say in its extension area.
func someExtensions() abi.Extensions {
	return abi.Extensions{Checkpoint: &abi.LogState{Size: 1 << 40, Root: [32]byte(seedOf("root"))}, RenewBy: 1_900_000_000_000}
}

// sameExtensions ends the scenario unless both say the same.
func sameExtensions(got, want abi.Extensions) { equal(got.Encode(), want.Encode()) }

// extend makes records with extensions, and calls with malformed ones.
func (w *world) extend() {
	for _, e := range []abi.Extensions{{}, {RenewBy: 1}, {Checkpoint: &abi.LogState{}}, someExtensions()} {
		c := get(w.NewCollection(w.ctx, w.ownerSeed, w.owner, nil, &abi.CollectionFields{
			Service: w.serviceID, Collection: w.collection, Suite: w.number, Extensions: e,
		}))
		sameExtensions(get(w.OpenCollection(w.ctx, w.owner, c, nil)).Extensions, e)
		g, _ := get2(w.NewGrant(w.ctx, w.ownerSeed, w.owner, w.second, w.reader, &abi.GrantFields{Kind: abi.GrantDirect, Extensions: e}))
		sameExtensions(get(w.OpenGrant(w.ctx, w.owner, nil, nil, g, nil)).Extensions, e)
		k := get(w.NewKeyRecord(w.ctx, w.ownerSeed, w.owner, w.second, item("document"), w.document.value, nil, e))
		sameExtensions(get(w.OpenKeyRecord(w.ctx, w.owner, w.second, k, nil)).Extensions, e)
	}
	good := someExtensions().Encode()
	for _, bad := range [][]byte{
		{0}, good[1:], good[:len(good)-1], append(bytes.Clone(good), 0), // cut or too long
		append(bytes.Clone(good), 0, 3, 0, 0),                             // an entry that nobody knows
		append(bytes.Clone(good), good...),                                // twice
		append(bytes.Clone(good[44:]), good[:44]...),                      // in another order
		append(bytes.Clone(good[:47]), make([]byte, 9)...),                // never to be renewed, said at length
		append([]byte{0, 1, 0, 39}, make([]byte, 39)...), {0, 2, 0, 1, 1}, // of another form
		append([]byte{0x80, 1, 0, 40}, make([]byte, 40)...), {0xff, 0xff, 0, 0}, // critical
	} {
		refused(abi.ErrMalformed, second(w.raw(abi.OpNewKeyRecord, abi.Pack(w.ownerSeed, w.owner, w.second, make([]byte, 16),
			w.document.value, abi.U8(0), abi.U64(0), nil, bad))))
		refused(abi.ErrMalformed, second(w.raw(abi.OpNewGrant, abi.Pack(w.ownerSeed, w.owner, w.second, w.reader, make([]byte, 16),
			abi.U8(1), nil, abi.U64(0), abi.U64(0), abi.U64(0), abi.U32(0), bad))))
		refused(abi.ErrMalformed, second(w.raw(abi.OpNewCollection, abi.Pack(w.ownerSeed, w.owner, w.serviceID[:], nil, w.collection[:],
			abi.U32(0), abi.U8(w.number), make([]byte, 32), nil, abi.U8(0), nil, nil, bad))))
	}
}

// many grants to several readers at once, and opens what came of it.
func (w *world) many() {
	readers := [][]byte{w.reader, w.author, w.owner, nil, flip(w.reader, len(w.reader)-1), w.reader}
	var items []abi.NewGrant
	for i, reader := range readers {
		items = append(items, abi.NewGrant{Reader: reader, GrantFields: abi.GrantFields{
			Grant: item("many " + string(rune('a'+i))), Kind: abi.GrantPending, Wait: uint64(i), Expires: 2_000_000_000_000,
			Scope: [][16]byte{item("x"), item("document")}, Uses: uint32(i), Extensions: abi.Extensions{RenewBy: uint64(i)},
		}})
	}
	made := get(w.NewGrants(w.ctx, w.ownerSeed, w.owner, w.second, items))
	same(len(made), len(items))
	wants := []*abi.Error{nil, nil, abi.ErrMismatch, abi.ErrMalformed, abi.ErrSignature, nil}
	var toOpen []abi.GrantToOpen
	for i, m := range made {
		toOpen = append(toOpen, abi.GrantToOpen{Reader: readers[i], Grant: m.Grant, TransformKey: m.TransformKey})
		if wants[i] != nil {
			refused(wants[i], m.Err)
			same(m.Grant == nil && m.TransformKey == nil, true)
			continue
		}
		ok(m.Err)
		g := get(w.OpenGrant(w.ctx, w.owner, w.second, readers[i], m.Grant, m.TransformKey))
		same(g.Grant, items[i].Grant)
		same(g.Kind, abi.GrantPending)
		same(g.Wait, uint64(i))
		same(g.Uses, uint32(i))
		same(len(g.Scope), 2)
		sameExtensions(g.Extensions, items[i].Extensions)
	}
	toOpen[2] = abi.GrantToOpen{Reader: w.author, Grant: made[0].Grant, TransformKey: made[0].TransformKey}
	toOpen[4] = abi.GrantToOpen{Reader: w.reader, Grant: made[0].Grant, TransformKey: made[5].TransformKey}
	wants = []*abi.Error{nil, nil, abi.ErrMismatch, abi.ErrMalformed, abi.ErrMismatch, nil}
	for i, o := range get(w.OpenGrants(w.ctx, w.owner, w.second, toOpen)) {
		if wants[i] != nil {
			refused(wants[i], o.Err)
			same(o.Grant == nil, true)
			continue
		}
		ok(o.Err)
		same(o.Grant.Grant, items[i].Grant)
	}
	k := w.document
	k.value = get(w.TransformKeyValue(w.ctx, w.serviceSeed, k.value, made[0].TransformKey))
	equal(get(w.open(w.readerSeed, w.reader, w.owner, w.second, k)), w.document.key)
	w.badMany(items, toOpen)
}

// badMany fails as a whole, or for every item.
func (w *world) badMany(items []abi.NewGrant, toOpen []abi.GrantToOpen) {
	same(len(get(w.NewGrants(w.ctx, w.ownerSeed, w.owner, w.second, nil))), 0)
	same(len(get(w.OpenGrants(w.ctx, w.owner, w.second, nil))), 0)
	refused(abi.ErrMismatch, second(w.NewGrants(w.ctx, w.readerSeed, w.owner, w.second, items)))
	refused(abi.ErrMismatch, second(w.NewGrants(w.ctx, w.readerSeed, w.reader, w.second, items)))
	refused(abi.ErrMalformed, second(w.NewGrants(w.ctx, w.ownerSeed, w.owner, nil, items)))
	refused(abi.ErrMismatch, second(w.OpenGrants(w.ctx, w.reader, w.second, toOpen)))
	refused(abi.ErrMalformed, second(w.OpenGrants(w.ctx, w.owner, nil, toOpen)))
	for _, o := range get(w.OpenGrants(w.ctx, w.owner, w.first, toOpen[:2])) {
		refused(abi.ErrMismatch, o.Err)
	}
	for _, c := range []struct {
		op   abi.Op
		args [][]byte
	}{{abi.OpNewGrants, [][]byte{w.ownerSeed, w.owner, w.second}}, {abi.OpOpenGrants, [][]byte{w.owner, w.second}}} {
		batch := func(items ...[]byte) []byte { return abi.Pack(append(slices.Clone(c.args), abi.Pack(items...))...) }
		refused(abi.ErrTooLarge, second(w.raw(c.op, batch(make([][]byte, abi.MaxBatch+1)...))))
		for _, short := range [][]byte{nil, {0}, abi.Pack(w.reader), abi.Pack(make([][]byte, 20)...)} {
			frames := get(abi.Unpack(get(abi.Unpack(get(w.raw(c.op, batch(short))), 1))[0], 1))
			refused(abi.ErrMalformed, second(abi.Result(frames[0])))
		}
	}
	// More than one call takes go into several.
	most := make([]abi.GrantToOpen, abi.MaxBatch+1)
	most[abi.MaxBatch] = toOpen[0]
	for i, o := range get(w.OpenGrants(w.ctx, w.owner, w.second, most)) {
		same(o.Err == nil, i == abi.MaxBatch)
	}
}

// title names a collection.
func (w *world) title() {
	for _, text := range []string{"", "Befunde", strings.Repeat("ü", 128)} {
		title := get(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, w.collection, text))
		same(bytes.Contains(title, []byte("Befunde")), false)
		record := get(w.NewCollection(w.ctx, w.ownerSeed, w.owner, nil, &abi.CollectionFields{
			Service: w.serviceID, Collection: w.collection, Suite: w.number, Title: title,
		}))
		same(get(w.OpenTitle(w.ctx, w.ownerSeed, w.owner, record)), text)
		refused(abi.ErrMismatch, second(w.OpenTitle(w.ctx, w.readerSeed, w.owner, record)))
		refused(abi.ErrMismatch, second(w.OpenTitle(w.ctx, w.readerSeed, w.reader, record)))
	}
	one := get(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, w.collection, "Befunde"))
	differ(one, get(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, w.collection, "Befunde")))
	same(len(one), len(get(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, w.collection, "x"))))
	for _, bad := range [][]byte{[]byte("Befunde"), flip(one, 0), flip(one, len(one)-1), one[1:],
		get(w.SealTitle(w.ctx, w.readerSeed, w.serviceID, w.collection, "Befunde")),
		get(w.SealTitle(w.ctx, w.ownerSeed, w.readerID, w.collection, "Befunde")),
		get(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, item("other"), "Befunde"))} {
		record := get(w.NewCollection(w.ctx, w.ownerSeed, w.owner, nil, &abi.CollectionFields{
			Service: w.serviceID, Collection: w.collection, Suite: w.number, Title: bad,
		}))
		refused(abi.ErrDecrypt, second(w.OpenTitle(w.ctx, w.ownerSeed, w.owner, record)))
	}
	refused(abi.ErrTooLarge, second(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, w.collection, strings.Repeat("x", 257))))
	refused(abi.ErrMalformed, second(w.SealTitle(w.ctx, w.ownerSeed, w.serviceID, w.collection, "\xff")))
	refused(abi.ErrMalformed, second(w.SealTitle(w.ctx, w.ownerSeed[1:], w.serviceID, w.collection, "x")))
}

// acknowledge has the server sign a receipt of a collection record.
func (w *world) acknowledge() {
	receipt := get(w.NewReceipt(w.ctx, w.serviceSeed, w.service, w.second, 1_900_000_000_001, 2))
	time, destroyed := get2(w.OpenReceipt(w.ctx, w.service, w.second, receipt))
	same(time, 1_900_000_000_001)
	same(destroyed, 2)
	refused(abi.ErrMismatch, third(w.OpenReceipt(w.ctx, w.service, w.first, receipt)))
	revocation := get(w.NewRevocation(w.ctx, w.ownerSeed, w.owner, w.second, w.readerID, item("revocation"), 1))
	refused(abi.ErrMismatch, third(w.OpenReceipt(w.ctx, w.service, revocation, receipt)))
	other := get(w.NewService(w.ctx, w.readerSeed))
	refused(abi.ErrMismatch, second(w.NewReceipt(w.ctx, w.readerSeed, other, w.second, 1, 1)))
	refused(abi.ErrMismatch, third(w.OpenReceipt(w.ctx, other, w.second, receipt)))
	for _, not := range [][]byte{nil, w.grant, w.document.record, w.owner, receipt} {
		refused(abi.ErrMalformed, second(w.NewReceipt(w.ctx, w.serviceSeed, w.service, not, 1, 1)))
		refused(abi.ErrMalformed, third(w.OpenReceipt(w.ctx, w.service, not, receipt)))
	}
}

// checkpoints has the server sign states of its log, and nothing else.
func checkpoints(s suite) {
	seed := seedOf("service")
	service := get(s.NewService(s.ctx, seed))
	info := get(s.OpenService(s.ctx, service))
	origin := get(s.FormatID(s.ctx, abi.KindService, info.ID))
	root := base64Std.EncodeToString(seedOf("root"))
	good := origin + "\n20852163\n" + root + "\n"
	const cosigned = "cosignature/v1\ntime 1679315147\n"
	for _, text := range []string{good, cosigned + good, origin + "\n0\n" + root + "\n"} {
		signature := get(s.SignCheckpoint(s.ctx, seed, service, text))
		same(len(signature), 64)
		ok(s.Ed25519Verify(s.ctx, info.SigningKey[:], []byte(text), signature))
	}
	for _, text := range []string{"", origin, good[:len(good)-1], good + "\n", good + "x\n", cosigned, cosigned + cosigned + good,
		origin + "\n020\n" + root + "\n", origin + "\n-1\n" + root + "\n", origin + "\n9223372036854775808\n" + root + "\n",
		origin + "\n1\n" + root[1:] + "\n", origin + "\n1\n" + root[:42] + "//\n", "cosignature/v1\n" + good, "cosignature/v1\ntime x\n" + good} {
		refused(abi.ErrMalformed, second(s.SignCheckpoint(s.ctx, seed, service, text)))
	}
	person := get(s.FormatID(s.ctx, abi.KindPerson, info.ID))
	for _, text := range []string{strings.Replace(good, origin, person, 1), strings.Replace(good, origin, "example.com", 1), "x" + good} {
		refused(abi.ErrMismatch, second(s.SignCheckpoint(s.ctx, seed, service, text)))
	}
	refused(abi.ErrMismatch, second(s.SignCheckpoint(s.ctx, seedOf("other"), service, good)))
	refused(abi.ErrMismatch, second(s.SignCheckpoint(s.ctx, seedOf("other"), get(s.NewService(s.ctx, seedOf("other"))), good)))
	refusedAtAll(abi.OpSignCheckpoint, second(s.SignCheckpoint(s.ctx, seed, nil, good)))
}
