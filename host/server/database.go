package server

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
)

func openDatabase(context.Context, string) (store.Store, error) {
	return nil, errors.New("not yet")
}
