package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

// A database is a PostgreSQL server of its own for the service. A nil one is none: then the
// service's data is in its folder.
type database struct {
	cluster   *pgtest.Cluster
	name, old string
}

// startDatabase starts PostgreSQL for the service.
func (s *stage) startDatabase() error {
	s.chapter("A database for servers that come and go")
	return s.step("PostgreSQL starts, on a Unix socket", func() error {
		cluster, err := pgtest.Run("", pgtest.Options{})
		if err != nil {
			return err
		}
		s.database = &database{cluster: cluster}
		s.database.name, err = cluster.Create(context.Background())
		return err
	})
}

func (d *database) url() string { return d.cluster.URL(d.name) }

// folder is where its files are.
func (d *database) folder() string {
	u, err := url.Parse(d.url())
	if err != nil {
		panic(err) // we have made it
	}
	return filepath.Join(u.Query().Get("host"), "data")
}

// keep makes a copy of the database, which nobody may use meanwhile.
func (d *database) keep() error {
	if d == nil {
		return nil
	}
	d.old = d.name + "_old"
	return d.cluster.Exec(context.Background(), "postgres", "CREATE DATABASE "+d.old+" TEMPLATE "+d.name)
}

// swap lets the service use the copy in place of the database, or the other way round.
func (d *database) swap() {
	if d != nil {
		d.name, d.old = d.old, d.name
	}
}

// takeOver: another server goes on in place of the first, and the database dies and comes
// back. Neither leaves a trace.
func (s *stage) takeOver() error {
	if s.database == nil {
		return nil
	}
	s.chapter("The server's machine is gone, and another one takes over")
	return all(
		s.now("a second server starts elsewhere, with server.key and the same database", func() error {
			s.service.kill()
			key, err := os.ReadFile(filepath.Join(s.dir, s.data, "server.key"))
			if err != nil {
				return err
			}
			s.data = "second-server"
			if err := os.MkdirAll(filepath.Join(s.dir, s.data), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(s.dir, s.data, "server.key"), key, 0o600); err != nil {
				return err
			}
			return s.startService()
		}),
		s.now("Bob opens "+letter+" through it", s.opens("bob", letter)),
		s.now("kill -9 of PostgreSQL, restart", func() error {
			if err := s.database.cluster.Kill(); err != nil {
				return err
			}
			return s.database.cluster.Restart()
		}),
		s.now("Bob still opens "+ecg, s.opens("bob", ecg)),
	)
}
