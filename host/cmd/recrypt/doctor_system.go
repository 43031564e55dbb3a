package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Bounds of free space and files.
const (
	enoughSpace = 1 << 30   // bytes; below there is a warning
	leastSpace  = 100 << 20 // below it is a fault
	enoughFiles = 4096
	certSoon    = 14 * 24 * time.Hour
)

// folder checks the data folder and who may read what is in it.
func (d *doctor) folder(context.Context) {
	dir := d.config.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.warn("data folder", "start the server once, or name another folder with --data", "%s is not there yet", dir)
		return
	case err != nil:
		d.fault("data folder", "run doctor as the user of the server", "%s", gist(err))
		return
	case !info.IsDir():
		d.fault("data folder", "name a folder with --data", "%s is not a folder", dir)
		return
	case info.Mode().Perm()&0o077 != 0:
		d.fault("data folder", "chmod 700 "+dir, "others may look into %s (mode %04o)", dir, info.Mode().Perm())
		return
	}
	for _, name := range []string{"server.key", "keyring.db", "keyring.db-journal", "recrypt.db", "recrypt.db-wal"} {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			d.fault("data folder", "run doctor as the user of the server", "%s", gist(err))
			return
		case info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o077 != 0:
			d.fault("data folder", "chmod 600 "+path, "others may read %s (mode %04o)", path, info.Mode().Perm())
			return
		}
	}
	d.ok("data folder", "%s, for its owner only", dir)
}

// serverKey checks that the server's identity is there and opens.
func (d *doctor) serverKey(ctx context.Context) {
	path := d.config.KeyFile
	if path == "" {
		path = filepath.Join(d.config.DataDir, "server.key")
	}
	seed, service, _, err := backup.ReadKey(ctx, d.core, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Join(d.config.DataDir, "recrypt.db")); err == nil || d.config.Database != "" {
			d.fault("server key", "put it back from where you keep a copy; without it this database is of no use", "%s is missing but there is a database", path)
		} else {
			d.skip("server key", "there is none yet: the first start makes it")
		}
		return
	case err != nil:
		d.fault("server key", "put it back from where you keep a copy", "%s", gist(err))
		return
	}
	clear(seed)
	d.service = service
	if d.id, err = d.core.FormatID(ctx, abi.KindService, service.ID); err != nil {
		d.fault("server key", "use the version of recrypt that made it, or a later one", "%s", gist(err))
		return
	}
	d.ok("server key", "of %s; keep a copy of it in a safe place", d.id)
}

// space checks that there is room.
func (d *doctor) space(context.Context) {
	dirs := map[string]string{"data": d.config.DataDir, "mirror": d.config.Mirror}
	if !strings.HasPrefix(d.config.Blobs, "s3://") {
		dirs["documents"] = d.config.Blobs
	}
	for _, what := range []string{"data", "documents", "mirror"} {
		dir := dirs[what]
		if dir == "" {
			continue
		}
		if free, size, err := server.DiskSpace(dir); err != nil {
			d.skip("free space", "of %s: not known", what)
		} else {
			d.room(what, free, size)
		}
	}
}

// room judges free space.
func (d *doctor) room(what string, free, size uint64) {
	switch {
	case free < leastSpace:
		d.fault("free space", "make room; until then writing is refused", "%d MiB for %s", free>>20, what)
	case free < enoughSpace || free < size/20:
		d.warn("free space", "make room before it is full", "%d MiB for %s, %d %% of the disk", free>>20, what, 100*free/max(size, 1))
	default:
		d.ok("free space", "%d GiB for %s", free>>30, what)
	}
}

// openFiles checks that the system allows as many files as the server needs.
func (d *doctor) openFiles(context.Context) { d.files(openFileLimit()) }

// files judges how many files are allowed.
func (d *doctor) files(limit uint64, known bool) {
	need := uint64(max(enoughFiles, 2*d.config.Connections))
	switch {
	case !known:
		d.skip("open files", "their limit is not known here")
	case limit < need:
		d.warn("open files", "raise it: LimitNOFILE=65536 in the unit, or ulimit -n 65536", "%d are allowed, %d are needed for %d connections", limit, need, d.config.Connections)
	default:
		d.ok("open files", "%d are allowed", limit)
	}
}

// certificate checks the files of TLS, or that none are needed.
func (d *doctor) certificate(context.Context) {
	if d.config.TLSCert == "" {
		d.withoutTLS()
		return
	}
	pair, err := server.LoadCertificate(d.config.TLSCert, d.config.TLSKey, d.now())
	if err != nil {
		d.fault("certificate", "renew it, or name the right files with --tls-cert and --tls-key", "%s", gist(err))
		return
	}
	for _, text := range d.config.PublicURLs {
		if u, err := url.Parse(text); err == nil && pair.Leaf.VerifyHostname(u.Hostname()) != nil {
			d.fault("certificate", "get one for that name", "it is not for %s", u.Hostname())
			return
		}
	}
	left := pair.Leaf.NotAfter.Sub(d.now())
	if left < certSoon {
		d.warn("certificate", "renew it; the server reads the files anew by itself", "it ends in %s", span(left.Truncate(time.Hour)))
		return
	}
	d.ok("certificate", "until %s", pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
}

// withoutTLS judges a server that speaks plain HTTP.
func (d *doctor) withoutTLS() {
	plain := ""
	for _, text := range d.config.PublicURLs {
		if u, err := url.Parse(text); err == nil && u.Scheme == "http" && u.Hostname() != "localhost" && !strings.HasPrefix(u.Hostname(), "127.") && u.Hostname() != "::1" {
			plain = text
		}
	}
	switch {
	case plain != "":
		d.fault("certificate", "use an https:// URL: --tls-cert and --tls-key, or a proxy in front", "clients come by %s, which everybody on the way can read", plain)
	case d.config.BehindProxy:
		d.ok("certificate", "that of the proxy in front")
	case len(d.config.PublicURLs) > 0 && strings.HasPrefix(d.config.PublicURLs[0], "https://"):
		d.warn("certificate", "set behind-proxy = true, so that limits count clients and not the proxy", "clients come by https://, so there is a proxy, and the server does not know of it")
	default:
		d.ok("certificate", "none: only this machine can connect")
	}
}
