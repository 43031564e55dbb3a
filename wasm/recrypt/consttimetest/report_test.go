package main

import (
	"strings"
	"testing"
)

const prefix = "github.com_recrypt_service_recrypt_wasm_"

func TestScanResult(t *testing.T) {
	for name, c := range map[string]struct {
		function string
		counted  bool
		found    bool
	}{
		"ours":       {prefix + "recrypt_internal_bn256.recode", true, true},
		"signing":    {"crypto_internal_fips140_edwards25519.__Scalar_.Add", true, true},
		"a length":   {prefix + "recrypt.NewEncryptedValue", true, false},
		"runtime":    {"runtime.mallocgc", false, false},
		"other code": {"crypto_internal_fips140_sha3.bytepadWrite", false, false},
	} {
		r := &scanResult{}
		r.add(c.function, []string{"i64.div_u"})
		if (r.Functions == 1) != c.counted || (len(r.Found) == 1) != c.found {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := &scanResult{}
	r.add(prefix+"recrypt.clone", nil)
	if r.ok() {
		t.Error("a scan of one function passes")
	}
}

func TestScanListing(t *testing.T) {
	const listing = `TEXT github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256.(*Scalar).Add(SB) /src/scalar.go
  scalar.go:10	0x1000	48f7f9	IDIVQ CX
  scalar.go:11	0x1003	48f7e1	MULQ CX

TEXT github.com/recrypt-service/recrypt/wasm/recrypt.clone(SB) /src/value.go
  value.go:10	0x1000	f20f5ec1	DIVSD X1, X0
TEXT crypto/sha256.Sum256(SB) /src/sha256.go
  sha256.go:10	0x1000	f7f1	DIVL CX
`
	r, err := scanListing("amd64", []byte(listing), divisionInstructions["amd64"])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{prefix + "recrypt_internal_bn256.__Scalar_.Add (IDIVQ)", "crypto_sha256.Sum256 (DIVL)"}
	if r.Functions != 3 || strings.Join(r.Found, "; ") != strings.Join(want, "; ") {
		t.Errorf("%+v", r)
	}
}

func TestReport(t *testing.T) {
	good := traceResult{Operation: "op", Suite: "-", Secrets: 3, Events: 10}
	bad := good
	bad.Different = 1
	bad.First = &divergence{Event: 5,
		A: []event{{"f", "load address", "10", 1, 2}, {prefix + "g", "if condition", "1", 3, 4}},
		B: []event{{"f", "load address", "10", 1, 2}, {prefix + "g", "if condition", "0", 3, 4}}}
	for name, c := range map[string]struct {
		report report
		ok     bool
		says   string
	}{
		"nothing done": {report{}, false, "FAILED"},
		"good":         {report{Traces: []traceResult{good}}, true, "10      ok"},
		"no events":    {report{Traces: []traceResult{{Operation: "op"}}}, false, "FAILED"},
		"different":    {report{Traces: []traceResult{good, bad}}, false, "> 3  if condition 1 in g  |  if condition 0 in g"},
		"slow":         {report{Times: []timeResult{{Target: "x", T: 5.5, Test: testAll}}}, false, "+5.50"},
		"blind":        {report{Traces: []traceResult{good}, Leaks: []leakResult{{Fault: "x"}}}, false, "NOT SEEN"},
		"division":     {report{Scans: []scanResult{{Binary: "wasm", Functions: 999, Found: []string{"h"}}}}, false, "division in h"},
	} {
		var out strings.Builder
		c.report.OK = c.report.ok()
		if err := c.report.print(&out); err != nil {
			t.Fatal(err)
		}
		if c.report.OK != c.ok || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: ok is %v, and it prints\n%s", name, c.report.OK, &out)
		}
	}
	if got := bad.difference(); got != "if condition in g" {
		t.Error(got)
	}
}

func TestReadTimes(t *testing.T) {
	for in, want := range map[string]struct {
		n  int
		ok bool
	}{
		"":                                  {0, true},
		"{\"target\": \"x\"}\n{\"t\": 1}\n": {2, true},
		"{\"target\": \"x\"}\n{\"t\": ":     {1, false},
		"panic: no":                         {0, false},
	} {
		done := 0
		n, err := readTimes(strings.NewReader(in), func(timeResult) { done++ })
		if n != want.n || done != n || (err == nil) != want.ok {
			t.Errorf("%q: %d results, %v", in, n, err)
		}
	}
}
