package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// scheme is how the URLs of a server begin.
func (cfg *ServeConfig) scheme() string {
	if cfg.TLSCert != "" {
		return "https://"
	}
	return "http://"
}

// runOn accepts connections until ctx ends, then stops: /readyz is false from then on, after
// StopDelay nothing more is accepted, and what is running may finish, or is cut off after a
// while, or at once when Hurry is closed. When it returns, nothing runs any more.
func (s *Server) runOn(ctx context.Context, listener net.Listener, cfg *ServeConfig, ready func()) error {
	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	s.ops.dir.Store(&cfg.DataDir)
	bounded := newBoundedListener(listener, cfg.Connections, cfg.Each, &s.proxies)
	bounded.only = cfg.BehindProxy && len(cfg.TrustedProxies) > 0
	s.ops.listener.Store(bounded)
	web := s.web()
	serve := func() error { return web.Serve(bounded) }
	if cfg.TLSCert != "" {
		c, err := newCertificate(cfg.TLSCert, cfg.TLSKey, s.log, s.metrics.reloadErrors.Inc)
		if err != nil {
			return err
		}
		s.ops.certificate.Store(c)
		running.Go(func() { c.watch(background, cfg.Reload) })
		web.TLSConfig = c.config()
		serve = func() error { return web.ServeTLS(bounded, "", "") }
	} else {
		running.Go(func() { ignore(background, cfg.Reload) })
	}
	if cfg.Ops != "" {
		l, err := listenOps(ctx, cfg.Ops)
		if err != nil {
			return err
		}
		s.log.Info("metrics", "listen", l.Addr().String())
		defer s.serveOps(l)()
	}
	running.Go(func() { s.Run(background) })
	failed := make(chan error, 1)
	running.Go(func() { failed <- serve() })
	ready()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return s.shutDown(context.WithoutCancel(ctx), web, cfg)
}

// web makes the server of the protocol.
func (s *Server) web() *http.Server {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, HTTP2: &http2Bounds,
		ErrorLog: slog.NewLogLogger(newSparse(s.log.Handler()), slog.LevelWarn),
	}
	server.RegisterOnShutdown(s.CloseStreams)
	return server
}

// shutDown ends a server, as gently as its operator has patience.
func (s *Server) shutDown(ctx context.Context, web *http.Server, cfg *ServeConfig) error {
	s.ops.draining.Store(true)
	s.log.Info("stopping", "delay", cfg.StopDelay.String())
	delay := time.NewTimer(cfg.StopDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-cfg.Hurry:
	}
	patience, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	go func() {
		select {
		case <-cfg.Hurry:
			cancel()
		case <-patience.Done():
		}
	}()
	if err := web.Shutdown(patience); err != nil {
		s.log.Warn("requests were cut off", "error", err)
		return web.Close()
	}
	return nil
}

// ignore takes what asks for reading the certificate anew where there is none.
func ignore(ctx context.Context, again <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
		}
	}
}
