package keystore

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// maxDocuments bounds the list of documents that is read: 64 MiB, some half a million.
const maxDocuments = 64 << 20

// NameDocument remembers under which name a document was encrypted, so that the ledger
// can be read. It is for people only: if it fails, nothing is missing but a name.
func (s *Store) NameDocument(identity, key, file string) {
	file = filepath.Base(file)
	if file == "-" || file == "." || strings.ContainsFunc(file, unicode.IsControl) {
		return
	}
	unlock, err := s.lock.Lock()
	if err != nil {
		return
	}
	defer unlock()
	f, err := os.OpenFile(s.path(identity, "documents"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = fmt.Fprintf(f, "%s %s\n", key, file)
}

// DocumentNames returns the names that NameDocument has remembered, by the ids of keys.
func (s *Store) DocumentNames(identity string) map[string]string {
	info, err := os.Stat(s.path(identity, "documents"))
	if err != nil || info.Size() > maxDocuments {
		return map[string]string{}
	}
	data, err := os.ReadFile(s.path(identity, "documents"))
	if err != nil {
		return map[string]string{}
	}
	return parseDocuments(data)
}

// parseDocuments reads lines of id and name; what is not in order is passed over.
func parseDocuments(data []byte) map[string]string {
	names := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if key, name, ok := strings.Cut(lines.Text(), " "); ok && key != "" && name != "" {
			names[key] = name
		}
	}
	return names
}
