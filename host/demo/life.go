package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// newKeys: Bob changes his keys, and Alice lets the new ones in once she knows that they are his.
func (s *stage) newKeys() error {
	s.chapter("Bob gets new keys")
	return all(
		s.now("recrypt identity rotate, by Bob; his id stays", s.do("bob", "identity", "rotate")),
		s.now("Alice's grant to him is suspended", s.refused("bob", letter)),
		s.now("she cannot grant to the new keys by accident", s.fails("key_changed", "alice", "grant", "bob")),
		s.now("recrypt safety: both read the same 60 digits to each other", s.sameSafetyNumber),
		s.now("recrypt contact confirm bob", s.do("alice", "contact", "confirm", "bob")),
		s.now("recrypt regrant: all that was suspended, in one act", s.says("has access again", "alice", "regrant")),
		s.now("Bob opens "+letter, s.opens("bob", letter)),
	)
}

// inTurn does one thing after the other.
func inTurn(do ...func() error) func() error { return func() error { return all(do...) } }

// sameSafetyNumber compares the safety numbers of Alice and Bob.
func (s *stage) sameSafetyNumber() error {
	var numbers [2]struct{ Digits string }
	for i, who := range []string{"alice", "bob"} {
		out, err := s.must(who, "safety", []string{"bob", "alice"}[i], "--json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(out), &numbers[i]); err != nil {
			return err
		}
	}
	if d := numbers[0].Digits; len(d) != 60 || d != numbers[1].Digits {
		return fmt.Errorf("the safety numbers differ")
	}
	s.note = numbers[0].Digits[:5] + " " + numbers[0].Digits[5:10] + " " + numbers[0].Digits[10:15] + " …"
	return nil
}

// devices: a second device, and paper for when all devices are lost.
func (s *stage) devices() error {
	s.chapter("Alice's second device, and a page for the drawer")
	for _, folder := range []string{"tablet", "replacement"} {
		if err := s.furnish(folder, "alice"); err != nil {
			return err
		}
	}
	return all(
		s.now("recrypt identity export, import: her tablet is Alice, too", inTurn(
			s.do("alice", "identity", "export", s.own("tablet", "alice.identity")),
			s.do("tablet", "identity", "import", "alice.identity"))),
		s.now("the tablet opens "+letter, s.opens("tablet", letter)),
		s.now("recrypt identity kit -o kit.pdf: to print, with a QR code", inTurn(
			s.do("alice", "identity", "kit", "-o", "kit.pdf"), s.isPDF("alice", "kit.pdf"))),
		s.now("recrypt identity restore: the page is typed in on a new computer", s.typeIn),
		s.now("it opens "+letter, s.opens("replacement", letter)),
	)
}

// isPDF checks that a file is one.
func (s *stage) isPDF(person, name string) func() error {
	return func() error {
		data, err := os.ReadFile(s.own(person, name))
		if err == nil && !strings.HasPrefix(string(data), "%PDF-") {
			err = fmt.Errorf("%s is not a PDF", name)
		}
		return err
	}
}

// typeIn restores Alice from the lines of her kit, as somebody types them.
func (s *stage) typeIn() error {
	text, err := s.must("alice", "identity", "kit")
	if err != nil {
		return err
	}
	var typed strings.Builder
	for line := range strings.Lines(text) {
		if _, code, ok := strings.Cut(line, ".  "); ok {
			typed.WriteString(strings.ToLower(strings.ReplaceAll(code, " ", "")))
		}
	}
	if err := os.WriteFile(s.own("replacement", "typed"), []byte(typed.String()), 0o600); err != nil {
		return err
	}
	if _, err := s.must("replacement", "identity", "restore", "typed"); err != nil {
		return err
	}
	_, err = s.must("replacement", "contact", "add", "alice", s.ids["alice"])
	return err
}

// theft: somebody has Charlie's key and passphrase.
func (s *stage) theft() error {
	s.chapter("Charlie's laptop is stolen, with its passphrase")
	if err := s.furnish("thief", "charlie"); err != nil {
		return err
	}
	home := s.own("charlie", "home")
	recovery := s.own("charlie", "recovery.sealed") // as he keeps it elsewhere
	return all(
		s.now("the thief has everything on it", func() error {
			if err := os.Rename(home+"/identities/charlie/recovery.sealed", recovery); err != nil {
				return err
			}
			return copyFolder(s.own("thief", "home"), home)
		}),
		s.now("he opens "+blood+" as Charlie", s.opensFrom("laboratory", "thief", blood)),
		s.now("recrypt identity recover: Charlie takes his identity back", s.do("charlie", "identity", "recover", recovery)),
		s.now("the thief is locked out", s.fails("new_keys", "thief", "decrypt", s.filesURL+"/"+blood+".recrypt", "-o", "no")),
		s.now("Alice compares, confirms his new keys; he opens "+blood, inTurn(
			s.do("alice", "safety", "charlie"), s.do("alice", "contact", "confirm", "charlie"), s.do("alice", "regrant"), s.opensFrom("laboratory", "charlie", blood))),
	)
}
