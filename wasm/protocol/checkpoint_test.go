package protocol

import (
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// checkpointOf returns a checkpoint of a service's log.
func checkpointOf(service [32]byte, size uint64) string {
	root := id32(0xf8)
	return must(FormatID(abi.KindService, service)) + "\n" + strconv.FormatUint(size, 10) + "\n" +
		base64.StdEncoding.EncodeToString(root[:]) + "\n"
}

func TestSignCheckpoint(t *testing.T) {
	w := shared()
	key := public(edKey("service", "recrypt-service signing key v1"))
	for _, size := range []uint64{0, 1, 10, 256, 1<<63 - 1} {
		plain := checkpointOf(w.serviceID, size)
		for _, text := range []string{plain, "cosignature/v1\ntime 1679315147\n" + plain, "cosignature/v1\ntime 0\n" + plain} {
			if signature := must(SignCheckpoint(seedOf("service"), w.service, text)); !ed25519.Verify(key, []byte(text), signature) {
				t.Errorf("%q", text)
			}
		}
	}
}

// TestCheckpointForm: nothing but a checkpoint is signed.
func TestCheckpointForm(t *testing.T) {
	w := shared()
	good := checkpointOf(w.serviceID, 20)
	lines := strings.SplitAfter(good, "\n")
	origin, size, root := lines[0], lines[1], lines[2]
	texts := map[string]string{
		"empty": "", "only an origin": origin, "no root": origin + size, "no line feed": strings.TrimSuffix(good, "\n"),
		"a line too many": good + "extension\n", "an empty line": good + "\n", "anything after it": good + "x",
		"a signed note": good + "\n\u2014 name c2ln\n",
		"size +":        origin + "+20\n" + root, "size 020": origin + "020\n" + root, "size -1": origin + "-1\n" + root,
		"size 0x14": origin + "0x14\n" + root, "no size": origin + "\n" + root, "size with space": origin + "20 \n" + root,
		"size 2^63": origin + "9223372036854775808\n" + root, "size of 20 digits": origin + "10000000000000000000\n" + root,
		"root cut": origin + size + root[1:], "root unpadded": origin + size + root[:43] + "\n",
		"root with spare bits": origin + size + root[:42] + "B=\n", "root not base64": origin + size + "-" + root[1:],
		"root of 31 bytes": origin + size + root[:42] + "==\n", "root too long": origin + size + "AAAA" + root,
		"lines of Windows": strings.ReplaceAll(good, "\n", "\r\n"),
		"other version":    "cosignature/v2\ntime 1\n" + good, "no time": "cosignature/v1\n" + good,
		"empty time": "cosignature/v1\ntime \n" + good, "time with zero": "cosignature/v1\ntime 01\n" + good,
		"time 2^63":           "cosignature/v1\ntime 9223372036854775808\n" + good,
		"cosigned twice":      "cosignature/v1\ntime 1\ncosignature/v1\ntime 1\n" + good,
		"cosigned not at all": "cosignature/v1\ntime 1\n", "cosigned time only": "cosignature/v1\ntime 1",
		"a record": string(w.revocation), "a signature base": `"@method": GET` + "\n",
	}
	for what, text := range texts {
		signature, err := SignCheckpoint(seedOf("service"), w.service, text)
		if check(t, what, err, abi.ErrMalformed); signature != nil {
			t.Errorf("%s: a signature with the error", what)
		}
	}
	other := must(OpenService(w.otherService)).ID
	for what, c := range map[string]struct {
		seed    string
		service []byte
		text    string
		want    *abi.Error
	}{
		"another service's log":          {"service", w.service, checkpointOf(other, 1), abi.ErrMismatch},
		"another service's log cosigned": {"service", w.service, "cosignature/v1\ntime 1\n" + checkpointOf(other, 1), abi.ErrMismatch},
		"a log with a name":              {"service", w.service, "example.com/log\n" + size + root, abi.ErrMismatch},
		"a record's length before it":    {"service", w.service, "\x1a" + good, abi.ErrMismatch},
		"no origin":                      {"service", w.service, "\n" + size + root, abi.ErrMismatch},
		"another origin behind it":       {"service", w.service, origin[:62] + " \n" + size + root, abi.ErrMismatch},
		"another's seed":                 {"other service", w.service, good, abi.ErrMismatch},
		"a person":                       {"alice", w.alice, good, abi.ErrMalformed},
	} {
		signature, err := SignCheckpoint(seedOf(c.seed), c.service, c.text)
		if check(t, what, err, c.want); signature != nil {
			t.Errorf("%s: a signature with the error", what)
		}
	}
}

// TestCheckpointDomain: no record and no signature base begins as these texts do.
func TestCheckpointDomain(t *testing.T) {
	w := shared()
	_, base, err := signatureBase(request())
	if err != nil {
		t.Fatal(err)
	}
	for what, signed := range map[string][]byte{
		"identity": w.alice, "service": w.service, "collection": w.first, "grant": w.grant, "key": w.key,
		"revocation": w.revocation, "receipt": w.receipt, "request": base,
	} {
		if signed[0] == cosigned[0] || signed[0] == checkpointOf(w.serviceID, 1)[0] {
			t.Errorf("%s begins with %q", what, signed[0])
		}
	}
}

// FuzzCheckpoint: what is taken for a checkpoint is what its parts are written as.
func FuzzCheckpoint(f *testing.F) {
	good := checkpointOf(id32(1), 20852163)
	f.Add(good)
	f.Add("cosignature/v1\ntime 1679315147\n" + good)
	f.Add("cosignature/v1\ntime 1679315147\n")
	f.Add(good + "\n")
	f.Add(strings.Replace(good, "2", "02", 1))
	f.Fuzz(func(t *testing.T, text string) {
		origin, ok := checkpointOrigin(text)
		if !ok {
			return
		}
		lines, again := strings.Split(text, "\n"), ""
		number := func(s string) string { return strconv.FormatInt(must(strconv.ParseInt(s, 10, 64)), 10) }
		if lines[0] == "cosignature/v1" && len(lines) == 6 {
			again = lines[0] + "\ntime " + number(strings.TrimPrefix(lines[1], "time ")) + "\n"
			lines = lines[2:]
		}
		if len(lines) != 4 || lines[0] != origin {
			t.Fatalf("%q has the origin %q", text, origin)
		}
		root := must(base64.StdEncoding.Strict().DecodeString(lines[2]))
		again += origin + "\n" + number(lines[1]) + "\n" + base64.StdEncoding.EncodeToString(root) + "\n"
		if len(root) != 32 || again != text {
			t.Fatalf("%q is %q", text, again)
		}
	})
}
