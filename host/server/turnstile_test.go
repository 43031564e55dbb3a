package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

func TestTurnstile(t *testing.T) {
	gate := &turnstile{slots: make(chan struct{}, 2), patience: 50 * time.Millisecond}
	first, err := gate.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := gate.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	busy := func(err error) bool {
		var p *problem
		return errors.As(err, &p) && p.Code == api.CodeBusy && p.GetHeaders().Get("Retry-After") != ""
	}
	if _, err := gate.enter(t.Context()); !busy(err) {
		t.Errorf("after waiting: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gate.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("hung up: %v", err)
	}
	gate.waiting.Store(queueLength)
	if _, err := gate.enter(t.Context()); !busy(err) {
		t.Errorf("queue full: %v", err)
	}
	gate.waiting.Store(0)
	passed := make(chan error, 1)
	gate.patience = 10 * time.Second
	go func() {
		leave, err := gate.enter(context.Background())
		if err == nil {
			leave()
		}
		passed <- err
	}()
	first()
	if err := <-passed; err != nil {
		t.Errorf("after somebody left: %v", err)
	}
	second()
	if n := gate.waiting.Load(); n != 0 || len(gate.slots) != 0 {
		t.Errorf("%d wait, %d slots taken", n, len(gate.slots))
	}
}
