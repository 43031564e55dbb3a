package server

import (
	"net"
	"net/netip"
	"sync"
)

// maxConnections is how many connections are open at once. Further ones wait in
// the system's queue until one is closed; idle ones are, after a while.
const maxConnections = 1000

// boundedListener accepts a bounded number of connections, and of each address no more than
// a part of them, so that nobody takes all places by being idle. Proxies may have all;
// if only they may come, others are hung up on.
type boundedListener struct {
	net.Listener
	places  chan struct{}
	closed  chan struct{}
	once    sync.Once
	each    int // connections of one address; 0: no bound
	proxies *proxies
	only    bool // proxies

	mu   sync.Mutex
	open map[netip.Addr]int
}

func newBoundedListener(l net.Listener, n, each int, p *proxies) *boundedListener {
	if n == 0 {
		n = maxConnections
	}
	return &boundedListener{
		Listener: l, places: make(chan struct{}, n), closed: make(chan struct{}),
		each: each, proxies: p, open: map[netip.Addr]int{},
	}
}

// Accept waits for a place, then for a connection.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.places
			return nil, err
		}
		if leave, ok := l.admit(conn); ok {
			return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { leave(); <-l.places })}, nil
		}
		conn.Close()
	}
}

// admit counts a connection for its address.
func (l *boundedListener) admit(conn net.Conn) (leave func(), ok bool) {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || l.proxies == nil {
		return func() {}, true
	}
	addr := from.Addr().Unmap()
	if l.proxies.trusts(addr) {
		return func() {}, true
	}
	if l.only {
		return nil, false
	}
	if l.each == 0 {
		return func() {}, true
	}
	addr = network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[addr] >= l.each {
		return nil, false
	}
	l.open[addr]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[addr]--; l.open[addr] == 0 {
			delete(l.open, addr)
		}
	}, true
}

// Close ends Accept, also where it waits for a place.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

// CloseWrite lets net/http end an answer before the request has been read.
func (c *boundedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
