package server

import (
	"context"
	"fmt"
	"net/http"
)

// openStatement reads the statement with which the log was begun anew, if it was: see package
// backup. It does not change while a server runs.
func (s *Server) openStatement(ctx context.Context) (err error) {
	if s.statement, err = s.store.Statement(ctx); err != nil {
		return fmt.Errorf("read the statement about the log: %w", err)
	}
	return nil
}

// restartFile answers that statement. It is public, as the log is.
func (s *Server) restartFile(w http.ResponseWriter, _ *http.Request) error {
	if s.statement == nil {
		return absent()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(s.statement)
	return nil
}
