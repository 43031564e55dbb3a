package server

import (
	"context"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/postgres"
)

// openDatabase opens the store in a PostgreSQL database.
func openDatabase(ctx context.Context, url string) (store.Store, error) {
	return postgres.Open(ctx, url)
}
