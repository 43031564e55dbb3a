package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

const (
	childURL  = "RECRYPT_TEST_STORE_URL"
	childSeed = "RECRYPT_TEST_STORE_SEED"
)

// TestMain also is the child of TestCrash.
func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		s, err := postgres.Open(context.Background(), url)
		if err == nil {
			err = storetest.Work(context.Background(), s, os.Getenv(childSeed), os.Stdout)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	if os.Getenv("RECRYPT_LONG_TESTS") == "" {
		flag.Set("rapid.checks", "25") // each step asks a server; the command line may say otherwise
	}
	os.Exit(pgtest.Main(m))
}

func childCommand(url, seed string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+url, childSeed+"="+seed)
	return cmd
}

// rounds is how often something is killed: more with RECRYPT_LONG_TESTS=1.
func rounds(few, many int) int {
	if os.Getenv("RECRYPT_LONG_TESTS") != "" {
		return many
	}
	return few
}
