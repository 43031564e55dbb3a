package client_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// TestLimited: a client that is told to wait does, and goes on, with reads and writes; one
// that would have to wait for long says so at once.
func TestLimited(t *testing.T) {
	var refusals atomic.Int64
	after := "1"
	s := hosttest.NewServer(t, hosttest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refusals.Add(-1) < 0 {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Retry-After", after)
			w.Header().Set("Content-Type", api.ContentTypeFault)
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"type":"urn:recrypt:error:limited","title":"too many requests","status":429,"code":"limited"}`))
		})
	}})
	alice := hosttest.NewPerson(t, "alice")
	c := alice.Client(t, s.URL)
	refusals.Store(2)
	if err := c.Publish(t.Context()); err != nil || refusals.Load() >= 0 {
		t.Errorf("publish: %v, %d refusals left", err, refusals.Load())
	}
	refusals.Store(2)
	if _, err := c.Collections(t.Context()); err != nil || refusals.Load() >= 0 {
		t.Errorf("list: %v, %d refusals left", err, refusals.Load())
	}
	after = "50"
	refusals.Store(100)
	var refused *client.Error
	if _, err := c.Collections(t.Context()); !errors.As(err, &refused) || refused.Code != api.CodeLimited || refused.RetryAfter != 50*time.Second {
		t.Errorf("got %v", err)
	}
}
