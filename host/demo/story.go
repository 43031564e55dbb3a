package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed files
var files embed.FS

const (
	letter = "letter.txt"
	ecg    = "ecg.png"
	long   = "recording.bin"
	later  = "diary.txt"
	last   = "referral.txt"
	reply  = "reply.txt"
)

// story plays from the first identity to the last refusal.
func (s *stage) story() error {
	for _, scene := range []func() error{
		s.opening, s.people, s.encryption, s.sharing, s.serverDies, s.takeOver, s.charlie, s.laboratory, s.revocation,
		s.limits, s.emergency, s.guest, s.faster, s.history, s.rewriting, s.newKeys, s.devices, s.theft, s.prying,
	} {
		if err := scene(); err != nil {
			return err
		}
	}
	return nil
}

// all runs functions until one fails.
func all(do ...func() error) error {
	for _, f := range do {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// now turns a step into a function for all.
func (s *stage) now(what string, do func() error) func() error {
	return func() error { return s.step(what, do) }
}

func (s *stage) opening() error {
	s.chapter("Two servers that need not be trusted with content")
	return all(
		s.now("the service starts: recrypt serve", s.startService),
		s.now("a plain static file server starts, for the encrypted files", s.startFiles),
	)
}

func (s *stage) people() error {
	s.chapter("Three people")
	names := []string{"alice", "bob", "charlie"}
	for _, name := range names {
		err := s.step("recrypt identity create "+name, func() error {
			id, err := s.createPerson(name)
			s.ids[name] = id
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.step("they tell each other their ids: recrypt contact add …", func() error {
		for _, who := range names {
			for _, other := range names {
				if who == other {
					continue
				}
				if _, err := s.must(who, "contact", "add", other, s.ids[other]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// createPerson makes a home with an identity sealed by a passphrase.
func (s *stage) createPerson(name string) (id string, err error) {
	if err := s.furnish(name, name); err != nil {
		return "", err
	}
	out, err := s.must(name, "identity", "create", name, "--json")
	if err != nil {
		return "", err
	}
	var answer struct{ ID string }
	if err := json.Unmarshal([]byte(out), &answer); err != nil || !strings.HasPrefix(answer.ID, "rid1") {
		return "", fmt.Errorf("no id in the answer: %v", err)
	}
	return answer.ID, nil
}

// furnish makes a folder with the passphrase of a person.
func (s *stage) furnish(folder, person string) error {
	if err := os.MkdirAll(s.own(folder, ""), 0o700); err != nil {
		return err
	}
	return os.WriteFile(s.own(folder, "passphrase"), []byte("correct horse of "+person+"\n"), 0o600)
}

func (s *stage) encryption() error {
	s.chapter("Alice encrypts three files, each once, and puts them on the file server")
	return all(
		s.now(fmt.Sprintf("she has a letter, an electrocardiogram, and a recording of %d MiB", s.big), s.prepare),
		s.now("recrypt encrypt "+letter, s.publish(letter)),
		s.now("recrypt encrypt "+ecg, s.publish(ecg)),
		s.now("recrypt encrypt "+long, s.publish(long)),
	)
}

// prepare puts Alice's files into her folder; the large one is made on the spot.
func (s *stage) prepare() error {
	for _, name := range []string{letter, ecg} {
		data, err := files.ReadFile("files/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.own("alice", name), data, 0o600); err != nil {
			return err
		}
	}
	f, err := os.Create(s.own("alice", long))
	if err != nil {
		return err
	}
	defer f.Close()
	var seed [32]byte
	copy(seed[:], "a long recording of a heart")
	source := rand.NewChaCha8(seed)
	block := make([]byte, 1<<20)
	for range s.big {
		source.Read(block)
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return f.Close()
}

// publish encrypts one of Alice's files straight into the static server's folder.
func (s *stage) publish(name string) func() error {
	return s.do("alice", "encrypt", name, "-o", s.published(name+".recrypt"))
}

func (s *stage) sharing() error {
	s.chapter("She lets Bob read, with one small transform key for everything")
	return all(
		s.now("recrypt grant bob", s.do("alice", "grant", "bob")),
		s.now("Bob opens "+letter+" from its URL; same SHA-256", s.opens("bob", letter)),
		s.now("Bob opens "+ecg+"; same SHA-256", s.opens("bob", ecg)),
		s.now("Bob opens "+long+"; same SHA-256", s.opens("bob", long)),
		s.now("Charlie is refused, in words, with exit code 3", s.refused("charlie", letter)),
		s.now("Alice publishes "+later+", after the grant",
			s.writes("alice", later, "Diary of "+time.Now().Format("2 January 2006")+"\nPulse at rest 58, after the stairs 104\n")),
		s.now("Bob opens "+later+" without anything new from her", s.opens("bob", later)),
	)
}

// opens has a person open a file that Alice has published.
func (s *stage) opens(person, name string) func() error { return s.opensFrom("alice", person, name) }

// opensFrom has a person open a published file and compares it with the author's.
func (s *stage) opensFrom(author, person, name string) func() error {
	return func() error {
		out := s.own(person, name)
		os.Remove(out)
		start := time.Now()
		stdout, err := s.must(person, "decrypt", s.filesURL+"/"+name+".recrypt", "--from", author, "--json")
		if err != nil {
			return err
		}
		s.pace = time.Since(start)
		if !strings.Contains(stdout, `"authorName": "`+author+`"`) {
			return fmt.Errorf("the author was not named")
		}
		want, err := hash(s.own(author, name))
		if err != nil {
			return err
		}
		got, err := hash(out)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("the content differs")
		}
		return nil
	}
}

// refused has a person try to open a published file, which must end with exit
// code 3, a sentence, and nothing written.
func (s *stage) refused(person, name string) func() error {
	return func() error {
		out := s.own(person, name)
		os.Remove(out)
		o, err := s.recrypt(person, "decrypt", s.filesURL+"/"+name+".recrypt")
		if err != nil {
			return err
		}
		if o.exit != 3 {
			return fmt.Errorf("exit code %d, not 3: %s", o.exit, strings.TrimSpace(o.stderr))
		}
		if _, err := os.Lstat(out); err == nil {
			return fmt.Errorf("an output file was left behind")
		}
		_, s.note, _ = strings.Cut(o.stderr, name+".recrypt: ")
		s.note, _, _ = strings.Cut(s.note, " [")
		if !strings.Contains(s.note, "no access") {
			return fmt.Errorf("the message does not say that there is no access")
		}
		return nil
	}
}

func (s *stage) serverDies() error {
	s.chapter("The server is killed, and comes back")
	return all(
		s.now("kill -9, restart", s.restart),
		s.now("Bob still opens "+ecg, s.opens("bob", ecg)),
	)
}

func (s *stage) restart() error {
	s.service.kill()
	return s.startService()
}

func (s *stage) charlie() error {
	s.chapter("Charlie joins later")
	return all(
		s.now("recrypt grant charlie --expires 30d", s.do("alice", "grant", "charlie", "--expires", "30d")),
		s.now("Charlie opens "+letter+", the first file", s.opens("charlie", letter)),
	)
}

func (s *stage) revocation() error {
	s.chapter("Alice takes Bob's access back: the keys change, nobody else notices")
	return all(
		s.now("recrypt revoke bob: his keys are destroyed, then new ones made", s.says("new documents go to", "alice", "revoke", "bob")),
		s.now("she publishes "+last, s.writes("alice", last, "Referral to the sports clinic\n")),
		s.now("Bob is refused the old "+letter, s.refused("bob", letter)),
		s.now("Bob is refused the new "+last, s.refused("bob", last)),
		s.now("kill -9, restart", s.restart),
		s.now("Bob is still refused", s.refused("bob", letter)),
		s.now("Charlie, who remains, opens the old "+letter, s.opens("charlie", letter)),
		s.now("Charlie opens the new "+last, s.opens("charlie", last)),
		s.now("Alice opens her own "+letter, s.opensOwn(letter)),
	)
}

// writes has a person write a short text and publish it encrypted.
func (s *stage) writes(person, name, text string, flags ...string) func() error {
	return func() error {
		if err := os.WriteFile(s.own(person, name), []byte(text), 0o600); err != nil {
			return err
		}
		_, err := s.must(person, append([]string{"encrypt", name, "-o", s.published(name + ".recrypt")}, flags...)...)
		return err
	}
}

func (s *stage) faster() error {
	s.chapter("Bob answers, in a collection of the faster suite")
	return all(
		s.now("recrypt encrypt --suite recrypt256 "+reply,
			s.writes("bob", reply, "Dear Alice, all is well with your heart.\n", "--suite", "recrypt256")),
		s.now("recrypt grant alice", s.do("bob", "grant", "alice")),
		s.now("Alice opens "+reply+"; same SHA-256", s.opensFrom("bob", "alice", reply)),
	)
}

// opensOwn has Alice open her own published file under another name.
func (s *stage) opensOwn(name string) func() error {
	return func() error {
		if _, err := s.must("alice", "decrypt", s.published(name+".recrypt"), "-o", "again"); err != nil {
			return err
		}
		want, err := hash(s.own("alice", name))
		if err != nil {
			return err
		}
		if got, err := hash(s.own("alice", "again")); err != nil || got != want {
			return fmt.Errorf("the content differs (%v)", err)
		}
		return nil
	}
}

// prying looks through everything that both servers hold.
func (s *stage) prying() error {
	s.chapter("What the servers hold")
	return s.step("no line of the letter, no pixel of the image, no passphrase", func() error {
		text, err := files.ReadFile("files/" + letter)
		if err != nil {
			return err
		}
		image, err := files.ReadFile("files/" + ecg)
		if err != nil {
			return err
		}
		needles := [][]byte{[]byte("correct horse"), image[100:164], []byte("Pulse at rest"), []byte("Potassium"), []byte("well with your heart")}
		for line := range strings.Lines(string(text)) {
			if len(line) > 30 {
				needles = append(needles, []byte(strings.TrimSpace(line)))
			}
		}
		places := []string{filepath.Join(s.dir, s.data), s.published(""), filepath.Join(s.dir, "server.log"), filepath.Join(s.dir, "files.log")}
		if s.database != nil {
			places = append(places, s.database.folder())
		}
		for _, place := range places {
			if err := search(place, needles); err != nil {
				return err
			}
		}
		return nil
	})
}

// search fails if a file below root contains one of the needles.
func search(root string, needles [][]byte) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, needle := range needles {
			if bytes.Contains(data, needle) {
				return fmt.Errorf("%s holds plaintext (SHA-256 of it %x)", filepath.Base(path), sha256.Sum256(needle))
			}
		}
		return nil
	})
}
