package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// history: what the server has recorded, and who watches that it stays so.
func (s *stage) history() error {
	s.chapter("Who did what: a history that nobody can change later")
	return all(
		s.now("recrypt ledger: each opening, signed by who asked", s.says("bob opened letter.txt", "alice", "ledger")),
		s.now("recrypt audit: the whole log, replayed", s.says("only appended to", "alice", "audit")),
		s.now("recrypt witness run: somebody else watches the log", s.startWitness),
		s.now("recrypt witness require 1: without him Alice shares nothing more", func() error {
			_, err := s.must("alice", "witness", "require", "1", s.witnessKey)
			return err
		}),
		s.now("her next grant is refused: nobody has confirmed the log yet", s.fails("unwitnessed", "alice", "grant", "charlie")),
		s.now("the server is restarted with recrypt serve --witness", s.restart),
		s.now("recrypt grant charlie: the witness has confirmed", s.do("alice", "grant", "charlie")),
	)
}

// startWitness starts a witness of the service's log.
func (s *stage) startWitness() error {
	dir := filepath.Join(s.dir, "witness")
	out, err := s.must("charlie", "witness", "key", "--dir", dir, "--name", "witness.example.net")
	if err != nil {
		return err
	}
	s.witnessKey = strings.TrimSpace(out)
	var url string
	s.witness, url, err = spawn("listening on ", filepath.Join(s.dir, "witness.log"),
		s.binary, "witness", "run", "--listen", "127.0.0.1:0", "--dir", dir, "--log", s.serviceURL)
	s.serveFlags = []string{"--witness", url + "=" + s.witnessKey}
	return err
}

// rewriting: the server goes back in time, and is caught.
func (s *stage) rewriting() error {
	s.chapter("The operator secretly puts an old copy of the database back")
	server := filepath.Join(s.dir, s.data)
	kept, newer := server+"-old", server+"-new"
	return all(
		s.now("the server is stopped, copied, and goes on", func() error {
			s.service.kill()
			if err := all(func() error { return copyFolder(kept, server) }, s.database.keep); err != nil {
				return err
			}
			return s.startService()
		}),
		s.now("recrypt revoke charlie", s.do("alice", "revoke", "charlie")),
		s.now("the old copy is put back, in which Charlie may read", func() error {
			s.service.kill()
			if err := os.Rename(server, newer); err != nil {
				return err
			}
			if err := os.Rename(kept, server); err != nil {
				return err
			}
			s.database.swap()
			return s.startService()
		}),
		s.now("Alice's next command refuses this server", s.fails("old_log", "alice", "encrypt", letter, "-o", "no.recrypt")),
		s.now("the right database is back, and all is well", func() error {
			s.service.kill()
			if err := os.RemoveAll(server); err != nil {
				return err
			}
			if err := os.Rename(newer, server); err != nil {
				return err
			}
			s.database.swap()
			if err := s.startService(); err != nil {
				return err
			}
			if o, err := s.recrypt("alice", "audit"); err != nil || o.exit != 0 {
				return fmt.Errorf("the audit fails (%v): %s", err, o.stderr)
			}
			return nil
		}),
	)
}

// copyFolder copies a folder with the permissions of its files.
func copyFolder(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(to, name), info.Mode().Perm())
	})
}
