package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

const (
	childPath = "RECRYPT_TEST_STORE_PATH"
	childSeed = "RECRYPT_TEST_STORE_SEED"
	// childFault lets writes to files fail in the child.
	childFault = "RECRYPT_TEST_STORE_FAULT"
)

// TestMain also is the child of TestCrash and TestOtherProcess.
func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		s, err := sqlite.Open(context.Background(), path)
		if err == nil && os.Getenv(childFault) != "" {
			err = breakDisk(s)
		} else if err == nil {
			err = storetest.Work(context.Background(), s, os.Getenv(childSeed), os.Stdout)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func childCommand(path, seed string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+path, childSeed+"="+seed)
	return cmd
}

// TestCrash kills a process under write load, again and again on one database,
// and looks for every write that it had acknowledged and for its leaves in the log, whose
// tree must be that of its leaves. RECRYPT_LONG_TESTS=1 does
// it a thousand times.
func TestCrash(t *testing.T) {
	rounds := 24
	if os.Getenv("RECRYPT_LONG_TESTS") != "" {
		rounds = 1000
	}
	path := filepath.Join(t.TempDir(), "recrypt.db")
	said := make(map[string][]byte)
	writes := 0
	for round := range rounds {
		seed := fmt.Sprint("seed ", round)
		said[seed] = crash(t, path, seed)
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		writes += storetest.Acknowledged(t, s, seed, bytes.NewReader(said[seed]))
		if round == rounds-1 { // and the earlier ones have stayed
			for seed := range said {
				storetest.Acknowledged(t, s, seed, bytes.NewReader(said[seed]))
			}
		}
		if err := storetest.CheckLog(t.Context(), s); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d acknowledged writes checked", rounds, writes)
	if writes < rounds*storetest.Lanes {
		t.Fatalf("only %d writes were acknowledged", writes)
	}
}

// crash runs a child, kills it at a random moment of its work and returns what it
// had said by then.
func crash(t *testing.T, path, seed string) []byte {
	t.Helper()
	cmd := childCommand(path, seed)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var said bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := out.Read(chunk)
		if said.Len() == 0 && n > 0 { // it works: set the fuse
			time.AfterFunc(rand.N(150*time.Millisecond), func() { cmd.Process.Kill() })
		}
		said.Write(chunk[:n])
		if err != nil {
			return said.Bytes()
		}
	}
}
