package keystore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"

	"github.com/recrypt-service/recrypt/host/atomicfile"
)

// Memory returns what an identity has seen of servers, and the contacts of this home, for
// another device of the same person.
func (s *Store) Memory(name string) (state, contacts json.RawMessage, err error) {
	read := func(path string) (json.RawMessage, error) {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return json.RawMessage("{}"), nil
		}
		if err == nil && !json.Valid(data) {
			err = fmt.Errorf("%s is %w", path, ErrDamaged)
		}
		return data, err
	}
	if state, err = read(s.path(name, "state.json")); err != nil {
		return nil, nil, err
	}
	contacts, err = read(s.contactsPath())
	return state, contacts, err
}

// SetMemory takes over what Memory has returned on another device, for an identity that
// is new here. Contacts of this home keep their nicknames.
func (s *Store) SetMemory(name string, state, contacts json.RawMessage) error {
	unlock, err := s.lock.Lock()
	if err != nil {
		return fmt.Errorf("lock home: %w", err)
	}
	defer unlock()
	if err := parseJSON("the imported memory", state, &memory{}); err != nil {
		return err
	}
	imported, book := map[string]string{}, map[string]string{}
	if err := parseJSON("the imported contacts", contacts, &imported); err != nil {
		return err
	}
	if err := readJSON(s.contactsPath(), &book); err != nil {
		return err
	}
	maps.DeleteFunc(imported, func(nickname, _ string) bool { return !namePattern.MatchString(nickname) })
	maps.Copy(imported, book)
	if err := atomicfile.WriteFile(s.path(name, "state.json"), state, 0o600, true); err != nil {
		return err
	}
	if len(imported) == 0 {
		return nil
	}
	return writeJSON(s.contactsPath(), imported)
}
