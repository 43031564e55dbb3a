package keystore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/atomicfile"
)

// A Contact is a person known by a nickname that only this home uses.
type Contact struct {
	Nickname string `json:"nickname"`
	ID       string `json:"id"`
}

func (s *Store) contactsPath() string { return filepath.Join(s.dir, "contacts.json") }

// Contacts lists the contacts by nickname.
func (s *Store) Contacts() ([]Contact, error) {
	var book map[string]string
	if err := readJSON(s.contactsPath(), &book); err != nil {
		return nil, err
	}
	return contacts(book), nil
}

// contacts lists a book, nickname → id, by nickname.
func contacts(book map[string]string) []Contact {
	var out []Contact
	for nickname, id := range book {
		out = append(out, Contact{nickname, id})
	}
	slices.SortFunc(out, func(a, b Contact) int { return strings.Compare(a.Nickname, b.Nickname) })
	return out
}

// AddContact remembers id, which the caller has checked, under a nickname. A
// nickname that stands for somebody else is kept unless replace is set.
func (s *Store) AddContact(nickname, id string, replace bool) error {
	if !namePattern.MatchString(nickname) {
		return fmt.Errorf("%w: not %q", ErrName, clip(nickname))
	}
	unlock, err := s.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	book := map[string]string{}
	if err := readJSON(s.contactsPath(), &book); err != nil {
		return err
	}
	if old, ok := book[nickname]; ok && old != id && !replace {
		return fmt.Errorf("contact %s stands for another id: %w", nickname, ErrExists)
	}
	book[nickname] = id
	return writeJSON(s.contactsPath(), book)
}

// Resolve returns the id that a reader's name stands for: an id itself, a
// nickname, or the name of an identity of this home.
func (s *Store) Resolve(reader string) (string, error) {
	if strings.HasPrefix(reader, "rid1") {
		return reader, nil
	}
	contacts, err := s.Contacts()
	if err != nil {
		return "", err
	}
	for _, c := range contacts {
		if c.Nickname == reader {
			return c.ID, nil
		}
	}
	if namePattern.MatchString(reader) {
		if id, err := s.read(reader); err == nil {
			return id.ID, nil
		}
	}
	return "", fmt.Errorf("%w: %q; add it with: recrypt contact add NICKNAME ID", ErrNoContact, clip(reader))
}

// Nickname returns the nickname of an id, or an empty string if it is not among
// the contacts and identities of this home.
func (s *Store) Nickname(id string) string {
	contacts, _ := s.Contacts()
	for _, c := range contacts {
		if c.ID == id {
			return c.Nickname
		}
	}
	identities, _ := s.Identities()
	for _, i := range identities {
		if i.ID == id {
			return i.Name
		}
	}
	return ""
}

// readJSON reads a file into v; a missing file leaves v as it is.
func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return parseJSON(path, data, v)
}

// parseJSON reads the content of the file at path into v.
func parseJSON(path string, data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s is %w: %w", path, ErrDamaged, err)
	}
	return nil
}

// writeJSON replaces a file, readable for its owner only.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, append(data, '\n'), 0o600, true)
}
