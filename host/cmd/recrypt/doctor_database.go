package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/translog"
)

// database looks into the database, without its engine, which would lock it or change its
// schema.
func (d *doctor) database(ctx context.Context) {
	if d.config.Database != "" {
		d.postgres(ctx)
		return
	}
	path := filepath.Join(d.config.DataDir, "recrypt.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(d.config.DataDir, "keyring.db")); err == nil {
			d.fault("database", "put it back: recrypt restore", "%s is missing, and its keyring is there", path)
		} else {
			d.skip("database", "there is none yet: the first start makes it")
		}
		return
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}).String())
	if err != nil {
		d.fault("database", "restore it: recrypt restore", "%s", gist(err))
		return
	}
	defer db.Close()
	var answer string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer); err != nil && ctx.Err() == nil || err == nil && answer != "ok" {
		d.fault("database", "stop the server and restore: recrypt restore", "%s is damaged", path)
		return
	}
	if d.inside(ctx, db, func(n int) string { return "?" }) {
		d.ok("database", "%s, %d entries in the log, %s", path, d.entries, count(int(d.live), "live grant"))
	}
}

// postgres looks into a PostgreSQL database, and at what it promises.
func (d *doctor) postgres(ctx context.Context) {
	config, err := pgx.ParseConfig(d.config.Database)
	if err != nil {
		d.fault("database", "write it as postgres://user@host/name", "the url of the database is not well-formed")
		return
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		d.fault("database", "check that PostgreSQL runs, the name of the host, the user and the password", "no connection to %s: %s", config.Database, reason(err))
		return
	}
	for _, s := range []struct{ name, why string }{
		{"fsync", "a loss of power can lose what was acknowledged, or damage all of it"},
		{"full_page_writes", "a loss of power can damage the database"},
	} {
		var value string
		if err := db.QueryRowContext(ctx, "SHOW "+s.name).Scan(&value); err == nil && value != "on" {
			d.fault("database", "set "+s.name+" = on in postgresql.conf", "%s is %s: %s", s.name, value, s.why)
			return
		}
	}
	var standby bool
	var now time.Time
	if err := db.QueryRowContext(ctx, "SELECT pg_is_in_recovery(), clock_timestamp()").Scan(&standby, &now); err == nil {
		if standby {
			d.fault("database", "add target_session_attrs=read-write to the url, and all hosts", "%s is a standby, which takes no writes", config.Host)
			return
		}
		if off := now.Sub(d.now()).Abs(); off > maxSkew {
			d.warn("database", "set the clocks of both machines by a time service", "its clock is off by %s", span(off.Truncate(time.Second)))
			return
		}
	}
	if lossy := lossyFailOver(ctx, config, db); lossy != "" {
		d.fault("database", "set synchronous_standby_names, and synchronous_commit = on", "%s: after a fail-over a revocation that was acknowledged may be gone", lossy)
		return
	}
	if d.inside(ctx, db, func(n int) string { return "$1" }) {
		d.ok("database", "PostgreSQL %s at %s, %d entries in the log, %s", config.Database, config.Host, d.entries, count(int(d.live), "live grant"))
	}
}

// lossyFailOver tells why a database of several hosts may lose what was acknowledged when
// another of them takes over; empty if it does not, or there is one host only.
func lossyFailOver(ctx context.Context, config *pgx.ConnConfig, db *sql.DB) string {
	others := slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return f.Host != config.Host || f.Port != config.Port
	})
	var standbys, commit string
	err := db.QueryRowContext(ctx, "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')").Scan(&standbys, &commit)
	switch {
	case !others || err != nil:
		return ""
	case standbys == "":
		return "the url names several hosts, but no standby is synchronous"
	case commit == "local" || commit == "remote_write":
		return "synchronous_commit is " + commit
	}
	return ""
}

// reason is why a connection failed, without the address, in which a password may stand.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return withoutSecrets(text)
}

// inside reads what the checks need, and reports whether the database is this server's.
func (d *doctor) inside(ctx context.Context, db *sql.DB, place func(int) string) bool {
	var size int64
	err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(position) + 1, 0) FROM log_leaves").Scan(&size)
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM grants WHERE ending = 0 AND suspended < 2").Scan(&d.live)
	}
	if err != nil {
		d.live = -1
		d.warn("database", "start the server, which makes its tables or brings them up to date", "it has not the tables of this version")
		return false
	}
	var bound []byte
	err = db.QueryRowContext(ctx, "SELECT service FROM service WHERE id = 1").Scan(&bound)
	if err == nil && d.service != nil && !bytes.Equal(bound, d.service.ID[:]) {
		d.fault("database", "use the server.key that belongs to it", "it belongs to another server")
		return false
	}
	hashes := func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			var hash []byte
			if err := db.QueryRowContext(ctx, "SELECT hash FROM log_hashes WHERE position = "+place(1), at).Scan(&hash); err != nil {
				return nil, err
			}
			copy(out[i][:], hash)
		}
		return out, nil
	}
	d.entries = size
	d.compare(ctx, func(size int64) (tlog.Hash, error) { return tlog.TreeHash(size, tlog.HashReaderFunc(hashes)) })
	return true
}

// compare compares the log with the newest checkpoint that was signed, while the database is
// open.
func (d *doctor) compare(ctx context.Context, root func(int64) (tlog.Hash, error)) {
	path := filepath.Join(d.config.DataDir, "checkpoint")
	signed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || d.service == nil {
		return
	}
	if err != nil {
		d.fault("log", "run doctor as the user of the server", "%s", gist(err))
		return
	}
	verify := func(key [32]byte, message, signature []byte) bool {
		return d.core.Ed25519Verify(ctx, key[:], message, signature) == nil
	}
	last, err := translog.OpenCheckpoint(signed, d.origin(signed), d.service.SigningKey, verify, nil)
	if err != nil {
		d.fault("log", "is it the folder of another server? else remove the file", "%s is not a checkpoint of this server", path)
		return
	}
	if d.entries < last.Size {
		d.fault("log", "put the newest database back, or restore with --mirror; clients refuse a shorter log", "the database has %d entries, and %d were signed", d.entries, last.Size)
		return
	}
	if found, err := root(last.Size); err != nil || found != last.Root {
		d.fault("log", "put the newest database back, or restore with --mirror; clients refuse another log", "the first %d entries are not those that were signed", last.Size)
		return
	}
	d.ok("log", "%d entries, the first %d as they were signed", d.entries, last.Size)
}

// origin is the name of the log: that of the server, and of a log that was begun anew with a
// number behind it.
func (d *doctor) origin(signed []byte) string {
	line, _, _ := strings.Cut(string(signed), "\n")
	if strings.HasPrefix(line, d.id+"/") {
		return line
	}
	return d.id
}

// checkpoint tells that the log was not compared.
func (d *doctor) checkpoint(context.Context) {
	for _, f := range d.findings {
		if f.Check == "log" {
			return
		}
	}
	d.skip("log", "there is no checkpoint to compare it with")
}

// keys checks that the keyring belongs to the database.
func (d *doctor) keys(ctx context.Context) {
	if d.live < 0 {
		d.skip("keyring", "the database is not known")
		return
	}
	held, err := d.heldKeys(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.live > 0:
		held, err = 0, nil
		fallthrough
	case err == nil && held == 0 && d.live > 0:
		d.fault("keyring", "put it back, or let each owner grant again: recrypt regrant", "it is empty, and there are %s: no reader can open anything", count(int(d.live), "live grant"))
	case errors.Is(err, fs.ErrNotExist):
		d.skip("keyring", "there is none yet")
	case errors.Is(err, errBusyKeyring):
		d.skip("keyring", "the server holds it; stop the server to have it checked")
	case err != nil:
		d.fault("keyring", "put it back from where you keep it, and never from a backup of the database", "%s", reason(err))
	case held < d.live:
		d.fault("keyring", "owners of the others have to grant again: recrypt regrant", "it has keys of %d of %s", held, count(int(d.live), "live grant"))
	default:
		d.ok("keyring", "keys of %s", count(int(held), "grant"))
	}
}

var errBusyKeyring = errors.New("the keyring is held by a server")

// heldKeys is how many grants have keys.
func (d *doctor) heldKeys(ctx context.Context) (n int64, err error) {
	if address := first(d.config.Keyring, d.config.Database); address != "" {
		config, err := pgx.ParseConfig(address)
		if err != nil {
			return 0, errors.New("the url of the keyring is not well-formed")
		}
		db := stdlib.OpenDB(*config)
		defer db.Close()
		err = db.QueryRowContext(ctx, "SELECT COUNT(DISTINCT grant_id) FROM keyring_keys").Scan(&n)
		return n, err
	}
	path := filepath.Join(d.config.DataDir, "keyring.db")
	if _, err := os.Stat(path); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}).String())
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM owners").Scan(&n)
	if err != nil && (d.running || strings.Contains(err.Error(), "locked")) {
		err = errBusyKeyring
	}
	return n, err
}

// mirror checks that the copy of the log is whole and not behind.
func (d *doctor) mirror(ctx context.Context) {
	if d.config.Mirror == "" {
		d.warn("mirror", "set mirror = DIR on another disk", "none: after a loss of the disk a backup brings revocations back only as far as it goes")
		return
	}
	report, err := mirror.Check(ctx, d.config.Mirror, d.core)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.fault("mirror", "make the folder, or start the server, which does", "%s is not there", d.config.Mirror)
	case err != nil:
		d.fault("mirror", "check that disk; then let the server begin an empty folder", "%s", gist(err))
	case d.id != "" && report.Server != d.id && !strings.HasPrefix(report.Server, d.id+"/"):
		d.fault("mirror", "name an empty folder", "it is that of another server")
	case d.entries >= 0 && report.Size < d.entries-mirrorSlack:
		d.fault("mirror", "start the server, and look into its log for why it does not keep up", "it has %d of %d entries", report.Size, d.entries)
	default:
		d.ok("mirror", "%d entries, all verified", report.Size)
	}
}

// mirrorSlack is how many entries a mirror may lack while the server writes.
const mirrorSlack = 1000
