//go:build !linux

package sqlite_test

import (
	"errors"

	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

func breakDisk(*sqlite.Store) error { return errors.New("not here") }
