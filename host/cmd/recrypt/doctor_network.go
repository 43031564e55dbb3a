package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// maxSkew is how far the clock may be off before clients notice.
const maxSkew = api.MaxClockSkew / 2 * time.Second

// patient is how doctor asks.
func patient(insecure bool) *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			//nolint:gosec // only to ask the own machine whether somebody is there
			TLSClientConfig: &tls.Config{InsecureSkipVerify: insecure},
		},
	}
}

// server asks the server by its public URLs, as clients do.
func (d *doctor) server(ctx context.Context) {
	urls := d.config.PublicURLs
	own := d.listenURL()
	if len(urls) == 0 {
		urls = []string{own}
	}
	for _, u := range urls {
		d.ask(ctx, u, own)
	}
}

// listenURL is the server's address on this machine.
func (d *doctor) listenURL() string {
	host, port, _ := net.SplitHostPort(d.config.Listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if d.config.TLSCert != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port)
}

// ask asks one URL.
func (d *doctor) ask(ctx context.Context, address, own string) {
	info, skew, err := d.about(ctx, address)
	if err != nil {
		d.unreachable(ctx, address, own, err)
		return
	}
	d.running = true
	switch {
	case d.id != "" && info.ID != d.id:
		d.fault("server", "another server answers there: check the name, the proxy and --data", "%s is server %s", address, info.ID)
		return
	case skew.Abs() > maxSkew:
		d.fault("server", "set the clocks of both machines by a time service", "the clock of %s is off by %s; clients are refused from %s on", address, span(skew.Abs().Truncate(time.Second)), span(api.MaxClockSkew*time.Second))
		return
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "https" && speaksOld(ctx, u) {
		d.warn("server", "let it speak TLS 1.3 only", "%s speaks TLS 1.2 too", address)
		return
	}
	if status, err := d.status(ctx, address+"/readyz"); err != nil || status != http.StatusOK {
		d.fault("server", "look into its log", "%s answers but is not ready", address)
		return
	}
	d.ok("server", "%s answers, version %s", address, info.Version)
}

// about reads what a server tells of itself, and how far its clock is off.
func (d *doctor) about(ctx context.Context, address string) (info *api.Server, skew time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+api.PathServer, nil)
	if err != nil {
		return nil, 0, err
	}
	before := d.now()
	resp, err := patient(false).Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	after := d.now()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, 0, err
	}
	info = new(api.Server)
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, info) != nil || info.ID == "" {
		return nil, 0, fmt.Errorf("what answers there is no recrypt server (status %d)", resp.StatusCode)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// Date has whole seconds.
		skew = date.Add(500 * time.Millisecond).Sub(before.Add(after.Sub(before) / 2))
	}
	return info, skew, nil
}

// status asks for the status of a page.
func (d *doctor) status(ctx context.Context, address string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := patient(true).Do(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// unreachable says why a URL is not answered.
func (d *doctor) unreachable(ctx context.Context, address, own string, err error) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	local, _ := d.status(ctx, own+"/livez")
	d.running = d.running || local == http.StatusOK
	switch {
	case errors.As(err, &unknown):
		d.fault("server", "put the whole chain into --tls-cert", "%s shows a certificate that this machine does not trust", address)
	case errors.As(err, &name):
		d.fault("server", "get a certificate for that name", "%s shows a certificate for another name", address)
	case errors.As(err, &invalid):
		d.fault("server", "renew it", "%s shows a certificate that is not valid now", address)
	case errors.As(err, &dns):
		d.fault("server", "mend the name, or --public-url", "the name in %s does not lead anywhere", address)
	case local == http.StatusOK && address != own:
		d.fault("server", "check the proxy, the firewall and the name", "it runs, and is not reached by %s", address)
	case local == 0:
		d.fault("server", "start it: systemctl start recrypt, or recrypt serve; its log says why it ended", "%s does not answer, and nothing runs at %s", address, d.config.Listen)
	default:
		d.fault("server", "check --public-url", "%s: %s", address, gist(err))
	}
}

// speaksOld reports whether TLS 1.2 is spoken.
func speaksOld(ctx context.Context, u *url.URL) bool {
	port := first(u.Port(), "443")
	dialer := &tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 5 * time.Second},
		//nolint:gosec // to find out
		Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, ServerName: u.Hostname()},
	}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// operators asks at the address for operators.
func (d *doctor) operators(ctx context.Context) {
	switch status, err := d.status(ctx, "http://"+d.config.Ops+"/metrics"); {
	case d.config.Ops == "":
		d.skip("metrics", "none: --ops ADDRESS tells them to Prometheus")
	case err != nil && !d.running:
		d.skip("metrics", "the server does not run")
	case err != nil || status != http.StatusOK:
		d.fault("metrics", "check --ops and the log of the server", "nobody answers at %s", d.config.Ops)
	default:
		d.ok("metrics", "at %s", d.config.Ops)
	}
}
