package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Bounds of a connection. Working may take long because granting to many readers
// is one request and costs a check per grant; sending the answer has bounds of its
// own.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	// For a body of 8 MiB, from somebody's home.
	largeReadTimeout = 2 * time.Minute
	writeTimeout     = 2 * time.Minute
	idleTimeout      = time.Minute
	stopTimeout      = 15 * time.Second
	maxHeaderBytes   = 16 << 10
)

// ServeConfig is what [Serve] needs.
type ServeConfig struct {
	Listen     string     // host:port; port 0 takes a free one
	DataDir    string     // see Place, as the next three
	Database   string     // URL of a PostgreSQL database; "": a file in DataDir
	Keyring    string     // URL of another one for the keyring
	KeyFile    string     // "": server.key in DataDir
	PublicURLs []string   // none: the listen address
	Caller     abi.Caller // the core
	EngineKind string
	Version    string
	Ready      func(url string) // called once when requests are accepted; may be nil
	Log        *slog.Logger     // nil: discarded

	PreparedBytes int // see Config.PreparedBytes; Config.TransformedBytes is as much again

	// TLSCert and TLSKey are files of PEM. Without them plain HTTP is spoken, and only on
	// loopback addresses unless BehindProxy says that a proxy in front speaks TLS.
	TLSCert, TLSKey string
	BehindProxy     bool
	// TrustedProxies are believed what they say in X-Forwarded-For. With BehindProxy only
	// they may connect, unless there are none.
	TrustedProxies []netip.Prefix
	ProxySecret    []byte // see Config.ProxySecret

	Limits      Limits        // see Config.Limits
	Connections int           // open at once; 0: 1000
	Each        int           // of them of one address; 0: all
	Ops         string        // address for metrics, see Server.Ops; "": none
	StopDelay   time.Duration // between readyz turning false and the end of accepting

	// Reload makes the certificate be read anew when something comes from it, and Hurry,
	// closed during a stop, cuts off what is still running. They may be nil.
	Reload <-chan struct{}
	Hurry  <-chan struct{}

	Witnesses      []string // see Config.Witnesses
	AcceptOlderLog bool     // see Config.AcceptOlderLog
	KeyringLost    bool     // see Config.KeyringLost
	Mirror         string   // see Config.Mirror

	// Blobs is where the document repository keeps documents, a folder or s3://BUCKET, see
	// [blobs.Open]; "": there is none.
	Blobs       string
	BlobOptions blobs.Options

	App          fs.FS    // see Config.App
	Edges        []string // see Config.Edges
	AllowOrigins []string // see Config.AllowOrigins
}

// Serve runs a server on a folder, or on a database, until ctx ends, then lets running
// requests finish and closes everything. The folder holds
//
//	server.key    the server's sealed seed, 0600, without passphrase; made at first start
//	recrypt.db    identities, chains, grants, document keys, revocations
//	keyring.db    what opens the transform keys in recrypt.db: keep it out of backups
//	checkpoint    the newest state of the log that was ever signed: keep it out of backups
//
// With a PostgreSQL database its tables take the place of recrypt.db and keyring.db, and
// any number of servers use them at once. Each has a folder of its own, with the same
// server.key and a checkpoint.
//
// A folder from which server.key or recrypt.db was lost is refused. With an empty
// keyring the server starts, and every grant must be made again; with a PostgreSQL database,
// where the keyring may only be another one than that of the other servers, it has to be told
// that it is lost, or the error is ErrKeyringLost. A database that is
// older than the checkpoint, as after a backup was put back, is refused with ErrOlderLog.
//
// A second server on the same folder gets store.ErrLocked, one with another server.key on
// the same database store.ErrForeign.
func Serve(ctx context.Context, cfg ServeConfig) (err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkListen(ctx, &cfg); err != nil {
		return err
	}
	parts, err := OpenParts(ctx, abi.Client{Caller: cfg.Caller}, Place{cfg.DataDir, cfg.Database, cfg.Keyring, cfg.KeyFile}, cfg.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	documents, err := openDocuments(ctx, &cfg)
	if err != nil {
		return err
	}
	if documents != nil {
		defer func() { err = errors.Join(err, documents.Close()) }()
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	defer listener.Close()
	own := listenURLs(cfg.scheme(), cfg.Listen, listener.Addr())
	if len(cfg.PublicURLs) == 0 {
		cfg.PublicURLs = own
	}
	s, err := New(ctx, Config{
		Store: parts.Store, Keyring: parts.Keyring, Shared: parts.Shared, Caller: cfg.Caller, EngineKind: cfg.EngineKind, Seed: parts.Seed,
		PublicURLs: cfg.PublicURLs, Version: cfg.Version, PreparedBytes: cfg.PreparedBytes, TransformedBytes: cfg.PreparedBytes, Log: cfg.Log,
		CheckpointFile: filepath.Join(cfg.DataDir, checkpointFile), Witnesses: cfg.Witnesses, AcceptOlderLog: cfg.AcceptOlderLog, KeyringLost: cfg.KeyringLost, Mirror: cfg.Mirror,
		Limits: cfg.Limits, TrustedProxies: cfg.TrustedProxies, ProxySecret: cfg.ProxySecret,
		Blobs: documents, App: cfg.App, Edges: cfg.Edges, AllowOrigins: cfg.AllowOrigins,
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.runOn(ctx, listener, &cfg, func() {
		cfg.Log.Info("serving", "server", s.ID(), "listen", listener.Addr().String(), "public", cfg.PublicURLs, "engine", cfg.EngineKind)
		if cfg.Ready != nil {
			cfg.Ready(own[0])
		}
	})
}

// listenURLs are the URLs under which the server can be reached without further
// configuration: the host as it was asked for, and with a loopback address both
// of its names, because people type either.
func listenURLs(scheme, listen string, addr net.Addr) []string {
	host, _, err := net.SplitHostPort(listen)
	_, port, errAddr := net.SplitHostPort(addr.String())
	if err != nil || errAddr != nil {
		return []string{scheme + addr.String()}
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	urls := []string{scheme + net.JoinHostPort(host, port)}
	switch host {
	case "127.0.0.1":
		urls = append(urls, scheme+net.JoinHostPort("localhost", port))
	case "localhost":
		urls = append(urls, scheme+net.JoinHostPort("127.0.0.1", port))
	}
	return urls
}
