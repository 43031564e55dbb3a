package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

const witnessName = "witness.example/w"

// newWitness starts a witness that follows l.
func newWitness(t testing.TB, file string, logs ...*testLog) (*WitnessServer, *httptest.Server) {
	cfg := WitnessConfig{Name: witnessName, Key: keyFrom(20).Seed(), File: file, Clock: func() time.Time { return time.Unix(1_900_000_000, 0) }}
	for _, l := range logs {
		cfg.Logs = append(cfg.Logs, Log{l.origin, l.key()})
	}
	w, err := NewWitness(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return w, s
}

// ask posts to a witness.
func ask(t testing.TB, url string, body []byte) (status int, contentType, text string) {
	t.Helper()
	r, err := http.Post(url+PathAddCheckpoint, "text/plain", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode, r.Header.Get("Content-Type"), string(must(io.ReadAll(r.Body)))
}

func (l *testLog) request(older, newer int64) []byte {
	var proof []tlog.Hash
	if older > 0 && older <= newer {
		proof = must(tlog.ProveTree(newer, older, l))
	}
	return formatAddCheckpoint(older, proof, l.checkpoint(newer))
}

func TestWitness(t *testing.T) {
	l := newTestLog(1)
	l.grow(300, 1)
	w, s := newWitness(t, filepath.Join(t.TempDir(), "witness.json"), l)
	for _, step := range [][2]int64{{0, 0}, {0, 5}, {5, 5}, {5, 256}, {256, 300}, {300, 300}} {
		status, _, line := ask(t, s.URL, l.request(step[0], step[1]))
		if status != http.StatusOK {
			t.Fatalf("%d to %d: %d %s", step[0], step[1], status, line)
		}
		signed, err := AddCosignature(l.checkpoint(step[1]), []byte(line), w.Witness(), verifyEd25519)
		if err != nil {
			t.Fatal(err)
		}
		c, err := OpenCheckpoint(signed, l.origin, l.key(), verifyEd25519, []Witness{w.Witness()})
		if err != nil || len(c.Witnesses) != 1 || c.Witnesses[0] != witnessName {
			t.Fatalf("%+v, %v", c, err)
		}
	}
}

func TestWitnessRefusals(t *testing.T) {
	l, other, fork := newTestLog(1), newTestLog(2), newTestLog(1)
	l.grow(300, 1)
	other.grow(9, 1)
	other.origin = "rsv1unknown"
	fork.grow(5, 1)
	fork.grow(300, 9)
	file := filepath.Join(t.TempDir(), "witness.json")
	_, s := newWitness(t, file, l)
	if status, _, text := ask(t, s.URL, l.request(0, 20)); status != http.StatusOK {
		t.Fatal(status, text)
	}
	before := must(os.ReadFile(file))
	unsigned := other.checkpoint(9)
	unsigned = bytes.ReplaceAll(unsigned, []byte(other.origin), []byte(l.origin))
	for name, c := range map[string]struct {
		body   []byte
		status int
	}{
		"nothing":               {nil, 400},
		"no old":                {append([]byte("\n\n"), l.checkpoint(30)...), 400},
		"old and more":          {bytes.Replace(l.request(20, 30), []byte("old 20"), []byte("old 20 "), 1), 400},
		"leading zero":          {bytes.Replace(l.request(20, 30), []byte("old 20"), []byte("old 020"), 1), 400},
		"hash too short":        {bytes.Replace(l.request(20, 30), []byte("old 20\n"), []byte("old 20\nAAAA\n"), 1), 400},
		"64 hashes":             {bytes.Replace(l.request(20, 30), []byte("old 20\n"), []byte("old 20\n"+strings.Repeat(l.root(1).String()+"\n", 64)), 1), 400},
		"carriage return":       {bytes.Replace(l.request(20, 30), []byte("old 20\n"), []byte("old 20\r\n"), 1), 400},
		"old above new":         {l.request(31, 30), 400},
		"not a checkpoint":      {[]byte("old 20\n\nrsv1test\nmore\n\n— rsv1test AAAAAAAA\n"), 403},
		"other log":             {other.request(0, 9), 404},
		"signed by other":       {formatAddCheckpoint(20, nil, unsigned), 403},
		"old state":             {l.request(10, 30), 409},
		"from the start again":  {l.request(0, 30), 409},
		"shorter":               {l.request(0, 10), 409},
		"same size, other root": {fork.request(20, 20), 409},
		"fork":                  {fork.request(20, 30), 422},
		"no proof":              {formatAddCheckpoint(20, nil, l.checkpoint(30)), 422},
		"proof of another size": {formatAddCheckpoint(20, must(tlog.ProveTree(31, 20, l)), l.checkpoint(30)), 422},
		"superfluous proof":     {formatAddCheckpoint(20, []tlog.Hash{l.root(3)}, l.checkpoint(20)), 422},
		"too large":             {make([]byte, maxAddCheckpoint+1), 413},
	} {
		status, contentType, text := ask(t, s.URL, c.body)
		if status != c.status {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if (status == 409) != (contentType == "text/x.tlog.size" && text == "20\n") {
			t.Errorf("%s: %d with %s %q", name, status, contentType, text)
		}
	}
	if !bytes.Equal(must(os.ReadFile(file)), before) {
		t.Error("a refusal has changed the state")
	}
	for path, want := range map[string]int{"/": 404, "/add-checkpoint/": 404, PathAddCheckpoint: 405} {
		r := must(http.Get(s.URL + path))
		if r.Body.Close(); r.StatusCode != want {
			t.Errorf("GET %s: %d", path, r.StatusCode)
		}
	}
}

// A witness remembers over restarts, and two logs are two.
func TestWitnessState(t *testing.T) {
	l, second := newTestLog(1), newTestLog(2)
	second.origin = "rsv1second"
	l.grow(50, 1)
	second.grow(7, 2)
	file := filepath.Join(t.TempDir(), "witness.json")
	_, s := newWitness(t, file, l)
	ask(t, s.URL, l.request(0, 20))
	_, s = newWitness(t, file, l, second)
	if status, _, text := ask(t, s.URL, l.request(0, 30)); status != 409 || text != "20\n" {
		t.Errorf("after a restart: %d %s", status, text)
	}
	if status, _, text := ask(t, s.URL, second.request(0, 7)); status != 200 {
		t.Errorf("second log: %d %s", status, text)
	}
	// It goes on without the first log, and does not forget it.
	_, s = newWitness(t, file, second)
	ask(t, s.URL, second.request(7, 7))
	_, s = newWitness(t, file, l)
	if status, _, text := ask(t, s.URL, l.request(20, 30)); status != 200 {
		t.Errorf("first log again: %d %s", status, text)
	}
	if info := must(os.Stat(file)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	// Without its state it has a fault, and cosigns nothing.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if status, _, text := ask(t, s.URL, l.request(30, 40)); status != 500 || strings.Contains(text, file) {
		t.Errorf("without its file: %d %s", status, text)
	}
	for name, content := range map[string]string{
		"empty": "", "null": "null", "cut": `{"a":`, "more": `{}{}`, "unknown field": `{"a":{"size":1,"root":"` + l.root(1).String() + `","more":1}}`,
		"negative": `{"a":{"size":-1,"root":"` + l.root(1).String() + `"}}`, "name": `{"a b":{"size":1,"root":"` + l.root(1).String() + `"}}`,
		"root": `{"a":{"size":1,"root":"AAAA"}}`,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewWitness(WitnessConfig{Name: witnessName, Key: make([]byte, 32), File: file}); err == nil {
			t.Errorf("a file with %s is accepted", name)
		}
		if got := string(must(os.ReadFile(file))); got != content {
			t.Errorf("a file with %s was replaced", name)
		}
	}
}

func TestNewWitnessRefuses(t *testing.T) {
	good := WitnessConfig{Name: witnessName, Key: make([]byte, 32), File: filepath.Join(t.TempDir(), "w")}
	for name, change := range map[string]func(*WitnessConfig){
		"name": func(c *WitnessConfig) { c.Name = "two words" }, "key": func(c *WitnessConfig) { c.Key = nil },
		"log": func(c *WitnessConfig) { c.Logs = []Log{{Origin: "a+b"}} }, "twice": func(c *WitnessConfig) { c.Logs = []Log{{Origin: "a"}, {Origin: "a"}} },
		"folder": func(c *WitnessConfig) { c.File = filepath.Join(c.File, "none", "w") },
	} {
		cfg := good
		if change(&cfg); must2(NewWitness(cfg)) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func must2[T any](_ T, err error) error { return err }

// Of two histories that race, a witness cosigns states of one only.
func TestWitnessRace(t *testing.T) {
	one, two := newTestLog(1), newTestLog(1)
	one.grow(5, 1)
	two.grow(5, 1)
	one.grow(100, 2)
	two.grow(100, 3)
	w, s := newWitness(t, filepath.Join(t.TempDir(), "witness.json"), one)
	var mu sync.Mutex
	signed := map[*testLog]int{}
	var running sync.WaitGroup
	for _, l := range []*testLog{one, two, one, two} {
		running.Go(func() {
			var last int64
			for newer := int64(6); newer < 105; newer += 9 {
				for range 3 {
					var proof []tlog.Hash
					if last > 0 {
						proof = must(tlog.ProveTree(newer, last, l))
					}
					lines, size, err := Cosign(context.Background(), s.Client(), s.URL, l.checkpoint(newer), last, proof)
					if err == nil {
						if _, err := AddCosignature(l.checkpoint(newer), lines, w.Witness(), verifyEd25519); err != nil {
							t.Error(err)
						}
						mu.Lock()
						signed[l]++
						mu.Unlock()
						last = newer
						break
					}
					if !errors.Is(err, ErrWitnessSize) || size < 0 || size > newer {
						break
					}
					last = size
				}
			}
		})
	}
	running.Wait()
	if (signed[one] == 0) == (signed[two] == 0) {
		t.Errorf("%d states of one history cosigned, %d of the other", signed[one], signed[two])
	}
}

func TestCosignErrors(t *testing.T) {
	l := newTestLog(1)
	l.grow(9, 1)
	answer := func(status int, contentType, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, c := range map[string]struct {
		url  string
		want error
		size int64
	}{
		"size":           {answer(409, "text/x.tlog.size", "7\n"), ErrWitnessSize, 7},
		"other type":     {answer(409, "text/plain", "7\n"), ErrWitnessSize, -1},
		"no newline":     {answer(409, "text/x.tlog.size", "7"), ErrWitnessSize, -1},
		"not a number":   {answer(409, "text/x.tlog.size", "-7\n"), ErrWitnessSize, -1},
		"refused":        {answer(403, "text/plain", "no\n"), ErrWitnessRefused, 0},
		"long":           {answer(200, "text/plain", strings.Repeat("x", maxCosignatures+1)), ErrWitnessRefused, 0},
		"somewhere else": {answer(302, "text/plain", ""), ErrWitnessRefused, 0},
	} {
		_, size, err := Cosign(context.Background(), http.DefaultClient, c.url, l.checkpoint(9), 0, nil)
		if !errors.Is(err, c.want) || size != c.size {
			t.Errorf("%s: size %d, %v", name, size, err)
		}
	}
	if _, _, err := Cosign(context.Background(), http.DefaultClient, "://", l.checkpoint(9), 0, nil); err == nil {
		t.Error("no url is no error")
	}
	w := Witness{witnessName, publicOf(keyFrom(20))}
	line := string(cosignatureLine(l.checkpoint(9), keyFrom(20), w))
	for name, lines := range map[string]string{
		"nothing": "", "text": "hello\n", "cut": line[:len(line)-1], "other witness": string(cosignatureLine(l.checkpoint(9), keyFrom(21), Witness{"x", publicOf(keyFrom(21))})),
		"other state": string(cosignatureLine(l.checkpoint(8), keyFrom(20), w)), "forged": string(cosignatureLine(l.checkpoint(9), keyFrom(21), w)),
		"a body": "rsv1test\n9\n\n" + line,
	} {
		if got, err := AddCosignature(l.checkpoint(9), []byte(lines), w, verifyEd25519); !errors.Is(err, ErrSignature) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What else a witness sends is left out.
	more := fmt.Sprint(string(cosignatureLine(l.checkpoint(9), keyFrom(21), Witness{"x", publicOf(keyFrom(21))})), line)
	if got, err := AddCosignature(l.checkpoint(9), []byte(more), w, verifyEd25519); err != nil || string(got) != string(l.checkpoint(9))+line {
		t.Errorf("%s, %v", got, err)
	}
}

func FuzzAddCheckpoint(f *testing.F) {
	l := newTestLog(1)
	l.grow(30, 1)
	f.Add(l.request(0, 20))
	f.Add(l.request(20, 30))
	f.Add(l.request(20, 20))
	f.Add([]byte("old 1\n\n\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		old, proof, signed, err := parseAddCheckpoint(body)
		if err != nil {
			if old != 0 || proof != nil || signed != nil {
				t.Fatal("something beside an error")
			}
			return
		}
		hashes := make([]tlog.Hash, len(proof))
		for i, h := range proof {
			hashes[i] = tlog.Hash(h)
		}
		if !bytes.Equal(formatAddCheckpoint(old, hashes, signed), body) {
			t.Fatal("an accepted request has another form")
		}
	})
}

func FuzzWitnessState(f *testing.F) {
	l := newTestLog(1)
	l.grow(3, 1)
	f.Add([]byte(`{"rsv1test":{"size":3,"root":"` + l.root(3).String() + `"}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if (s == nil) != (err != nil) {
			t.Fatal("both or neither of state and error")
		}
		for origin, state := range s {
			if !protocol.ValidKeyName(origin) || state.Size < 0 || state.Size > MaxTree {
				t.Fatalf("accepted %q %+v", origin, state)
			}
		}
	})
}
