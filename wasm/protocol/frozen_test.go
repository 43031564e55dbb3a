package protocol

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// A change of these answers is a change of the format: stored records would no
// longer be read. It needs a new version and a written reason.
var update = flag.Bool("update", false, "write the known answers anew")

const frozenFile = "testdata/records.json"

// frozen is one record of every type, from fixed seeds and fixed randomness: the
// output of SHAKE128 on the text in Random, drawn in the order of newWorld.
type frozen struct {
	About   string            `json:"about"`
	Random  string            `json:"random"`
	Seeds   map[string]string `json:"seeds"`
	Ids     map[string]string `json:"ids"`
	Derived map[string]string `json:"derived"`
	Records map[string]string `json:"records"`
}

const frozenRandom = "recrypt-service known answers v1"

// frozenWorld makes the world, a sealed secret, what there is of recrypt480 and of
// later identity versions, and a life, from the fixed randomness. What is added comes last.
func frozenWorld(t *testing.T) (*world, []byte, *strongWorld, *life) {
	random := sha3.NewSHAKE128()
	random.Write([]byte(frozenRandom))
	recrypttest.SetRandom(t, random)
	w := newWorld()
	sealed := must(SealSecret([]byte("correct horse"), abi.SecretSeed, seedOf("alice"), MinMemoryKiB, MinPasses))
	s := newStrongWorld(w)
	return w, sealed, s, newLife(w)
}

// recordsOf names the records of a world.
func recordsOf(w *world) map[string]*[]byte {
	return map[string]*[]byte{
		"identity of alice": &w.alice, "identity of bob": &w.bob, "identity of carol": &w.carol, "identity of mallory": &w.mallory,
		"service": &w.service, "other service": &w.otherService,
		"collection 0": &w.first, "collection 1": &w.second, "collection 2": &w.third, "collection of mallory": &w.foreign,
		"grant": &w.grant, "transform key": &w.transformKey, "other grant": &w.otherGrant, "other transform key": &w.otherTransformKey,
		"key": &w.key, "value": &w.value, "document key": &w.documentKey,
		"key of carol": &w.carolKey, "value of carol": &w.carolValue, "document key of carol": &w.carolDocument,
		"transformed value": &w.transformed, "revocation": &w.revocation, "other revocation": &w.otherRevocation,
		"receipt": &w.receipt, "header": &w.header,
	}
}

// strongRecordsOf names the records of a strongWorld.
func strongRecordsOf(s *strongWorld) map[string]*[]byte {
	return map[string]*[]byte{
		"identity of alice, version 2": &s.alice, "identity of bob, version 2": &s.bobs, "identity of dora": &s.dora,
		"recrypt480 collection 0": &s.first, "recrypt480 collection 1": &s.second,
		"recrypt480 grant": &s.grant, "recrypt480 transform key": &s.transformKey,
		"recrypt480 key": &s.key, "recrypt480 value": &s.value, "recrypt480 document key": &s.document,
		"recrypt480 transformed value": &s.transformed, "revocation by version 2": &s.revoked,
		"collection 2 by version 2": &s.old, "grant by and to version 2": &s.bobsGrant, "transform key to version 2": &s.bobsKey,
	}
}

// livedRecordsOf names the records of a life.
func livedRecordsOf(l *life) map[string]*[]byte {
	all := map[string]*[]byte{
		"identity of ana, version 4": &l.ana, "identity of ben, version 2": &l.ben, "identity of ben, version 1": &l.bensOld,
		"identity of ana, recovered": &l.lost,
	}
	for i := range l.epochs {
		e, at := &l.epochs[i], fmt.Sprintf("epoch %d of ana: ", i+1)
		for name, b := range map[string]*[]byte{
			"identity": &e.ana, "collection": &e.record, "grant": &e.grant, "transform key": &e.transformKey, "document key": &e.document,
			"value": &e.value, "key": &e.key, "transformed value": &e.got, "later grant": &l.grants[i], "later transform key": &l.keys[i],
		} {
			all[at+name] = b
		}
	}
	return all
}

func makeFrozen(t *testing.T) *frozen {
	w, sealed, s, l := frozenWorld(t)
	f := &frozen{
		About:   "One record of every type. Everything is hexadecimal but texts. Changing this file means changing the format.",
		Random:  frozenRandom,
		Seeds:   map[string]string{},
		Ids:     map[string]string{},
		Derived: map[string]string{},
		Records: map[string]string{},
	}
	for _, name := range []string{"alice", "alice's recovery", "bob", "bob's recovery", "carol", "carol's recovery",
		"dora", "dora's recovery", "mallory", "mallory's recovery", "service", "other service",
		"ana", "ana again", "ana once more", "ana's recovery", "ana's other recovery", "ben", "ben again", "ben's recovery"} {
		f.Seeds[name] = hex.EncodeToString(seedOf(name))
	}
	for name, record := range recordsOf(w) {
		f.Records[name] = hex.EncodeToString(*record)
	}
	for name, record := range strongRecordsOf(s) {
		f.Records[name] = hex.EncodeToString(*record)
	}
	for name, record := range livedRecordsOf(l) {
		f.Records[name] = hex.EncodeToString(*record)
	}
	f.Records["sealed seed of alice"] = hex.EncodeToString(sealed)
	f.Records["plain seed of alice"] = hex.EncodeToString(must(SealSecret(nil, abi.SecretSeed, seedOf("alice"), 0, 0)))
	f.Ids["alice"] = must(FormatID(abi.KindPerson, must(OpenIdentity(w.alice)).ID))
	f.Ids["bob"] = must(FormatID(abi.KindPerson, must(OpenIdentity(w.bob)).ID))
	f.Ids["dora"] = must(FormatID(abi.KindPerson, must(OpenIdentity(s.dora)).ID))
	f.Ids["service"] = must(FormatID(abi.KindService, w.serviceID))

	put := func(name string, b []byte) { f.Derived[name] = hex.EncodeToString(b) }
	put("record-signing key of alice", must(recordKey(seedOf("alice"))).Bytes())
	put("recrypt signing key of alice", must(recryptKey(seedOf("alice"))).Bytes())
	put("encryption key of alice, recrypt256", must(encryptionKey(seedOf("alice"), 1)).Bytes())
	put("encryption key of alice, recrypt480", must(encryptionKey(seedOf("alice"), 2)).Bytes())
	put("private key of recrypt480 collection 0", must(unlockEpoch(seedOf("alice"), must(openIdentity(s.alice)), must(parseCollection(s.first)))).Bytes())
	id := must(DefaultCollection(seedOf("alice"), w.serviceID))
	put("default collection of alice", id[:])
	first := must(parseCollection(w.first))
	put("private key of collection 0", must(unlockEpoch(seedOf("alice"), must(openIdentity(w.alice)), first)).Bytes())
	put("readers hash of collection 0", first.ReadersHash[:])
	f.Derived["safety number of ana and ben"] = string(must(SafetyNumber(l.ana, l.ben)))
	for name, passcode := range map[string]string{"link of alice's seed": "", "link of alice's seed, passcode 1234": "1234"} {
		seed, recovery := must2(LinkSeed(seedOf("alice"), []byte(passcode)))
		put("seed and recovery seed of a "+name, append(seed, recovery...))
	}
	input, signature, digest, err := SignRequest(seedOf("alice"), request())
	if err != nil {
		t.Fatal(err)
	}
	f.Derived["request: signature-input"], f.Derived["request: signature"], f.Derived["request: content-digest"] = input, signature, digest
	return f
}

// TestFrozen makes the known answers again.
func TestFrozen(t *testing.T) {
	got := must(json.MarshalIndent(makeFrozen(t), "", "  "))
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(frozenFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(frozenFile)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			t.Fatalf("known answers differ at line %d: %.200s", i+1, a[i])
		}
	}
	t.Fatal("known answers differ in length")
}

// TestFrozenOpens opens the stored records: what was written once stays readable.
func TestFrozenOpens(t *testing.T) {
	var f frozen
	if err := json.Unmarshal(must(os.ReadFile(frozenFile)), &f); err != nil {
		t.Fatal(err)
	}
	w := &world{}
	for name, at := range recordsOf(w) {
		*at = fromHex(f.Records[name])
	}
	for _, o := range openers() {
		if _, err := o.open(w, o.record(w)); err != nil {
			t.Errorf("%s: %v", o.name, err)
		}
	}
	seed := fromHex(f.Seeds["alice"])
	for what, c := range map[string]struct{ passphrase, record string }{
		"sealed": {"correct horse", "sealed seed of alice"},
		"plain":  {"", "plain seed of alice"},
	} {
		if _, got, err := OpenSecret([]byte(c.passphrase), fromHex(f.Records[c.record])); err != nil || !bytes.Equal(got, seed) {
			t.Errorf("%s seed: %v", what, err)
		}
	}
	key, err := OpenKey(fromHex(f.Seeds["bob"]), w.bob, w.alice, w.first, w.service, w.key, w.transformed)
	if err != nil || !bytes.Equal(key, w.documentKey) {
		t.Errorf("transformed value: %v", err)
	}
	s := &strongWorld{}
	for name, at := range strongRecordsOf(s) {
		*at = fromHex(f.Records[name])
	}
	s.opens(t, w)
	l := &life{}
	for name, at := range livedRecordsOf(l) {
		*at = fromHex(f.Records[name])
	}
	for i := range l.epochs {
		l.epochs[i].seed = fromHex(f.Seeds[generation("ana", i)])
	}
	l.opens(t, w)
	if _, id, err := ParseID(f.Ids["alice"]); err != nil || id != must(OpenIdentity(w.alice)).ID {
		t.Errorf("id: %v", err)
	}
}
