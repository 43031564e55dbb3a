package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// An installation is a server that doctor examines.
type installation struct {
	t         *testing.T
	dir       string // data folder
	listen    string
	arguments []string
	stop      func()
	start     func()
}

// command runs the command line in this process.
func command(t *testing.T, env map[string]string, args ...string) (stdout string, exit int) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: os.Stdin, stdout: &out, stderr: &errs, getenv: func(name string) string {
		if name == "RECRYPT_ENGINE" {
			return "native"
		}
		return env[name]
	}}
	exit = a.run(context.Background(), args)
	if exit == exitUsage || exit == exitFailed && args[0] != "doctor" {
		t.Logf("%q: %s%s", args, &out, &errs)
	}
	return out.String(), exit
}

// install runs a server with a grant and its mirror, until stop is called.
func install(t *testing.T, change func(*server.ServeConfig)) *installation {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{t: t, dir: filepath.Join(t.TempDir(), "data"), listen: free.Addr().String()}
	free.Close()
	cfg := server.ServeConfig{DataDir: in.dir, Listen: in.listen, Caller: dispatch.Native{}, EngineKind: "native", Version: "test", Mirror: filepath.Join(t.TempDir(), "mirror")}
	in.arguments = []string{"--data", in.dir, "--listen", in.listen, "--mirror", cfg.Mirror}
	if change != nil {
		change(&cfg)
	}
	in.start = func() {
		ctx, cancel := context.WithCancel(context.Background())
		ready, done := make(chan struct{}), make(chan error, 1)
		cfg.Ready = func(string) { close(ready) }
		go func() { done <- server.Serve(ctx, cfg) }()
		select {
		case <-ready:
		case err := <-done:
			t.Fatal(err)
		}
		stopped := false
		in.stop = func() {
			if stopped {
				return
			}
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	in.start()
	t.Cleanup(func() { in.stop() })
	env := map[string]string{"RECRYPT_HOME": t.TempDir(), "RECRYPT_SERVER": "http://" + in.listen}
	for _, name := range []string{"alice", "bob"} {
		if _, exit := command(t, env, "identity", "create", name, "--no-passphrase"); exit != 0 {
			t.Fatal("create")
		}
	}
	text, _ := command(t, env, "identity", "list")
	_, id, _ := strings.Cut(text, "bob")
	if _, exit := command(t, env, "--as", "alice", "grant", strings.Fields(id)[0]); exit != 0 {
		t.Fatal("grant")
	}
	return in
}

// examine runs doctor and returns what it found, by check, the worst of each.
func (in *installation) examine(args ...string) (worst map[string]finding, exit int) {
	in.t.Helper()
	out, exit := command(in.t, nil, slices.Concat([]string{"doctor", "--json"}, in.arguments, args)...)
	var report struct {
		Healthy  bool
		Findings []finding
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		in.t.Fatalf("%v: %s", err, out)
	}
	worst = map[string]finding{}
	for _, f := range report.Findings {
		if old, ok := worst[f.Check]; !ok || severity(f) > severity(old) {
			worst[f.Check] = f
		}
		if (f.Mend != "") != (f.Status == checkFault || f.Status == checkWarning) || f.Found == "" {
			in.t.Errorf("%+v", f)
		}
	}
	if report.Healthy != (exit == 0) {
		in.t.Errorf("healthy %t, exit code %d", report.Healthy, exit)
	}
	return worst, exit
}

// want checks one finding.
func (in *installation) want(what, check, status, found string, args ...string) {
	in.t.Helper()
	all, exit := in.examine(args...)
	f := all[check]
	if f.Status != status || !strings.Contains(f.Found, found) || (status == checkFault) && exit != exitFailed {
		in.t.Errorf("%s: exit code %d, %+v", what, exit, f)
	}
	if strings.Contains(f.Found+f.Mend, "s3cret") {
		in.t.Errorf("%s: a secret in %+v", what, f)
	}
}

// TestDoctorHealthy: nothing is wrong with a good installation, while the server runs, and
// doctor changes nothing.
func TestDoctorHealthy(t *testing.T) {
	in := install(t, func(c *server.ServeConfig) { c.Ops = "127.0.0.1:0" })
	all, exit := in.examine()
	if exit != exitDone {
		t.Errorf("exit code %d", exit)
	}
	for _, check := range []string{"settings", "data folder", "server key", "free space", "open files", "certificate", "server", "database", "log", "mirror"} {
		if all[check].Status != checkOK && check != "free space" {
			t.Errorf("%s: %+v", check, all[check])
		}
	}
	in.stop()
	before := names(t, in.dir)
	in.want("stopped", "server", checkFault, "nothing runs at "+in.listen)
	in.want("stopped", "keyring", checkOK, "keys of 1 grant")
	in.want("stopped", "log", checkOK, "as they were signed")
	if after := names(t, in.dir); !slices.Equal(before, after) {
		t.Errorf("%q became %q", before, after)
	}
	text, _ := command(t, nil, append([]string{"doctor"}, in.arguments...)...)
	if !strings.Contains(text, "✓ keyring ") || !strings.Contains(text, "✗ server ") || !strings.Contains(text, "→ start it") || !strings.HasSuffix(text, "1 thing is to be mended\n") {
		t.Errorf("for people:\n%s", text)
	}
	in.start()
	in.want("again", "server", checkOK, "answers")
}

// names are the files of a folder, without those that SQLite makes beside an open database.
func names(t *testing.T, dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "-shm") && !strings.HasSuffix(e.Name(), "-wal") {
			out = append(out, e.Name())
		}
	}
	return out
}

// copyOf copies a data folder, so that something in it can be broken.
func (in *installation) copyOf(t *testing.T) *installation {
	t.Helper()
	out := *in
	out.t, out.dir = t, filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(out.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, in.dir) {
		content, err := os.ReadFile(filepath.Join(in.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(out.dir, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	out.arguments = slices.Clone(in.arguments)
	out.arguments[1] = out.dir
	return &out
}

func (in *installation) path(name string) string { return filepath.Join(in.dir, name) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDoctorFiles: what can be wrong in a data folder and with the mirror.
func TestDoctorFiles(t *testing.T) {
	whole := install(t, nil)
	old := whole.copyOf(t) // the database as it was, with today's checkpoint later
	env := map[string]string{"RECRYPT_HOME": t.TempDir(), "RECRYPT_SERVER": "http://" + whole.listen}
	if _, exit := command(t, env, "identity", "create", "carol", "--no-passphrase"); exit != 0 {
		t.Fatal("create")
	}
	whole.stop()
	other := install(t, nil)
	other.stop()
	copyFile := func(to, from string) {
		content, err := os.ReadFile(from)
		check(t, err)
		check(t, os.WriteFile(to, content, 0o600))
	}
	for name, c := range map[string]struct {
		harm  func(in *installation)
		check string
		found string
	}{
		"folder for all":  {func(in *installation) { check(t, os.Chmod(in.dir, 0o755)) }, "data folder", "others may look into"},
		"key for all":     {func(in *installation) { check(t, os.Chmod(in.path("server.key"), 0o644)) }, "data folder", "others may read"},
		"keyring for all": {func(in *installation) { check(t, os.Chmod(in.path("keyring.db"), 0o640)) }, "data folder", "others may read"},
		"a file":          {func(in *installation) { in.arguments[1] = in.path("server.key") }, "data folder", "is not a folder"},
		"no key":          {func(in *installation) { check(t, os.Remove(in.path("server.key"))) }, "server key", "is missing but there is a database"},
		"damaged key":     {func(in *installation) { check(t, os.WriteFile(in.path("server.key"), []byte("x"), 0o600)) }, "server key", "open"},
		"no database":     {func(in *installation) { check(t, os.Remove(in.path("recrypt.db"))) }, "database", "is missing, and its keyring is there"},
		"damaged database": {func(in *installation) {
			check(t, os.WriteFile(in.path("recrypt.db"), []byte("not a database, but long enough to be seen as one by some"), 0o600))
		}, "database", "is damaged"},
		"cut database":       {func(in *installation) { check(t, os.Truncate(in.path("recrypt.db"), 40<<10)) }, "database", "is damaged"},
		"another's database": {func(in *installation) { copyFile(in.path("recrypt.db"), other.path("recrypt.db")) }, "database", "belongs to another server"},
		"another's key":      {func(in *installation) { copyFile(in.path("server.key"), other.path("server.key")) }, "database", "belongs to another server"},
		"no keyring":         {func(in *installation) { check(t, os.Remove(in.path("keyring.db"))) }, "keyring", "it is empty"},
		"older database": {func(in *installation) {
			copyFile(in.path("checkpoint"), whole.path("checkpoint"))
			copyFile(in.path("recrypt.db"), old.path("recrypt.db"))
		}, "log", "were signed"},
		"damaged checkpoint": {func(in *installation) { check(t, os.WriteFile(in.path("checkpoint"), []byte("x\n"), 0o600)) }, "log", "is not a checkpoint"},
		"no mirror":          {func(in *installation) { in.arguments[5] = filepath.Join(in.dir, "none") }, "mirror", ""},
		"another's mirror":   {func(in *installation) { in.arguments[5] = other.arguments[5] }, "mirror", "another server"},
		"damaged mirror":     {func(in *installation) { in.arguments[5] = brokenMirror(t, whole.arguments[5]) }, "mirror", ""},
		"settings":           {func(in *installation) { in.arguments = append(in.arguments, "--cache", "-5") }, "settings", "MiB from 0"},
	} {
		t.Run(name, func(t *testing.T) {
			in := whole.copyOf(t)
			in.want("whole", c.check, checkOK, "")
			c.harm(in)
			in.want(name, c.check, checkFault, c.found)
		})
	}
	empty := &installation{t: t, dir: filepath.Join(t.TempDir(), "none"), listen: "127.0.0.1:1"}
	empty.arguments = []string{"--data", empty.dir, "--listen", empty.listen}
	empty.want("nothing yet", "data folder", checkWarning, "is not there yet")
	empty.want("nothing yet", "mirror", checkWarning, "none")
	if _, err := os.Stat(empty.dir); err == nil {
		t.Error("doctor has made a folder")
	}
}

// brokenMirror is a copy of a mirror with one bit changed.
func brokenMirror(t *testing.T, dir string) string {
	out := t.TempDir()
	check(t, os.CopyFS(out, os.DirFS(dir)))
	check(t, filepath.WalkDir(out, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) < 200 {
			return err
		}
		content[len(content)/2] ^= 1
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
		return os.WriteFile(path, content, 0o600)
	}))
	return out
}

// TestDoctorSpace: little space, and few files.
func TestDoctorSpace(t *testing.T) {
	for _, c := range []struct {
		free, size uint64
		status     string
	}{
		{10 << 20, 1 << 40, checkFault}, {500 << 20, 10 << 30, checkWarning}, {2 << 30, 1 << 40, checkWarning}, {200 << 30, 1 << 40, checkOK}, {0, 0, checkFault},
	} {
		var d doctor
		if d.room("data", c.free, c.size); d.findings[0].Status != c.status {
			t.Errorf("%+v", d.findings)
		}
	}
	for limit, status := range map[uint64]string{1024: checkWarning, 4096: checkOK, 1 << 20: checkOK} {
		d := doctor{config: server.ServeConfig{Connections: 1000}}
		if d.files(limit, true); d.findings[0].Status != status {
			t.Errorf("%d: %+v", limit, d.findings)
		}
	}
	var d doctor
	if d.files(0, false); d.findings[0].Status != checkSkipped {
		t.Errorf("%+v", d.findings)
	}
}

// selfSigned writes a certificate of a name and of 127.0.0.1.
func selfSigned(t *testing.T, name string, until time.Time) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	check(t, err)
	pkcs, err := x509.MarshalPKCS8PrivateKey(secret)
	check(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	check(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}), 0o600))
	return cert, key
}
