package protocol

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

func TestCompareIdentities(t *testing.T) {
	w, l := shared(), lived()
	parts := records(l.ana)
	upTo := func(n int) []byte { return bytes.Join(parts[:n], nil) }
	ana, recovery := seedOf("ana"), seedOf("ana's recovery")
	rotate := func(seed, recovery []byte, next string, at []byte, after uint32) []byte {
		return must(RotateIdentity(seed, recovery, seedOf(next), nil, at, after, []byte{1}))
	}
	thief := rotate(ana, nil, "thief", upTo(1), 1)
	for what, c := range map[string]struct {
		known, offered []byte
		want, back     uint8 // back: the other way round
	}{
		"the same":                {l.ana, bytes.Clone(l.ana), abi.RelationSame, abi.RelationSame},
		"one version more":        {upTo(1), upTo(2), abi.RelationNewer, abi.RelationOlder},
		"three versions more":     {upTo(1), l.ana, abi.RelationNewer, abi.RelationOlder},
		"a suite more":            {upTo(2), upTo(3), abi.RelationNewer, abi.RelationOlder},
		"another person":          {w.alice, w.bob, abi.RelationOther, abi.RelationOther},
		"another second version":  {upTo(2), thief, abi.RelationFork, abi.RelationFork},
		"another one, long after": {l.ana, thief, abi.RelationFork, abi.RelationFork},
		"recovered":               {thief, l.lost, abi.RelationOverrides, abi.RelationOverridden},
		"recovered, long after":   {l.ana, l.lost, abi.RelationOverrides, abi.RelationOverridden},
		"recovered, another way":  {l.lost, rotate(nil, recovery, "thief", upTo(1), 1), abi.RelationFork, abi.RelationFork},
		"recovered, as the next":  {upTo(3), rotate(nil, recovery, "x", upTo(3), 3), abi.RelationNewer, abi.RelationOlder},
		"recovered too late":      {l.lost, rotate(nil, recovery, "x", thief, 2), abi.RelationOverridden, abi.RelationOverrides},
		"recovered, then changed": {thief, rotate(seedOf("ana once more"), nil, "x", l.lost, 2), abi.RelationOverrides, abi.RelationOverridden},
		"version 1 made again":    {upTo(1), must(NewIdentity(ana, recovery, []byte{1})), abi.RelationFork, abi.RelationFork},
	} {
		if got := must(CompareIdentities(c.known, c.offered)); got != c.want {
			t.Errorf("%s: relation %d, want %d", what, got, c.want)
		}
		if got := must(CompareIdentities(c.offered, c.known)); got != c.back {
			t.Errorf("%s, the other way round: relation %d, want %d", what, got, c.back)
		}
	}
	for what, pair := range map[string][2][]byte{
		"known is damaged":   {flipped(l.ana), l.ana},
		"offered is damaged": {l.ana, flipped(l.ana)},
		"newer, damaged":     {upTo(3), flipped(l.ana)},
		"nothing known":      {nil, l.ana},
		"nothing offered":    {l.ana, nil},
	} {
		got, err := CompareIdentities(pair[0], pair[1])
		if check(t, what, err, nil); got != 0 {
			t.Errorf("%s: a result with the error", what)
		}
		digits, err := SafetyNumber(pair[0], pair[1])
		if check(t, what, err, nil); digits != nil {
			t.Errorf("%s: digits with the error", what)
		}
	}
}

func TestSafetyNumber(t *testing.T) {
	w, l := shared(), lived()
	number := string(must(SafetyNumber(w.alice, w.bob)))
	if len(number) != 60 || contains(number, 0, '0'-1) || contains(number, '9'+1, 255) {
		t.Errorf("%q", number)
	}
	if again := string(must(SafetyNumber(w.bob, w.alice))); again != number {
		t.Error("another one for the other side")
	}
	seen := map[string]string{number: "alice and bob"}
	for what, pair := range map[string][2][]byte{
		"alice and carol":              {w.alice, w.carol},
		"alice and ben":                {w.alice, l.ben},
		"alice and ben, his version 1": {w.alice, l.bensOld},
		"alice, version 2, and bob":    {strong().alice, w.bob},
		"alice and bob, version 2":     {w.alice, strong().bobs},
		"alice and bob, made again":    {w.alice, must(NewIdentity(seedOf("bob"), seedOf("bob's recovery"), []byte{1}))},
	} {
		n := string(must(SafetyNumber(pair[0], pair[1])))
		if seen[n] != "" {
			t.Errorf("%s: the same as %s", what, seen[n])
		}
		seen[n] = what
	}
}

func TestLinkSeed(t *testing.T) {
	secret := seedOf("a link")
	seed, recovery := must2(LinkSeed(secret, nil))
	again, recoveryAgain := must2(LinkSeed(bytes.Clone(secret), []byte{}))
	if !bytes.Equal(seed, again) || !bytes.Equal(recovery, recoveryAgain) {
		t.Error("not the same each time")
	}
	one, two := must(NewIdentity(seed, recovery, []byte{1})), must(NewIdentity(again, recoveryAgain, []byte{1}))
	if must(OpenIdentity(one)).ID != must(OpenIdentity(two)).ID {
		t.Error("another reader")
	}
	coded, codedRecovery := must2(LinkSeed(secret, []byte("1234")))
	other, otherRecovery := must2(LinkSeed(secret, []byte("1235")))
	third, thirdRecovery := must2(LinkSeed(seedOf("another link"), []byte("1234")))
	seen := map[string]bool{string(secret): true}
	for i, b := range [][]byte{seed, recovery, coded, codedRecovery, other, otherRecovery, third, thirdRecovery} {
		if len(b) != 32 || seen[string(b)] {
			t.Errorf("%d: %d bytes, or one that was there", i, len(b))
		}
		seen[string(b)] = true
	}
	for what, c := range map[string]struct {
		secret, passcode []byte
		want             *abi.Error
	}{
		"no secret":     {nil, nil, abi.ErrMalformed},
		"short secret":  {secret[1:], nil, abi.ErrMalformed},
		"long secret":   {append(bytes.Clone(secret), 0), nil, abi.ErrMalformed},
		"no UTF-8":      {secret, []byte{0xff}, abi.ErrMalformed},
		"long passcode": {secret, bytes.Repeat([]byte("x"), MaxPassphrase+1), abi.ErrTooLarge},
	} {
		a, b, err := LinkSeed(c.secret, c.passcode)
		if check(t, what, err, c.want); a != nil || b != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
}
