package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/recrypt-service/recrypt/host/api"
)

// operation is the state of a server as its operator sees it.
type operation struct {
	draining    atomic.Bool // a stop is under way
	listener    atomic.Pointer[boundedListener]
	certificate atomic.Pointer[certificate]
	dir         atomic.Pointer[string] // data folder
}

// collect tells what is known.
func (o *operation) collect(tell func(string, float64, ...string)) {
	if l := o.listener.Load(); l != nil {
		tell("recrypt_connections", float64(len(l.places)))
		tell("recrypt_connections_limit", float64(cap(l.places)))
	}
	expiry := 0.0
	if c := o.certificate.Load(); c != nil {
		expiry = float64(c.current.Load().Leaf.NotAfter.Unix())
	}
	tell("recrypt_tls_expiry_timestamp_seconds", expiry)
	if dir := o.dir.Load(); dir != nil {
		if free, size, err := DiskSpace(*dir); err == nil {
			tell("recrypt_data_free_bytes", float64(free))
			tell("recrypt_data_size_bytes", float64(size))
		}
	}
	tell("recrypt_ready", truth(!o.draining.Load()))
}

// Ops answers an operator's tools: /metrics in the format of Prometheus, /livez and
// /readyz. It belongs on an address of its own that clients do not reach: it
// has no authentication. There is nothing for debugging in it, because a dump of the memory
// would hold transform keys.
func (s *Server) Ops() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	}))
	tell := func(w http.ResponseWriter, status int, text string) {
		w.Header().Set("Content-Type", api.ContentTypeJSON)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"status": text})
	}
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.ready(r.Context()); err != nil {
			tell(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		tell(w, http.StatusOK, "ok")
	})
	return mux
}

// ErrOps says that the address for operators can be reached by anybody.
var ErrOps = errors.New("metrics at an address that anybody can reach")

// listenOps listens on the address for operators, which has to be one of this machine or of
// a private network, and to say which.
func listenOps(ctx context.Context, address string) (net.Listener, error) {
	addrs, err := resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if !a.IsLoopback() && !a.IsPrivate() {
			return nil, fmt.Errorf("%w: --ops takes 127.0.0.1:9090 or another address of a private network", ErrOps)
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%w: --ops takes an address with its host, like 127.0.0.1:9090", ErrOps)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for operators on %s: %w", address, err)
	}
	return l, nil
}

// serveOps answers operators on l until stop is called.
func (s *Server) serveOps(l net.Listener) (stop func()) {
	server := &http.Server{
		Handler: s.Ops(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(newBoundedListener(l, maxOps, 0, nil))
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}

// maxOps is how many connections operators' tools may have.
const maxOps = 32
