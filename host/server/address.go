package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// ProxyHeader is the header in which a proxy shows that it is the one in front of us, if
// there is a secret between the two, see Config.ProxySecret.
const ProxyHeader = "Recrypt-Proxy"

// proxies are the proxies in front of a server.
type proxies struct {
	trusted []netip.Prefix
	secret  *[32]byte // hash of the secret; nil: there is none
}

func newProxies(trusted []netip.Prefix, secret []byte) proxies {
	p := proxies{trusted: trusted}
	if len(secret) > 0 {
		hash := sha256.Sum256(secret)
		p.secret = &hash
	}
	return p
}

// ParseProxies reads prefixes and addresses of proxies.
func ParseProxies(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if addr, failed := netip.ParseAddr(text); failed == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("a proxy is an address or a prefix like 10.0.0.0/8")
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("write the address of a proxy of IPv4 as one")
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

// trusts reports whether an address is that of a proxy.
func (p *proxies) trusts(a netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// shows reports whether a request came through the proxy, if one has to show that.
func (p *proxies) shows(r *http.Request) bool {
	if p.secret == nil {
		return true
	}
	values := r.Header.Values(ProxyHeader)
	if len(values) != 1 {
		return false
	}
	hash := sha256.Sum256([]byte(values[0]))
	return subtle.ConstantTimeCompare(hash[:], p.secret[:]) == 1
}

// maxHops is how many addresses of X-Forwarded-For are looked at, from the last.
const maxHops = 16

// client is the address a request is counted for: that of the connection, or, if a proxy made
// that, the last one in X-Forwarded-For which is not a proxy's. What clients write
// there themselves stands before it and is not believed. IPv6 counts by networks of 64 bits,
// of which everybody has one.
func (p *proxies) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := peer.Addr().Unmap()
	if p.trusts(from) {
		from = p.forwarded(r.Header.Values("X-Forwarded-For"), from)
	}
	return network(from)
}

// network is what of an address counts.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.PrefixFrom(a.WithZone(""), 64).Masked().Addr()
	}
	return a
}

// forwarded reads X-Forwarded-For from its end.
func (p *proxies) forwarded(values []string, from netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(values, ","), ",")
	for i := len(hops) - 1; i >= max(len(hops)-maxHops, 0); i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return from
		}
		if from = addr.Unmap(); !p.trusts(from) {
			return from
		}
	}
	return from
}
