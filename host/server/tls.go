package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// certificateEvery is how often the files of a certificate are looked at for a change.
const certificateEvery = 30 * time.Second

// certificateSoon is how long before its end a certificate is warned about, once a day.
const certificateSoon = 14 * 24 * time.Hour

// Bounds of HTTP/2: what one connection may have under way. Go bounds resets and
// CONTINUATION frames by itself.
var http2Bounds = http.HTTP2Config{
	MaxConcurrentStreams:          32,
	MaxReceiveBufferPerConnection: 1 << 20,
	MaxReceiveBufferPerStream:     256 << 10,
	SendPingTimeout:               30 * time.Second,
	PingTimeout:                   15 * time.Second,
	WriteByteTimeout:              stallTime,
}

// ErrCertificate says that a certificate cannot be used.
var ErrCertificate = errors.New("the certificate cannot be used")

// A certificate is read from two files of PEM, and again when they change, as tools that
// renew certificates do it. One that cannot be used does not replace the one before.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	failed            func()

	current  atomic.Pointer[tls.Certificate]
	modified [2]time.Time
	warned   time.Time
}

// LoadCertificate reads a certificate with its key and checks what a server needs: that the
// two belong together, that its time has come and is not over at now, and that nobody else may
// read the key.
func LoadCertificate(certFile, keyFile string, now time.Time) (*tls.Certificate, error) {
	info, err := os.Stat(keyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("%w: everybody may read the key: chmod 600 %s", ErrCertificate, keyFile)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	switch leaf := pair.Leaf; {
	case now.After(leaf.NotAfter):
		return nil, fmt.Errorf("%w: it has expired on %s", ErrCertificate, leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return nil, fmt.Errorf("%w: it is not valid before %s; is the clock right?", ErrCertificate, leaf.NotBefore.UTC().Format(time.DateOnly))
	}
	return &pair, nil
}

// newCertificate reads a certificate for the first time.
func newCertificate(certFile, keyFile string, log *slog.Logger, failed func()) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, failed: failed}
	c.modified = c.stamps()
	pair, err := LoadCertificate(certFile, keyFile, time.Now())
	if err != nil {
		return nil, err
	}
	c.current.Store(pair)
	return c, nil
}

// stamps are when the files were changed.
func (c *certificate) stamps() (out [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			out[i] = info.ModTime()
		}
	}
	return out
}

// reload reads the certificate anew.
func (c *certificate) reload() {
	c.modified = c.stamps()
	pair, err := LoadCertificate(c.certFile, c.keyFile, time.Now())
	if err != nil {
		c.failed()
		c.log.Error("the certificate was not read anew, the one before stays", "error", err)
		return
	}
	c.current.Store(pair)
	c.log.Info("certificate read", "until", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
}

// watch reads the certificate anew when something comes from again, and when the files have
// changed, until ctx ends.
func (c *certificate) watch(ctx context.Context, again <-chan struct{}) {
	ticker := time.NewTicker(certificateEvery)
	defer ticker.Stop()
	for {
		c.remind(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-again:
			c.reload()
		case <-ticker.C:
			if c.stamps() != c.modified {
				c.reload()
			}
		}
	}
}

// remind warns once a day of a certificate that ends.
func (c *certificate) remind(now time.Time) {
	end := c.current.Load().Leaf.NotAfter
	if left := end.Sub(now); left < certificateSoon && now.Sub(c.warned) >= 24*time.Hour {
		c.warned = now
		if left < 0 {
			c.log.Error("the certificate has expired, clients refuse it", "since", end.UTC().Format(time.RFC3339))
		} else {
			c.log.Warn("the certificate ends soon", "at", end.UTC().Format(time.RFC3339))
		}
	}
}

// config is what TLS is spoken by: 1.3 only. All clients of ours know it, and what older
// versions can do wrong need not be thought about.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// ErrPlain says that plain HTTP was asked for at an address that others can reach.
var ErrPlain = errors.New("plain http at an address that others can reach")

// checkListen refuses a certificate that cannot be used, and plain HTTP anywhere but on the
// machine itself, unless a proxy that speaks TLS is in front: before anything is opened or made.
func checkListen(ctx context.Context, cfg *ServeConfig) error {
	if (cfg.TLSCert == "") != (cfg.TLSKey == "") {
		return fmt.Errorf("%w: TLS needs both files, with the certificate and with its key", ErrCertificate)
	}
	if cfg.TLSCert != "" {
		_, err := LoadCertificate(cfg.TLSCert, cfg.TLSKey, time.Now())
		return err
	}
	if cfg.BehindProxy {
		return nil
	}
	local, err := loopback(ctx, cfg.Listen)
	if err != nil || local {
		return err
	}
	return fmt.Errorf("%w: give --tls-cert and --tls-key, or listen on 127.0.0.1, or say --behind-proxy if a proxy in front speaks TLS", ErrPlain)
}

// loopback reports whether an address to listen on can be reached from this machine only.
func loopback(ctx context.Context, listen string) (bool, error) {
	addrs, err := resolve(ctx, listen)
	if err != nil {
		return false, err
	}
	for _, a := range addrs {
		if !a.IsLoopback() {
			return false, nil
		}
	}
	return len(addrs) > 0, nil
}

// resolve returns the addresses of host:port; none for all of the machine.
func resolve(ctx context.Context, listen string) ([]net.IP, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", listen, err)
	}
	if host == "" {
		return nil, nil
	}
	addrs, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", listen, err)
	}
	return addrs, nil
}
