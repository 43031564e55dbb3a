package postgres_test

import (
	"os"
	"testing"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
