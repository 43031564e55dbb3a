package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/host/kit"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// TestCanary plays a whole run and then looks for every secret of it, in every
// usual spelling, in all that the server saw, kept and logged, and in all that
// the command line printed without being asked to.
func TestCanary(t *testing.T) {
	c := newCanary(t)
	c.run("identity", "create", "alice", "--passphrase-file", c.passphrase)
	c.run("identity", "create", "bob", "--no-passphrase")
	document := []byte("CANARY-DOCUMENT-TEXT-5f1d0c: the patient's findings")
	plain := c.file("plain.txt", document)
	alice := []string{"--as", "alice", "--passphrase-file", c.passphrase}
	var encrypted struct{ KeyID string }
	c.json(&encrypted, append(alice, "encrypt", plain, "-o", plain+".recrypt", "--json")...)
	c.run(append(alice, "grant", "bob")...)
	c.run("--as", "bob", "decrypt", plain+".recrypt", "-o", c.path("out.txt"), "--force")
	var bare, again, file struct{ ID, Key string }
	c.json(&bare, append(alice, "key", "create", "--json")...)
	c.json(&again, "--as", "bob", "key", "get", bare.ID, "--json")
	c.json(&file, "--as", "bob", "key", "get", encrypted.KeyID, "--json")
	if bare.Key == "" || bare.Key != again.Key || file.Key == "" {
		t.Fatal("the run did not yield its document keys")
	}
	c.run(append(alice, "revoke", "bob")...)
	c.fails("--as", "bob", "decrypt", plain+".recrypt", "-o", c.path("no.txt"))
	c.fails("--as", "alice", "--passphrase-file", c.file("wrong", []byte("another wrong one")), "key", "create")
	more := c.moreSecrets(alice, plain)
	c.stop()

	secrets := map[string][]byte{
		"passphrase": []byte("a passphrase nobody else has"), "document": document,
		"bare key": unhex(t, bare.Key), "file key": unhex(t, file.Key),
	}
	c.identitySecrets("alice", []byte("a passphrase nobody else has"), secrets)
	c.identitySecrets("bob", nil, secrets)
	maps.Copy(secrets, more)
	if len(secrets) < 20 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	for name, secret := range secrets {
		for place, data := range c.places() {
			if where := find(data, secret); where != "" {
				t.Errorf("%s found in %s as %s", name, place, where)
			}
		}
	}
	c.control()
}

// moreSecrets uses what carries a secret out on purpose: a link with a passcode, the kit,
// an export, and new keys. What the user asked for goes to a file here, so that
// nothing of it may be in any output.
func (c *canary) moreSecrets(alice []string, plain string) map[string][]byte {
	c.t.Helper()
	secrets := map[string][]byte{}
	code, export := []byte("a passcode for the link"), []byte("a passphrase for the export")
	codeFile, exportFile := c.file("passcode", code), c.file("export", export)
	var link struct{ URL, Title string }
	c.json(&link, append(alice, "grant", "--link", "--passcode-file", codeFile, "--json")...)
	_, secret, _ := strings.Cut(link.URL, "#1.")
	_, secret, _ = strings.Cut(secret, ".")
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(secret, ".p"))
	if err != nil || len(raw) != 32 {
		c.t.Fatalf("no secret in the link: %v", err)
	}
	ctx := c.t.Context()
	core := abi.Client{Caller: dispatch.Native{}}
	seed, recovery, err := core.LinkSeed(ctx, raw, code)
	if err != nil {
		c.t.Fatal(err)
	}
	secrets["link"], secrets["link seed"], secrets["link recovery seed"], secrets["passcode"] = raw, seed, recovery, code
	c.run(append(alice, "encrypt", plain, "--collection", link.Title, "-o", c.path("guest.recrypt"))...)
	linkFile := c.file("link", []byte(link.URL+"\n"))
	c.run("decrypt", c.path("guest.recrypt"), "--link", linkFile, "--passcode-file", codeFile, "-o", c.path("guest.txt"))
	c.fails("decrypt", c.path("guest.recrypt"), "--link", linkFile, "--passcode-file", exportFile, "-o", c.path("no.txt"))
	c.fails("decrypt", c.path("guest.recrypt"), "--link", c.file("broken", []byte(link.URL[:len(link.URL)-9])), "-o", c.path("no.txt"))

	c.run(append(alice, "identity", "kit", "-o", c.path("kit.txt"))...)
	c.run(append(alice, "identity", "kit", "--recovery", "-o", c.path("recovery.pdf"))...)
	written, err := os.ReadFile(c.path("kit.txt"))
	if err != nil {
		c.t.Fatal(err)
	}
	k, err := kit.Parse(string(written))
	if err != nil {
		c.t.Fatal(err)
	}
	lines, err := k.Lines()
	if err != nil {
		c.t.Fatal(err)
	}
	secrets["seed on the kit"] = k.Secret[:]
	for i, l := range lines {
		secrets[fmt.Sprintf("line %d of the kit", i+1)] = []byte(l)
		secrets[fmt.Sprintf("line %d of the kit, as in its code", i+1)] = []byte(strings.ReplaceAll(l, " ", ""))
	}
	c.run("identity", "restore", c.path("kit.txt"), "--as", "restored", "--no-passphrase")
	wrong := strings.Replace(string(written), lines[2], strings.ToLower(lines[2][1:]), 1)
	c.fails("identity", "restore", c.file("wrongkit", []byte(wrong)), "--as", "again", "--no-passphrase")

	c.run(append(alice, "identity", "export", c.path("alice.identity"), "--export-passphrase-file", exportFile)...)
	c.run("identity", "import", c.path("alice.identity"), "--as", "second", "--export-passphrase-file", exportFile)
	secrets["passphrase of the export"] = export
	c.run("--as", "bob", "identity", "rotate")
	return secrets
}

// A canary is a server behind a recording proxy, and homes with secrets.
type canary struct {
	t          *testing.T
	dir        string
	passphrase string
	url        string
	server     *exec.Cmd
	mu         sync.Mutex
	traffic    bytes.Buffer
	output     bytes.Buffer
	log        bytes.Buffer
}

func newCanary(t *testing.T) *canary {
	t.Setenv("RECRYPT_ENGINE", "native") // engines print and keep nothing
	c := &canary{t: t, dir: t.TempDir()}
	c.passphrase = c.file("passphrase", []byte("a passphrase nobody else has\n"))
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	c.url = "http://" + proxy.Addr().String()
	c.server = exec.Command("recrypt", "serve", "--listen", "127.0.0.1:0", "--data", c.path("data"), "--public-url", c.url)
	c.server.Stderr = &c.log
	out, err := c.server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.server.Process.Kill(); c.server.Wait() })
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("the server did not start: %v %s", err, c.log.String())
	}
	address := strings.TrimPrefix(strings.TrimSpace(string(line[:n])), "listening on http://")
	go c.forward(proxy, address)
	return c
}

// forward copies every connection to the server and records both directions.
func (c *canary) forward(proxy net.Listener, address string) {
	for {
		in, err := proxy.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", address)
		if err != nil {
			in.Close()
			continue
		}
		pipe := func(dst, src net.Conn) {
			defer dst.Close()
			buffer := make([]byte, 64<<10)
			var all []byte // one direction in one piece, so that no cut hides a secret
			for {
				n, err := src.Read(buffer)
				all = append(all, buffer[:n]...)
				if _, werr := dst.Write(buffer[:n]); err != nil || werr != nil {
					break
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.traffic.Write(all)
		}
		go pipe(out, in)
		go pipe(in, out)
	}
}

func (c *canary) path(name string) string { return filepath.Join(c.dir, name) }

func (c *canary) file(name string, data []byte) string {
	if err := os.WriteFile(c.path(name), data, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return c.path(name)
}

func (c *canary) exec(args ...string) (stdout []byte, err error) {
	cmd := exec.Command("recrypt", append([]string{"--home", c.path("home"), "--server", c.url}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	c.output.Write(errs.Bytes())
	c.output.WriteString(strings.Join(cmd.Args, " "))
	return out.Bytes(), err
}

// run runs a command that must succeed; nothing secret may be in its output.
func (c *canary) run(args ...string) {
	c.t.Helper()
	out, err := c.exec(args...)
	if err != nil {
		c.t.Fatalf("%v: %v: %s", args, err, c.output.String())
	}
	c.output.Write(out)
}

// json runs a command whose output the user asked for.
func (c *canary) json(v any, args ...string) {
	c.t.Helper()
	out, err := c.exec(args...)
	if err == nil {
		err = json.Unmarshal(out, v)
	}
	if err != nil {
		c.t.Fatalf("%v: %v: %s", args, err, c.output.String())
	}
}

func (c *canary) fails(args ...string) {
	c.t.Helper()
	out, err := c.exec(args...)
	c.output.Write(out)
	if err == nil {
		c.t.Fatalf("%v succeeded", args)
	}
}

// stop ends the server so that its log is complete.
func (c *canary) stop() {
	c.server.Process.Signal(os.Interrupt)
	c.server.Wait()
}

// identitySecrets adds everything that an identity must keep to itself.
func (c *canary) identitySecrets(name string, passphrase []byte, secrets map[string][]byte) {
	c.t.Helper()
	ctx := c.t.Context()
	e, err := engine.New(ctx, engine.Config{Kind: "native"})
	if err != nil {
		c.t.Fatal(err)
	}
	defer e.Close(ctx)
	core := abi.Client{Caller: e}
	store, err := keystore.Open(c.path("home"))
	if err != nil {
		c.t.Fatal(err)
	}
	sealed, err := store.SealedSeed(name)
	if err != nil {
		c.t.Fatal(err)
	}
	_, seed, err := core.OpenSeed(ctx, passphrase, sealed)
	if err != nil {
		c.t.Fatal(err)
	}
	recovery, err := os.ReadFile(store.RecoveryPath(name))
	if err != nil {
		c.t.Fatal(err)
	}
	_, recoverySeed, err := core.OpenSeed(ctx, passphrase, recovery)
	if err != nil {
		c.t.Fatal(err)
	}
	secrets[name+" seed"], secrets[name+" recovery seed"] = seed, recoverySeed
	derive := func(info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, seed, nil, info, n)
		if err != nil {
			c.t.Fatal(err)
		}
		return out
	}
	uniform := derive("recrypt-service encryption key v1\x01", 64)
	private, err := recrypt.DerivePrivateKey(recrypt.Suite256, uniform)
	if err != nil {
		c.t.Fatal(err)
	}
	secrets[name+" private key"] = private.Bytes()
	secrets[name+" signing key"] = derive("recrypt-service signing key v1", 32)
	secrets[name+" recrypt signing key"] = derive("recrypt-service recrypt signing key v1", 32)
	id, err := store.Identity(name)
	if err != nil {
		c.t.Fatal(err)
	}
	view, err := core.OpenIdentity(ctx, id.Record)
	if err != nil {
		c.t.Fatal(err)
	}
	if !bytes.Equal(view.Keys[0].PublicKey, private.PublicKey().Bytes()) {
		c.t.Fatal("this test derives other keys than the identity has")
	}
}

// places returns everything that must be free of secrets.
func (c *canary) places() map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	places := map[string][]byte{"traffic": c.traffic.Bytes(), "log": c.log.Bytes(), "output": c.output.Bytes()}
	entries, err := os.ReadDir(c.path("data"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(c.path("data"), e.Name()))
		if err != nil {
			c.t.Fatal(err)
		}
		places[e.Name()], err = io.ReadAll(f)
		if f.Close(); err != nil {
			c.t.Fatal(err)
		}
	}
	return places
}

// control checks that the search sees what is there: a public key in the
// traffic (as base64url) and in the database (raw).
func (c *canary) control() {
	c.t.Helper()
	store, err := keystore.Open(c.path("home"))
	if err != nil {
		c.t.Fatal(err)
	}
	id, err := store.Identity("bob")
	if err != nil {
		c.t.Fatal(err)
	}
	public := id.Record[len(id.Record)-40:]
	places := c.places()
	if find(places["traffic"], public) == "" {
		c.t.Error("the search does not find a public value in the traffic")
	}
	if find(places["recrypt.db"], public)+find(places["recrypt.db-wal"], public) == "" {
		c.t.Error("the search does not find a public value in the database")
	}
}

// find looks for a secret raw, in hex, and in both base64 alphabets at each of
// the three alignments, and names the form found.
func find(data, secret []byte) string {
	forms := map[string][]byte{
		"raw": secret, "hex": []byte(hex.EncodeToString(secret)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(secret))),
	}
	for shift := range 3 {
		padded := append(make([]byte, shift), secret...)
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(padded)
			// Characters that mix in neighbouring bytes are left out at both ends.
			forms[name+string(rune('0'+shift))] = []byte(text[(shift*8+5)/6 : len(padded)*8/6])
		}
	}
	for name, form := range forms {
		if bytes.Contains(data, form) {
			return name
		}
	}
	return ""
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFindSeesEveryForm(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789ABCDEF")
	for shift := range 3 {
		data := append(bytes.Repeat([]byte{0xff}, shift), secret...)
		data = append(data, 0xff, 0xff)
		for name, text := range map[string]string{
			"raw": string(data), "hex": hex.EncodeToString(data), "std": base64.StdEncoding.EncodeToString(data), "url": base64.RawURLEncoding.EncodeToString(data),
		} {
			if find([]byte("x"+text+"y"), secret) == "" {
				t.Errorf("%s at alignment %d is not seen", name, shift)
			}
		}
	}
	if where := find([]byte("nothing here"), secret); where != "" {
		t.Errorf("seen as %s where it is not", where)
	}
}
