package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	blood    = "blood-count.txt"
	forGuest = "second-opinion.txt"
)

// laboratory: somebody writes to Alice's collection while she is away.
func (s *stage) laboratory() error {
	s.chapter("A collection with readers of its own; a laboratory writes to it while Alice is away")
	return all(
		s.now("the laboratory gets an identity", func() error {
			id, err := s.createPerson("laboratory")
			s.ids["laboratory"] = id
			if err != nil {
				return err
			}
			for _, who := range []string{"alice", "charlie"} {
				if _, err := s.must(who, "contact", "add", "laboratory", id); err != nil {
					return err
				}
			}
			_, err = s.must("laboratory", "contact", "add", "alice", s.ids["alice"])
			return err
		}),
		s.now(`recrypt collection create "Lab results" --author laboratory`,
			s.do("alice", "collection", "create", "Lab results", "--author", "laboratory")),
		s.now(`recrypt grant charlie --collection "Lab results"`, s.do("alice", "grant", "charlie", "--collection", "Lab results")),
		s.now("recrypt encrypt --to alice "+blood+", by the laboratory",
			s.writes("laboratory", blood, "Potassium 4.1 mmol/l, TSH 1.8 mU/l\n", "--to", "alice")),
		s.now("Charlie opens it; it is from the laboratory, and unchanged", s.opensFrom("laboratory", "charlie", blood)),
		s.now("Bob, who reads the rest, is refused", s.refused("bob", blood)),
	)
}

// limits: some documents only, and for some time.
func (s *stage) limits() error {
	s.chapter("Bob may read again, within limits that the server keeps")
	var over time.Time
	return all(
		s.now("recrypt grant bob --document letter.txt.recrypt",
			s.do("alice", "grant", "bob", "--document", s.published(letter+".recrypt"))),
		s.now("Bob opens "+letter, s.opens("bob", letter)),
		s.now("Bob is refused "+ecg, s.refused("bob", ecg)),
		s.now("recrypt grant bob --expires: for a few seconds", func() error {
			d := s.moment()
			err := s.do("alice", "grant", "bob", "--expires", d.String())()
			over = time.Now().Add(d)
			return err
		}),
		s.now("Bob opens "+ecg, s.opens("bob", ecg)),
		s.now("a few seconds later he is refused", func() error {
			time.Sleep(time.Until(over))
			return s.refused("bob", ecg)()
		}),
	)
}

// emergency: Bob may read if Alice does not say no in time.
func (s *stage) emergency() error {
	s.chapter("For emergencies Bob may ask; if Alice does not say no in time, he may read")
	wait := s.moment()
	var over time.Time
	ask := func() error {
		err := s.do("bob", "request", "alice")()
		over = time.Now().Add(wait)
		return err
	}
	later := func(do func() error) func() error {
		return func() error {
			time.Sleep(time.Until(over))
			return do()
		}
	}
	return all(
		s.now("recrypt grant bob --pending: a few seconds here, 72h in life", s.do("alice", "grant", "bob", "--pending", wait.String())),
		s.now("recrypt request alice, by Bob", ask),
		s.now("recrypt veto bob: Alice is well, and says no", s.do("alice", "veto", "bob")),
		s.now("when the time is over, Bob is refused", later(s.refused("bob", ecg))),
		s.now("he asks again, and she does not answer", ask),
		s.now("when the time is over, Bob opens "+ecg, later(s.opens("bob", ecg))),
	)
}

// guest: somebody without an account.
func (s *stage) guest() error {
	s.chapter("A link for a doctor without an account")
	if err := s.furnish("guest", "guest"); err != nil {
		return err
	}
	code := s.own("alice", "passcode")
	if err := os.WriteFile(code, []byte("told by telephone\n"), 0o600); err != nil {
		return err
	}
	return all(
		s.now("recrypt grant --link --collection Guest --uses 2 --passcode", func() error {
			out, err := s.must("alice", "grant", "--link", "--collection", "Guest", "--uses", "2", "--passcode-file", code)
			if err != nil {
				return err
			}
			base, _, ok := strings.Cut(out, "#1.")
			if !ok {
				return fmt.Errorf("no link was printed")
			}
			s.note = base + "#1.…"
			return os.WriteFile(s.own("guest", "link"), []byte(out), 0o600)
		}),
		s.now("recrypt encrypt --collection Guest "+forGuest,
			s.writes("alice", forGuest, "May I run a marathon with this heart?\n", "--collection", "Guest")),
		s.now("the doctor opens it with link and passcode, without an identity", s.guestOpens(code)),
		s.now("the link alone opens nothing", func() error {
			wrong := s.own("guest", "passcode")
			if err := os.WriteFile(wrong, []byte("guessed\n"), 0o600); err != nil {
				return err
			}
			return s.fails("passcode", "guest", "decrypt", s.filesURL+"/"+forGuest+".recrypt",
				"--link", "link", "--passcode-file", wrong, "-o", "no")()
		}),
	)
}

// guestOpens opens the guest's document by the link and compares it.
func (s *stage) guestOpens(code string) func() error {
	return func() error {
		_, err := s.must("guest", "decrypt", s.filesURL+"/"+forGuest+".recrypt", "--link", "link", "--passcode-file", code)
		if err != nil {
			return err
		}
		got, err := hash(s.own("guest", forGuest))
		if err != nil {
			return err
		}
		if want, err := hash(s.own("alice", forGuest)); err != nil || got != want {
			return fmt.Errorf("the content differs (%v)", err)
		}
		_, err = os.Stat(filepath.Join(s.own("guest", "home"), "identities", "guest"))
		if err == nil {
			return fmt.Errorf("the guest has an identity")
		}
		return nil
	}
}
