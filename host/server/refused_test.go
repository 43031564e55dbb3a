package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// weakKeys are Ed25519 points that sign for anybody, and encodings that no key has.
var weakKeys = map[string]string{
	"identity":               "01" + strings.Repeat("00", 31),
	"order 2":                "ec" + strings.Repeat("ff", 30) + "7f",
	"order 4":                strings.Repeat("00", 32),
	"order 4, other sign":    strings.Repeat("00", 31) + "80",
	"order 8":                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"order 8, other sign":    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"order 8, second":        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"order 8, second, sign":  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"identity, sign":         "01" + strings.Repeat("00", 30) + "80",
	"order 2, sign":          "ec" + strings.Repeat("ff", 31),
	"identity, not reduced":  "ee" + strings.Repeat("ff", 30) + "7f",
	"order 4, not reduced":   "ed" + strings.Repeat("ff", 30) + "7f",
	"largest y, not reduced": strings.Repeat("ff", 31) + "7f",
	"not on the curve":       "02" + strings.Repeat("00", 31),
}

// TestWeakKeys: nobody publishes a key under which everybody could sign.
func TestWeakKeys(t *testing.T) {
	w := newWorld(t)
	for name, text := range weakKeys {
		p := w.newPerson()
		at := bytes.Index(p.record, p.identity.SigningKey[:])
		copy(p.record[at:], must(hex.DecodeString(text)))
		w.want(name, w.publish(p), api.CodeMalformed)
		w.want(name, w.do(request("GET", "/v1/identities/"+p.id, nil)), api.CodeNotFound)
	}
}

// TestSignatureForms: the signature of a request has one encoding.
func TestSignatureForms(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	const signature = api.CodeSignature
	for name, c := range map[string]struct {
		change func(s []byte) []byte
		code   string
	}{
		"S + L":            {addOrder, signature},
		"R not on a point": {func(s []byte) []byte { return append(must(hex.DecodeString(weakKeys["not on the curve"])), s[32:]...) }, signature},
		"R not reduced": {func(s []byte) []byte {
			return append(must(hex.DecodeString(weakKeys["order 4, not reduced"])), s[32:]...)
		}, signature},
		"R of small order":  {func(s []byte) []byte { return append(must(hex.DecodeString(weakKeys["identity"])), s[32:]...) }, signature},
		"R and S zero":      {func(s []byte) []byte { return make([]byte, 64) }, signature},
		"63 bytes":          {func(s []byte) []byte { return s[:63] }, api.CodeUnsigned},
		"65 bytes":          {func(s []byte) []byte { return append(s, 0) }, api.CodeUnsigned},
		"twice":             {func(s []byte) []byte { return append(s, s...) }, api.CodeUnsigned},
		"none":              {func(s []byte) []byte { return nil }, api.CodeUnsigned},
		"high bits of S":    {func(s []byte) []byte { s[63] |= 0xe0; return s }, signature},
		"as it is":          {func(s []byte) []byte { return s }, ""},
		"of another signer": {func(s []byte) []byte { return slices.Repeat([]byte{7}, 64) }, signature},
	} {
		r := w.sign(alice, request("GET", api.PathGrants, nil), nil)
		text := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Signature"), "sig1=:"), ":")
		raw := must(base64.StdEncoding.DecodeString(text))
		raw = c.change(raw)
		r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(raw)+":")
		w.want(name, w.do(r), c.code)
	}
}

// addOrder makes the second encoding of a signature that a careless verifier would take.
func addOrder(s []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	scalar := slices.Clone(s[32:])
	slices.Reverse(scalar)
	order.Add(order, new(big.Int).SetBytes(scalar)).FillBytes(scalar)
	slices.Reverse(scalar)
	return append(s[:32:32], scalar...)
}

// TestClockExtremes: no time, however odd, is silently taken, and the answer tells the
// server's time.
func TestClockExtremes(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	for name, c := range map[string]struct{ created, expires, code string }{
		"1970":           {"0", "120", api.CodeClockSkew},
		"1970, a second": {"1", "2", api.CodeClockSkew},
		"2038":           {"2147483648", "2147483768", api.CodeClockSkew},
		"2106":           {"4294967296", "4294967416", api.CodeClockSkew},
		"15 digits":      {"999999999999878", "999999999999998", api.CodeClockSkew},
		"16 digits":      {"9999999999999878", "9999999999999998", api.CodeUnsigned},
		"above int64":    {"9223372036854775808", "9223372036854775928", api.CodeUnsigned},
		"above uint64":   {"18446744073709551616", "18446744073709551736", api.CodeUnsigned},
		"negative":       {"-1", "119", api.CodeUnsigned},
		"minus zero":     {"-0", "120", api.CodeUnsigned},
		"exponent":       {"1e9", "2e9", api.CodeUnsigned},
		"milliseconds":   {fmt.Sprint(w.now().UnixMilli()), fmt.Sprint(w.now().UnixMilli() + 120), api.CodeClockSkew},
		"ends first":     {fmt.Sprint(w.now().Unix()), fmt.Sprint(w.now().Unix() - 1), api.CodeClockSkew},
	} {
		r := w.sign(alice, request("GET", api.PathGrants, nil), nil)
		head, rest, _ := strings.Cut(r.Header.Get("Signature-Input"), ";created=")
		_, rest, _ = strings.Cut(rest, ";nonce=")
		r.Header.Set("Signature-Input", head+";created="+c.created+";expires="+c.expires+";nonce="+rest)
		got := w.do(r)
		w.want(name, got, c.code)
		if date, err := http.ParseTime(got.header.Get("Date")); got.status != 401 || err != nil || date.Unix() != w.now().Unix() {
			t.Errorf("%s: %d, Date is %q", name, got.status, got.header.Get("Date"))
		}
	}
}

// counted writes down which operations its server asks of the core.
type counted struct {
	dispatch.Native
	mu  sync.Mutex
	ops []abi.Op
}

func (c *counted) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	c.mu.Lock()
	c.ops = append(c.ops, op)
	c.mu.Unlock()
	return c.Native.Call(ctx, op, request)
}

// TestUnknownSigners: an identity that is not here, a wrong signature and a version that is
// over get the same answer after the same work.
func TestUnknownSigners(t *testing.T) {
	c := &counted{}
	w := newWorldOn(t, c)
	alice, mallory := w.join(), w.join()
	forged, over := *mallory, *alice
	forged.id = alice.id
	newer := w.changed(alice)
	w.want("publish", w.publish(newer), "")
	early := *newer
	early.identity = &abi.Identity{Version: 3}
	type outcome struct {
		who string
		reply
		ops []abi.Op
	}
	var all []outcome
	for who, p := range map[string]*person{"not here": w.newPerson(), "wrong key": &forged, "old version": &over, "version to come": &early} {
		r := w.sign(p, request("GET", api.PathGrants, nil), nil)
		c.ops = nil
		got := w.do(r)
		w.want(who, got, api.CodeSignature)
		all = append(all, outcome{who, got, c.ops})
	}
	for _, o := range all[1:] {
		same(t, all[0].reply, o.reply)
		if !slices.Equal(o.ops, all[0].ops) || len(o.ops) == 0 {
			t.Errorf("%s: %v, %s: %v", all[0].who, all[0].ops, o.who, o.ops)
		}
	}
}

// TestNonceFlood: one signer's nonces are bounded. He is told to wait, nobody else is, and
// a replay is still told as one.
func TestNonceFlood(t *testing.T) {
	w := newWorld(t)
	w.needFiles()
	alice, bob := w.join(), w.join()
	first := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	w.want("first", w.do(first), "")
	w.stop()
	db := must(sql.Open("sqlite", "file:"+filepath.Join(w.dir, "recrypt.db")))
	if _, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO nonces SELECT ?, 'nonce ' || i, ? FROM n`, store.MaxNonces, alice.identity.ID[:], w.now().Add(time.Hour).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	db.Close()
	w.start()
	flood := w.call(alice, "GET", api.PathGrants, nil)
	w.want("flood", flood, api.CodeBusy)
	if flood.status != http.StatusServiceUnavailable || flood.header.Get("Retry-After") != "60" {
		t.Errorf("%d, Retry-After %q", flood.status, flood.header.Get("Retry-After"))
	}
	w.want("replay", w.do(again(first, nil)), api.CodeReplay)
	w.want("somebody else", w.call(bob, "GET", api.PathGrants, nil), "")
	w.advance(2 * time.Hour)
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("later", w.call(alice, "GET", api.PathGrants, nil), "")
}

// TestOddIDs: an id has one spelling, wherever it stands.
func TestOddIDs(t *testing.T) {
	w := watch(t)
	alice := w.join()
	w.grant(alice)
	home := api.FormatID(w.home(alice))
	odd := map[string]string{
		"short": home[1:], "long": home + "a", "upper case": strings.ToUpper(home), "mixed case": strings.ToUpper(home[:20]) + home[20:], "hex": "0x" + home[2:],
		"digits that are none": "0189" + home[4:], "leading zeros": "000000" + home[:20], "spare bits": home[:25] + "b", "padded": home + "======",
		"dots": "..", "path": "../" + home[3:], "encoded slash": home[:20] + "%2f" + home[23:], "encoded dots": "%2e%2e%2f", "zero byte": home + "%00",
		"space": home[:25] + "%20", "emoji": "😀", "look-alike": "а" + home[1:], "10 KB": strings.Repeat("a", 10<<10), "person": alice.id, "text": "null",
	}
	for name, id := range odd {
		plain := !strings.ContainsFunc(id, func(r rune) bool { return r > 'z' || r < '0' && r != '=' }) && len(id) < 1000
		for path, body := range map[string][]byte{
			api.PathCollection: nil, api.PathReaders: nil, api.PathTransform: nil, api.PathAuthors: fmt.Appendf(nil, `{"author":%q}`, alice.id),
		} {
			method := "GET"
			if path == api.PathTransform || body != nil {
				method = "POST"
			}
			r := request(method, strings.Replace(path, "{id}", id, 1), body)
			if plain && !strings.Contains(id, "=") {
				w.want(path+", "+name, w.do(w.sign(alice, r, body)), api.CodeMalformed)
			} else if got := w.do(r); got.status != 400 && got.status != 401 { // nobody can sign that
				t.Errorf("%s, %s: %d %q", path, name, got.status, got.problem.Code)
			}
		}
		w.refuse("many keys, "+name, alice, api.PathTransforms, api.GetKeys{Keys: []string{id}}, api.CodeMalformed)
	}
	for name, id := range map[string]string{
		"collection": home, "upper case": strings.ToUpper(alice.id), "of a server": w.server.ID(), "cut": alice.id[:61], "long": alice.id + "q",
		"other prefix": "rid2" + alice.id[4:], "empty": "", "look-alike": "гid1" + alice.id[4:], "space": alice.id + " ",
	} {
		w.refuse("request, "+name, alice, api.PathRequests, api.Request{Owner: id}, api.CodeMalformed)
		w.refuse("veto, "+name, alice, api.PathVetoes, api.Veto{Reader: id}, api.CodeMalformed)
	}
}

// TestThousandTries: readers who ask all the time while they are revoked, one after the
// other, get nothing once the revocation is answered.
func TestThousandTries(t *testing.T) {
	n, each := 125, 8
	if testing.Short() {
		n = 12
	}
	w := newWorld(t)
	alice := w.join()
	readers := w.crowd(n)
	in := w.crowdGrants(alice, false, readers)
	w.want("grant", w.call(alice, "POST", api.PathGrants, in), "")
	alice.collection = in.Collection
	k := w.deposit(alice, alice)
	var opened, refused, late atomic.Int64
	for _, reader := range readers {
		revocation := api.RevokeAccess{Revocation: w.revocation(alice, reader)}
		var answered atomic.Bool
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				for range each / 2 {
					over := answered.Load()
					switch r := w.get(reader, k.id); r.problem.Code {
					case "":
						opened.Add(1)
						if over {
							late.Add(1)
						}
					case api.CodeNotFound:
						refused.Add(1)
					default:
						t.Errorf("code %q", r.problem.Code)
					}
				}
			})
		}
		wait.Go(func() {
			r := w.call(alice, "POST", api.PathRevocations, revocation)
			answered.Store(true)
			w.want("revoke", r, "")
		})
		wait.Wait()
		if code := w.get(reader, k.id).problem.Code; code != api.CodeNotFound {
			late.Add(1)
		}
	}
	t.Logf("%d opened in time, %d refused", opened.Load(), refused.Load())
	if late.Load() != 0 || opened.Load()+refused.Load() != int64(n*each) {
		t.Errorf("%d openings after the revocation", late.Load())
	}
}
