package dbfile_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/dbfile"
)

var kinds = map[string]dbfile.Kind{
	"wal":     {Name: "test file", ApplicationID: 0x1234, JournalMode: "WAL"},
	"persist": {Name: "test file", ApplicationID: 0x1234, JournalMode: "PERSIST"},
}

// use opens the file, creates a table if need be, adds a row and counts them.
func use(t testing.TB, path string, kind dbfile.Kind) (rows int, err error) {
	file, err := dbfile.Open(context.Background(), path, kind)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	db, err := file.Connect()
	if err != nil {
		return 0, err
	}
	defer db.Close()
	w := dbfile.NewWriter(db)
	err = w.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("CREATE TABLE IF NOT EXISTS t (v BLOB NOT NULL); INSERT INTO t (v) VALUES (zeroblob(5000))")
		return err
	})
	if err != nil {
		return 0, err
	}
	return rows, db.QueryRow("SELECT count(*) FROM t").Scan(&rows)
}

func TestCreateAndReopen(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			// Characters that mean something in a URI are only characters here.
			path := filepath.Join(t.TempDir(), "a b?c=d#e%20f&g", "x.db")
			for want := 1; want <= 3; want++ {
				got, err := use(t, path, kind)
				if err != nil || got != want {
					t.Fatalf("opening %d: %d rows, %v", want, got, err)
				}
			}
			entries, err := os.ReadDir(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if strings.Contains(entry.Name(), ".new") {
					t.Errorf("%s was left behind", entry.Name())
				}
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for name, kind := range kinds {
		file, err := dbfile.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), kind)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		db, err := file.Connect("query_only(ON)")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for pragma, want := range map[string]string{
			"journal_mode": name, "synchronous": "2", "secure_delete": "1", "foreign_keys": "1",
			"temp_store": "2", "fullfsync": "1", "query_only": "1", "trusted_schema": "0",
			"application_id": fmt.Sprint(0x1234),
		} {
			var got string
			if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s = %q, want %q, %v", name, pragma, got, want, err)
			}
		}
	}
}

// TestLeftovers: the traces of a crash at the first start do no harm.
func TestLeftovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for _, suffix := range []string{".new", ".new-journal", ".new-wal"} {
		if err := os.WriteFile(path+suffix, []byte("half a file"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if rows, err := use(t, path, kinds["wal"]); err != nil || rows != 1 {
		t.Fatalf("%d rows, %v", rows, err)
	}
}

func TestRefused(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	if _, err := use(t, good, kinds["wal"]); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) func(string) error {
		return func(folder string) error { return os.WriteFile(filepath.Join(folder, name), content, 0o600) }
	}
	foreign := bytes.Clone(content)
	foreign[68] ^= 1
	for name, arrange := range map[string]func(folder string) error{
		"empty":                     write("x.db", nil),
		"too short":                 write("x.db", content[:99]),
		"text":                      write("x.db", bytes.Repeat([]byte("text"), 100)),
		"another application":       write("x.db", foreign),
		"cut":                       write("x.db", content[:len(content)-1]),
		"cut by a page":             write("x.db", content[:len(content)-4096]),
		"log without its file":      write("x.db-wal", []byte("log")),
		"journal without its file":  write("x.db-journal", []byte("journal")),
		"a folder":                  func(folder string) error { return os.Mkdir(filepath.Join(folder, "x.db"), 0o700) },
		"a link":                    func(folder string) error { return os.Symlink(good, filepath.Join(folder, "x.db")) },
		"a link that leads nowhere": func(folder string) error { return os.Symlink("nowhere", filepath.Join(folder, "x.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := arrange(folder); err != nil {
				t.Fatal(err)
			}
			_, err := use(t, filepath.Join(folder, "x.db"), kinds["wal"])
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatalf("got error %v, want %v", err, store.ErrDamaged)
			}
			if info, err := os.Lstat(filepath.Join(folder, "x.db")); strings.Contains(name, "without") && !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("a file was made: %v, %v", info, err)
			}
		})
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	first, err := dbfile.Open(t.Context(), path, kinds["wal"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dbfile.Open(t.Context(), path, kinds["wal"]); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("got error %v, want %v", err, store.ErrLocked)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := use(t, path, kinds["wal"]); err != nil {
		t.Fatal(err)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	path := filepath.Join(t.TempDir(), "new", "x.db")
	if _, err := use(t, path, kinds["persist"]); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		filepath.Dir(path): 0o700, path: 0o600, path + ".lock": 0o600, path + "-journal": 0o600,
	} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := use(t, path, kinds["persist"]); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file that all could read stayed so: %v, %v", info.Mode(), err)
	}
}

// TestWriteRetries: fn runs again after a collision, and not after other errors.
func TestWriteRetries(t *testing.T) {
	file, err := dbfile.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), kinds["wal"])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	db, err := file.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "PRAGMA busy_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	w := dbfile.NewWriter(db)
	db.SetMaxOpenConns(2) // for the other one
	runs := 0
	// collide fails as often as told, because the transaction it runs in is open.
	collide := func(times int) func(*sql.Tx) error {
		runs = 0
		return func(*sql.Tx) error {
			if runs++; runs <= times {
				_, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
				return err
			}
			return nil
		}
	}
	if err := w.Write(t.Context(), collide(2)); err != nil || runs != 3 {
		t.Fatalf("two collisions: %d runs, %v", runs, err)
	}
	if err := w.Write(t.Context(), collide(1000)); !errors.Is(err, store.ErrLocked) || runs > 10 {
		t.Fatalf("collisions without end: %d runs, %v", runs, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := w.Write(ctx, collide(1000)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("out of time: %v", err)
	}
	runs = 0
	wrong := errors.New("wrong")
	if err := w.Write(t.Context(), func(*sql.Tx) error { runs++; return wrong }); runs != 1 || !errors.Is(err, wrong) {
		t.Fatalf("another error: %d runs, %v", runs, err)
	}
	w.Note(fmt.Errorf("disk: %w", store.ErrFailed))
	if err := w.Write(t.Context(), collide(0)); !errors.Is(err, store.ErrFailed) || runs != 0 {
		t.Fatalf("after the disk failed: %d runs, %v", runs, err)
	}
}

// TestReadOnly runs as a user whom the file system can refuse something.
func TestReadOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	if os.Getenv(childFolder) == "" && os.Geteuid() == 0 {
		runAsNobody(t)
		return
	}
	root := os.Getenv(childFolder)
	if root == "" {
		root = t.TempDir()
	}
	kind := kinds["wal"]
	chmod := func(name string, mode fs.FileMode) {
		t.Helper()
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(root, "data")
	path := filepath.Join(folder, "x.db")
	if _, err := use(t, path, kind); err != nil {
		t.Fatal(err)
	}
	chmod(root, 0o500)
	defer chmod(root, 0o700)
	if _, err := use(t, filepath.Join(root, "other", "x.db"), kind); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("folder cannot be made: %v", err)
	}
	chmod(folder, 0o500)
	defer chmod(folder, 0o700)
	if _, err := use(t, filepath.Join(folder, "y.db"), kind); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("file cannot be made: %v", err)
	}
	if _, err := use(t, path, kind); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("log cannot be made: %v", err)
	}
	chmod(folder, 0o700)
	chmod(path, 0o400)
	if _, err := use(t, path, kind); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("file cannot be written: %v", err)
	}
}

const childFolder = "RECRYPT_TEST_DBFILE_FOLDER"

// runAsNobody runs the calling test again, in a process without root's rights.
func runAsNobody(t *testing.T) {
	folder, err := os.MkdirTemp("", "recrypt-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childFolder+"="+folder)
	cmd.Dir = "/"
	asNobody(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
}
