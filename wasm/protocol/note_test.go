package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A peer is a key of ours for golang.org/x/mod.
type peer struct {
	NoteKey
	private ed25519.PrivateKey
	verify  Verify
}

func (p *peer) Name() string { return p.NoteKey.Name }
func (p *peer) KeyHash() uint32 {
	h := p.Hash()
	return binary.BigEndian.Uint32(h[:])
}

func (p *peer) Sign(msg []byte) ([]byte, error) {
	if !p.Stamps {
		return ed25519.Sign(p.private, msg), nil
	}
	return append(binary.BigEndian.AppendUint64(nil, 9), ed25519.Sign(p.private, Cosigned(9, msg))...), nil
}

func (p *peer) Verify(msg, sig []byte) bool {
	_, ok := p.NoteKey.verify(msg, sig, p.verify)
	return ok
}

func newPeer(name string, stamps bool, verify Verify) *peer {
	private := ed25519.NewKeyFromSeed(seedOf(name))
	return &peer{NoteKey{name, [32]byte(private.Public().(ed25519.PublicKey)), stamps}, private, verify}
}

// TestOpenNote opens what golang.org/x/mod signs.
func TestOpenNote(t *testing.T) {
	one, two, three := newPeer("one", false, strictly), newPeer("zwei-Ö", true, strictly), newPeer("three", true, strictly)
	const body = "a text\n\nof paragraphs\n"
	signed := must(note.Sign(&note.Note{Text: body}, one, two, three))
	text, by, err := OpenNote(signed, []NoteKey{two.NoteKey, one.NoteKey}, strictly)
	if err != nil || string(text) != body || len(by) != 2 {
		t.Fatalf("%q, %v, %v", text, by, err)
	}
	lines := bytes.SplitAfter(signed[len(body)+1:], []byte("\n"))
	for i, want := range []NoteSignature{{1, 0, lines[0]}, {0, 9, lines[1]}} {
		if by[i].By != want.By || by[i].Seconds != want.Seconds || !bytes.Equal(by[i].Line, want.Line) {
			t.Errorf("signature %d: %+v", i, by[i])
		}
	}
	none, _, err := OpenNote(signed, nil, strictly)
	if check(t, "no key", err, abi.ErrSignature); none != nil {
		t.Error("a text with the error")
	}
	for i := range signed {
		for _, bit := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(signed)
			bad[i] ^= bit
			// A name or signature that is another's is not looked at.
			if _, by, err := OpenNote(bad, []NoteKey{one.NoteKey, two.NoteKey, three.NoteKey}, strictly); err == nil && len(by) == 3 {
				t.Errorf("byte %d changed and accepted", i)
			}
		}
	}
}

// FuzzOpenNote: what is taken for a note, golang.org/x/mod takes, and says the same of it.
func FuzzOpenNote(f *testing.F) {
	good := func([32]byte, []byte, []byte) bool { return true } // so that the fuzzer gets behind it
	one, two := newPeer("one", false, good), newPeer("two", true, good)
	f.Add(must(note.Sign(&note.Note{Text: "a\n\nb\n"}, one, two)))
	f.Add([]byte("a\n\n\u2014 one AAAAAAAA\n"))
	f.Add([]byte("a\n\n\u2014 \u2003 AAAAAAAA\n\u2014 one AAAAAAAA\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, signed []byte) {
		text, by, err := OpenNote(signed, []NoteKey{one.NoteKey, two.NoteKey}, good)
		if err != nil {
			if text != nil || by != nil {
				t.Fatal("something with the error")
			}
			return
		}
		if bytes.Count(signed, []byte("\n")) > 100 {
			return // more signatures than the other takes
		}
		n, err := note.Open(signed, note.VerifierList(one, two))
		if err != nil || n.Text != string(text) || len(n.Sigs) != len(by) {
			t.Fatalf("%q: %v", signed, err)
		}
		for i, s := range n.Sigs {
			if want := []string{"one", "two"}[by[i].By]; s.Name != want || !strings.Contains(string(by[i].Line), s.Base64) {
				t.Fatalf("signature %d is by %s", i, s.Name)
			}
		}
	})
}

// FuzzWitness: a verifier key has one form.
func FuzzWitness(f *testing.F) {
	f.Add(newPeer("witness.example/w", true, strictly).String())
	f.Add("a+00000000+")
	f.Add("a b+00000000+BAAA")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseWitness(text)
		if err == nil && (k.String() != text || !k.Stamps || !ValidKeyName(k.Name)) || err != nil && k != (NoteKey{}) {
			t.Fatalf("%q is %+v, %v", text, k, err)
		}
	})
}

// TestFromBase64: there is one text for each byte string.
func TestFromBase64(t *testing.T) {
	for n := range 70 {
		b := bytes.Repeat([]byte{0xfb}, n)
		text := toBase64(b)
		if got := fromBase64(text); !bytes.Equal(got, b) {
			t.Errorf("%d bytes are %x", n, got)
		}
		for _, bad := range []string{text + "=", text + "A", text + "\n", strings.TrimRight(text+"=", "="), "=" + text, strings.Replace(text, "+", "-", 1), text[:max(len(text)-1, 0)]} {
			if got := fromBase64(bad); bad != text && len(got) != 0 {
				t.Errorf("%q is %x", bad, got)
			}
		}
	}
}

// A tree of leaves, by golang.org/x/mod.
type tree struct{ hashes []tlog.Hash }

func (l *tree) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

// TestProofs: all proofs of all trees of up to 40 leaves verify, none is another's, and none
// works with a hash less or more.
func TestProofs(t *testing.T) {
	l := &tree{}
	var leaves [][]byte
	var roots [][32]byte
	roots = append(roots, must(tlog.TreeHash(0, l)))
	for i := range 40 {
		leaf := []byte{byte(i)}
		leaves = append(leaves, leaf)
		l.hashes = append(l.hashes, must(tlog.StoredHashes(int64(i), leaf, l))...)
		roots = append(roots, must(tlog.TreeHash(int64(i+1), l)))
	}
	join := func(hashes []tlog.Hash) (out []byte) {
		for _, h := range hashes {
			out = slices.Concat(out, h[:])
		}
		return out
	}
	for size := range uint64(len(leaves) + 1) {
		for i := range size {
			proof := join(must(tlog.ProveRecord(int64(size), int64(i), l)))
			for other := range size {
				if err := VerifyInclusion(leaves[i], other, size, roots[size], proof); (err == nil) != (other == i) {
					t.Fatalf("leaf %d of %d at %d: %v", i, size, other, err)
				}
			}
			more, less := append(bytes.Clone(proof), make([]byte, 32)...), proof[:max(0, len(proof)-32)]
			if VerifyInclusion(leaves[i], i, size, roots[size], more) == nil || len(proof) > 0 && VerifyInclusion(leaves[i], i, size, roots[size], less) == nil {
				t.Fatalf("leaf %d of %d: accepted with another proof", i, size)
			}
		}
		for old := range size + 1 {
			var proof []byte
			if old > 0 {
				proof = join(must(tlog.ProveTree(int64(size), int64(old), l)))
			}
			for other := range size + 1 {
				if err := VerifyConsistency(other, roots[old], size, roots[size], proof); (err == nil) != (other == old) {
					t.Fatalf("%d of %d as %d: %v", old, size, other, err)
				}
			}
			if VerifyConsistency(old, roots[old], size, roots[size], append(bytes.Clone(proof), make([]byte, 32)...)) == nil {
				t.Fatalf("%d of %d: accepted with a hash more", old, size)
			}
		}
	}
}
