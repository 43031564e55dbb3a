package protocol

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

func TestRotateIdentity(t *testing.T) {
	l := lived()
	parts := records(l.ana)
	var versions []*abi.Identity
	for i := range parts {
		versions = append(versions, must(OpenIdentity(bytes.Join(parts[:i+1], nil))))
	}
	for i, v := range versions {
		if v.ID != versions[0].ID || v.Version != uint32(i+1) || v.RecoveryHash != versions[0].RecoveryHash ||
			v.Since != []uint32{1, 2, 2, 4}[i] || len(v.Keys) != []int{1, 1, 2, 2}[i] {
			t.Errorf("version %d is %+v", i+1, v)
		}
		for _, before := range versions[:i] {
			if same := before.Since == v.Since; same != (v.SigningKey == before.SigningKey) || same != (v.RecryptKey == before.RecryptKey) ||
				same != bytes.Equal(v.Keys[0].PublicKey, before.Keys[0].PublicKey) {
				t.Errorf("version %d keeps keys of version %d, or changes some", v.Version, before.Version)
			}
		}
	}
	// The keys are those of the seed, whatever there was before.
	other := must(OpenIdentity(must(NewIdentity(l.seed(), seedOf("x"), []byte{1, 2}))))
	if v := versions[3]; other.SigningKey != v.SigningKey || other.RecryptKey != v.RecryptKey || !bytes.Equal(other.Keys[1].PublicKey, v.Keys[1].PublicKey) {
		t.Error("the new keys are not those of the new seed")
	}
	// A suite can be added with the change, and one that was there is kept, named or not.
	more := must(OpenIdentity(must(RotateIdentity(seedOf("ben"), nil, seedOf("x"), nil, l.bensOld, 1, []byte{2}))))
	if len(more.Keys) != 2 || more.Keys[0].Suite != 1 || more.Keys[1].Suite != 2 {
		t.Errorf("%+v", more)
	}
}

func TestRotateArguments(t *testing.T) {
	l := lived()
	ben, recovery, next := seedOf("ben"), seedOf("ben's recovery"), seedOf("next")
	type arguments struct {
		seed, recovery, newSeed, newRecovery, records []byte
		after                                         uint32
		suites                                        []byte
	}
	good := arguments{ben, nil, next, nil, l.bensOld, 1, []byte{1}}
	rotate := func(a arguments) ([]byte, error) {
		return RotateIdentity(a.seed, a.recovery, a.newSeed, a.newRecovery, a.records, a.after, a.suites)
	}
	must(rotate(good))
	for what, c := range map[string]struct {
		change func(a *arguments)
		want   *abi.Error
	}{
		"no seed":                       {func(a *arguments) { a.seed = nil }, abi.ErrMalformed},
		"short seed":                    {func(a *arguments) { a.seed = ben[1:] }, abi.ErrMalformed},
		"another's seed":                {func(a *arguments) { a.seed = seedOf("ana") }, abi.ErrMismatch},
		"recovery seed as seed":         {func(a *arguments) { a.seed = recovery }, abi.ErrMismatch},
		"no new seed":                   {func(a *arguments) { a.newSeed = nil }, abi.ErrMalformed},
		"long new seed":                 {func(a *arguments) { a.newSeed = append(bytes.Clone(next), 0) }, abi.ErrMalformed},
		"the same seed":                 {func(a *arguments) { a.newSeed = ben }, abi.ErrMismatch},
		"the same seed, another suite":  {func(a *arguments) { a.newSeed, a.suites = ben, []byte{2} }, abi.ErrMismatch},
		"new seed is recovery seed":     {func(a *arguments) { a.newSeed = recovery }, abi.ErrMismatch},
		"new recovery by the seed":      {func(a *arguments) { a.newRecovery = seedOf("x") }, abi.ErrMismatch},
		"short recovery seed":           {func(a *arguments) { a.recovery = recovery[1:] }, abi.ErrMalformed},
		"another's recovery seed":       {func(a *arguments) { a.recovery = seedOf("ana's recovery") }, abi.ErrMismatch},
		"seed as recovery seed":         {func(a *arguments) { a.recovery = ben }, abi.ErrMismatch},
		"recovery, another's seed":      {func(a *arguments) { a.recovery, a.seed = recovery, seedOf("ana") }, abi.ErrMismatch},
		"recovery, short seed":          {func(a *arguments) { a.recovery, a.seed = recovery, ben[1:] }, abi.ErrMalformed},
		"recovery, short new recovery":  {func(a *arguments) { a.recovery, a.newRecovery = recovery, ben[1:] }, abi.ErrMalformed},
		"recovery, the same seed":       {func(a *arguments) { a.recovery, a.newSeed, a.seed = recovery, ben, nil }, abi.ErrMismatch},
		"new recovery is the seed":      {func(a *arguments) { a.recovery, a.newRecovery = recovery, ben }, abi.ErrMismatch},
		"new recovery is the new seed":  {func(a *arguments) { a.recovery, a.newRecovery, a.seed = recovery, next, nil }, abi.ErrMismatch},
		"no version to follow":          {func(a *arguments) { a.after = 0 }, abi.ErrMismatch},
		"a version that is not there":   {func(a *arguments) { a.after = 2 }, abi.ErrMismatch},
		"version 2^32-1":                {func(a *arguments) { a.after = 1<<32 - 1 }, abi.ErrMismatch},
		"not the newest version":        {func(a *arguments) { a.records = l.ben }, abi.ErrMismatch},
		"old seed, newest version":      {func(a *arguments) { a.records, a.after = l.ben, 2 }, abi.ErrMismatch},
		"recovery, a seed of later":     {func(a *arguments) { a.records, a.recovery, a.seed = l.ben, recovery, seedOf("ben again") }, abi.ErrMismatch},
		"no suite":                      {func(a *arguments) { a.suites = nil }, abi.ErrMalformed},
		"suites out of order":           {func(a *arguments) { a.suites = []byte{2, 1} }, abi.ErrMalformed},
		"unknown suite":                 {func(a *arguments) { a.suites = []byte{3} }, abi.ErrSuite},
		"no identity":                   {func(a *arguments) { a.records = nil }, abi.ErrMalformed},
		"damaged identity":              {func(a *arguments) { a.records = flipped(l.bensOld) }, abi.ErrSignature},
		"back to an older seed":         {func(a *arguments) { a.records, a.after, a.seed, a.newSeed = l.ben, 2, seedOf("ben again"), ben }, abi.ErrMismatch},
		"recovery, back to older seeds": {func(a *arguments) { a.records, a.after, a.recovery, a.newSeed = l.ben, 2, recovery, ben }, abi.ErrMismatch},
	} {
		a := good
		c.change(&a)
		got, err := rotate(a)
		if check(t, what, err, c.want); got != nil {
			t.Errorf("%s: a record with the error", what)
		}
	}
}

// TestRotationRules changes a version that changes keys, and signs it again.
func TestRotationRules(t *testing.T) {
	l := lived()
	parts := records(l.ana)
	bens := must(OpenIdentity(l.ben))
	// open signs version n with changes: bodies by the new keys, the record by who.
	open := func(n int, change func(v *identity), keys, who, kind string) error {
		v := must(parseIdentity(parts[n-1]))
		change(v)
		var private []*recrypt.PrivateKey
		for _, k := range v.Keys {
			private = append(private, must(encryptionKey(seedOf(keys), recrypt.Suite(k.Suite))))
		}
		record := must(v.sign(must(signingKey(seedOf(who), kind)), private))
		_, err := OpenIdentity(append(bytes.Join(parts[:n-1], nil), record...))
		return err
	}
	const by = "signing key"
	box := must(parseIdentity(parts[1])).sealed
	recoveryKey := must(signingKey(seedOf("ana's recovery"), "recovery key")).VerifyingKey().Bytes()
	ext := func(entries ...any) func(*identity) {
		return func(v *identity) { v.ext = cat(entries...) }
	}
	recovered := cat(uint16(0x8001), uint16(32), recoveryKey)
	for what, err := range map[string]error{
		"as it was":             open(2, func(*identity) {}, "ana again", "ana", by),
		"without the seed":      open(2, ext(), "ana again", "ana", by),
		"with another entry":    open(2, ext(uint16(3), uint16(72), box, uint16(4), uint16(0)), "ana again", "ana", by),
		"a seed that is no one": open(2, ext(uint16(3), uint16(72), make([]byte, 72)), "ana again", "ana", by),
		"by the recovery key":   open(2, ext(recovered), "ana again", "ana's recovery", "recovery key"),
		"by the recovery key, which changes": open(2, func(v *identity) {
			v.ext, v.RecoveryHash = recovered, sha256.Sum256(nil)
		}, "ana again", "ana's recovery", "recovery key"),
		"version 4": open(4, func(*identity) {}, "ana once more", "ana again", by),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	first, second := must(parseIdentity(parts[0])), must(parseIdentity(parts[1]))
	for what, c := range map[string]struct {
		n      int
		change func(v *identity)
		want   *abi.Error
	}{
		"the recrypt key stays":          {2, func(v *identity) { v.RecryptKey = first.RecryptKey }, abi.ErrMismatch},
		"the signing key stays":          {2, func(v *identity) { v.SigningKey = first.SigningKey }, abi.ErrMismatch},
		"the signing keys are exchanged": {2, func(v *identity) { v.SigningKey, v.RecryptKey = first.RecryptKey, first.SigningKey }, abi.ErrMismatch},
		"recrypt key becomes signing":    {2, func(v *identity) { v.SigningKey = first.RecryptKey }, abi.ErrMismatch},
		"signing key becomes recrypt":    {2, func(v *identity) { v.RecryptKey = first.SigningKey }, abi.ErrMismatch},
		"the encryption key stays":       {2, func(v *identity) { v.Keys[0] = first.Keys[0] }, abi.ErrMismatch},
		"an encryption key comes back":   {4, func(v *identity) { v.Keys[0] = first.Keys[0] }, abi.ErrMismatch},
		"a signing key comes back":       {4, func(v *identity) { v.SigningKey = first.SigningKey }, abi.ErrMismatch},
		"a recrypt key comes back":       {4, func(v *identity) { v.RecryptKey = second.RecryptKey }, abi.ErrMismatch},
		"a suite is gone":                {4, func(v *identity) { v.Keys = v.Keys[:1] }, abi.ErrMismatch},
		"another recovery key":           {2, func(v *identity) { v.RecoveryHash[0]++ }, abi.ErrMismatch},
		"another recovery key signs":     {2, ext(uint16(0x8001), uint16(32), bens.SigningKey), abi.ErrMismatch},
		"no key":                         {2, ext(uint16(0x8001), uint16(32), make([]byte, 32)), abi.ErrMismatch},
		"no recovery key":                {2, ext(uint16(0x8001), uint16(0)), abi.ErrMalformed},
		"a short recovery key":           {2, ext(uint16(0x8001), uint16(31), recoveryKey[1:]), abi.ErrMalformed},
		"a long recovery key":            {2, ext(uint16(0x8001), uint16(33), recoveryKey, uint8(0)), abi.ErrMalformed},
		"a short sealed seed":            {2, ext(uint16(3), uint16(71), box[1:]), abi.ErrMalformed},
		"another critical entry":         {2, ext(uint16(0x8002), uint16(0)), abi.ErrMalformed},
		"a critical entry too many":      {2, ext(recovered, uint16(0x8002), uint16(0)), abi.ErrMalformed},
		"signed by itself":               {2, ext(recovered), abi.ErrSignature},
		"a skipped version":              {2, func(v *identity) { v.Version++ }, abi.ErrMismatch},
		"another id":                     {2, func(v *identity) { v.ID[0]++ }, abi.ErrMismatch},
		"another record before":          {2, func(v *identity) { v.previous[0]++ }, abi.ErrMismatch},
		"suite added, with a seed":       {3, ext(uint16(3), uint16(72), box), abi.ErrMismatch},
		"suite added, by recovery":       {3, ext(recovered), abi.ErrMismatch},
		"suite added, another recovery":  {3, func(v *identity) { v.RecoveryHash[0]++ }, abi.ErrMismatch},
		"first version, with a seed":     {1, ext(uint16(3), uint16(72), box), abi.ErrMismatch},
		"first version, by recovery":     {1, ext(recovered), abi.ErrMismatch},
	} {
		who, keys := []string{"ana", "ana", "ana again", "ana again"}[c.n-1], []string{"ana", "ana again", "ana again", "ana once more"}[c.n-1]
		check(t, what, open(c.n, c.change, keys, who, by), c.want)
	}
	check(t, "signed by the new key", open(2, func(*identity) {}, "ana again", "ana again", by), abi.ErrSignature)
	check(t, "signed by the recrypt key", open(2, func(*identity) {}, "ana again", "ana", "recrypt signing key"), abi.ErrSignature)
	check(t, "signed by the recovery key without saying so", open(2, func(*identity) {}, "ana again", "ana's recovery", "recovery key"), abi.ErrSignature)
	check(t, "version 4 signed by the first key", open(4, func(*identity) {}, "ana once more", "ana", by), abi.ErrSignature)
	check(t, "keys of another", open(2, func(*identity) {}, "ben", "ana", by), abi.ErrSignature)
	for i := len(parts[0]); i < len(l.ana); i += 1 + len(l.ana)/200 {
		b := bytes.Clone(l.ana)
		b[i] ^= 1 << (i % 8)
		if v, err := OpenIdentity(b); err == nil || v != nil {
			t.Errorf("changed at %d of %d: accepted", i, len(b))
		}
	}
}

// TestRecovery: somebody has stolen ana's seed.
func TestRecovery(t *testing.T) {
	w, l := shared(), lived()
	e := l.epochs[0]
	ana, recovery, mine := seedOf("ana"), seedOf("ana's recovery"), seedOf("ana anew")
	stolen := must(RotateIdentity(ana, nil, seedOf("thief"), nil, e.ana, 1, []byte{1}))
	stolen = must(RotateIdentity(seedOf("thief"), nil, seedOf("thief again"), nil, stolen, 2, []byte{1}))
	_, err := RotateIdentity(seedOf("thief again"), nil, seedOf("x"), seedOf("thief's recovery"), stolen, 3, []byte{1})
	check(t, "the thief changes the recovery key", err, abi.ErrMismatch)
	_, err = RotateIdentity(seedOf("thief again"), seedOf("thief's recovery"), seedOf("x"), seedOf("y"), stolen, 3, []byte{1})
	check(t, "the thief recovers", err, abi.ErrMismatch)

	// She goes back before the theft, or goes on after it: her documents open either way.
	for after, want := range map[uint32]uint8{1: abi.RelationOverrides, 2: abi.RelationOverrides, 3: abi.RelationNewer} {
		back := must(RotateIdentity(ana, recovery, mine, nil, stolen, after, []byte{1}))
		if v := must(OpenIdentity(back)); v.Version != after+1 || v.Since != after+1 {
			t.Errorf("after %d: %+v", after, v)
		}
		if got := must(CompareIdentities(stolen, back)); got != want {
			t.Errorf("after %d: relation %d", after, got)
		}
		key, err := OpenKey(mine, back, e.ana, e.record, nil, e.key, e.value)
		if err != nil || !bytes.Equal(key, e.document) {
			t.Errorf("after %d: document: %v", after, err)
		}
		if _, err := OwnDefaultCollection(mine, back, w.serviceID); err != nil {
			t.Errorf("after %d: %v", after, err)
		}
		if after == 1 {
			continue
		}
		// What the thief made stays verifiable, and closed to her.
		f := fields(w, 2, 0x55)
		f.Collection = must(parseCollection(e.record)).Collection.Collection
		thiefs := bytes.Join(records(stolen)[:2], nil)
		made := must(NewCollection(seedOf("thief"), thiefs, e.record, f))
		if _, err := OpenCollection(back, made, e.record); err != nil {
			t.Errorf("after %d: the thief's record: %v", after, err)
		}
		_, _, err = NewGrant(mine, back, made, l.ben, grantFields())
		check(t, "the thief's epoch", err, abi.ErrMismatch)
	}
	// A recovery key that was changed has no say any longer.
	back := must(RotateIdentity(ana, recovery, mine, seedOf("ana's new recovery"), stolen, 1, []byte{1}))
	_, err = RotateIdentity(mine, recovery, seedOf("x"), nil, back, 2, []byte{1})
	check(t, "old recovery key", err, abi.ErrMismatch)
	must(RotateIdentity(mine, seedOf("ana's new recovery"), seedOf("x"), nil, back, 2, []byte{1}))
}

// TestSealedSeeds: a version may keep anything in the place of a seed; it opens nothing,
// and ends.
func TestSealedSeeds(t *testing.T) {
	l := lived()
	first, e := l.epochs[0].ana, l.epochs[0]
	for what, sealed := range map[string]func(v *identity) []byte{
		"its own seed":    func(v *identity) []byte { return must(sealUnder(seedOf("new"), v.seedLabel(2), seedOf("new"))) },
		"another's seed":  func(v *identity) []byte { return must(sealUnder(seedOf("new"), v.seedLabel(2), seedOf("ben"))) },
		"for a version 3": func(v *identity) []byte { return must(sealUnder(seedOf("new"), v.seedLabel(3), seedOf("ana"))) },
		"under another":   func(v *identity) []byte { return must(sealUnder(seedOf("old"), v.seedLabel(2), seedOf("ana"))) },
		"nothing":         func(*identity) []byte { return make([]byte, previousSeedSize) },
	} {
		p := must(openIdentity(first))
		v := &identity{Identity: p.Identity, previous: p.hash}
		v.sealed = sealed(v)
		v.ext = extension(nil, extPreviousSeed, v.sealed)
		record := must(v.extend(p, must(recordKey(seedOf("ana"))), seedOf("new"), []byte{1}))
		identity := slices.Concat(first, record)
		_, err := OpenKey(seedOf("new"), identity, first, e.record, nil, e.key, e.value)
		check(t, what, err, abi.ErrMismatch)
	}
}

// TestRotationBound: an identity changes keys fifteen times, and the recovery key still
// has the last word.
func TestRotationBound(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	first := must(NewIdentity(seedOf("0"), seedOf("recovery"), []byte{1}))
	b, seed := first, seedOf("0")
	for n := uint32(1); n < MaxVersions; n++ {
		next := seedOf(string(rune('0' + n)))
		b = must(RotateIdentity(seed, nil, next, nil, b, n, []byte{1}))
		seed = next
	}
	v := must(OpenIdentity(b))
	if v.Version != MaxVersions || v.Since != MaxVersions {
		t.Errorf("%+v", v)
	}
	_, err := RotateIdentity(seed, nil, seedOf("x"), nil, b, MaxVersions, []byte{1})
	check(t, "one more", err, abi.ErrTooLarge)
	oldest := must(must(openIdentity(b)).seedOf(seed, 1))
	if !bytes.Equal(oldest, seedOf("0")) {
		t.Error("another first seed")
	}
	back := must(RotateIdentity(seedOf("0"), seedOf("recovery"), seedOf("x"), nil, b, 1, []byte{1}))
	if got := must(CompareIdentities(b, back)); got != abi.RelationOverrides {
		t.Errorf("relation %d", got)
	}
}
