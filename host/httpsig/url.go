package httpsig

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is the bound that a document's header sets on its server hint.
const maxURL = 256

// NormaliseURL returns the one form of a server's URL: scheme and host in lower
// case, no default port, no trailing slash. Only http:// and https:// URLs with
// a host and nothing behind it are accepted: requests are signed for host and
// path, so a server does not live below a path.
func NormaliseURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return "", errors.New("a server is given as http://HOST or https://HOST, with :PORT if it has one")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#") {
		return "", errors.New("a server's URL has no user, path, query or fragment")
	}
	for _, r := range u.Host {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"\%`, r) {
			return "", errors.New("a server's host is written in ASCII; use the xn-- form of an international name")
		}
	}
	scheme, host, port := u.Scheme, strings.ToLower(u.Hostname()), u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); strings.HasSuffix(u.Host, ":") || port != "" && (err != nil || n == 0 || port[0] == '0') {
		return "", errors.New("a server's port is a number from 1 to 65535")
	}
	if (scheme == "http" && port == "80") || (scheme == "https" && port == "443") {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	out := scheme + "://" + host
	if len(out) > maxURL {
		return "", fmt.Errorf("a server's URL has at most %d characters", maxURL)
	}
	return out, nil
}

// Authority returns the authority (RFC 9421 section 2.2.3) of a server's URL:
// host in lower case, port unless it is the scheme's default.
func Authority(serverURL string) (string, error) {
	normal, err := NormaliseURL(serverURL)
	if err != nil {
		return "", err
	}
	_, authority, _ := strings.Cut(normal, "://")
	return authority, nil
}
