package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dist"
)

// A curveConstant is a field element, a table of digits or an encoded point in the
// source of the core, and its bytes in the memory of an instance.
type curveConstant struct {
	name  string // file and line
	bytes []byte
	flip  int // the byte to change
}

var (
	limbsRE  = regexp.MustCompile(`\[\w+\]uint64\{(0x[0-9a-fx, ]+)\}`)
	digitsRE = regexp.MustCompile(`\[\.\.\.\]int8\{([-01, ]+)\}`)
	hexRE    = regexp.MustCompile(`= "([0-9a-f]{40,})"`)
	wordsRE  = regexp.MustCompile(`\{(0x[0-9a-f]+(?:, 0x[0-9a-f]+)+)\}`) // of lattice.go
)

// curveConstants reads the constants of a curve from its source: those of the files
// that the WebAssembly build has.
func curveConstants(t *testing.T, curve string) (all []curveConstant) {
	t.Helper()
	for _, name := range []string{"constants.go", "lattice.go", "ff/constants_limbs29.go", "ff/fp_limbs29.go", "ff/fr_limbs29.go", "ff/fp.go", "ff/fr.go"} {
		for n, line := range strings.Split(readSource(t, curve, name), "\n") {
			add := func(b []byte, flip int) {
				if len(bytes.Trim(b, "\x00")) != 0 {
					all = append(all, curveConstant{fmt.Sprintf("%s/%s:%d", curve, name, n+1), b, flip})
				}
			}
			for _, m := range limbsRE.FindAllStringSubmatch(line, -1) {
				add(littleEndian(t, m[1], 8), 0)
			}
			for _, m := range wordsRE.FindAllStringSubmatch(line, -1) {
				if name == "lattice.go" {
					add(littleEndian(t, m[1], 8), 0)
				}
			}
			for _, m := range digitsRE.FindAllStringSubmatch(line, -1) {
				b := littleEndian(t, m[1], 1)
				add(b, bytes.IndexByte(b, 0)) // a digit of 0 becomes 1
			}
			for _, m := range hexRE.FindAllStringSubmatch(line, -1) {
				add([]byte(m[1]), len(m[1])/2)
			}
		}
	}
	return all
}

// readSource reads a source file of a curve, seen from this folder.
func readSource(t *testing.T, curve, name string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "wasm", "recrypt", "internal", curve, filepath.FromSlash(name)))
	if err != nil {
		t.Skipf("the sources are not here: %v", err)
	}
	return string(source)
}

// littleEndian returns a list of numbers in a width of bytes each.
func littleEndian(t *testing.T, list string, width int) (out []byte) {
	t.Helper()
	for s := range strings.SplitSeq(list, ", ") {
		signed, err := strconv.ParseInt(s, 0, 64)
		v := uint64(signed)
		if err != nil {
			if v, err = strconv.ParseUint(s, 0, 64); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, binary.LittleEndian.AppendUint64(nil, v)[:width]...)
	}
	return out
}

// positions returns where b is in memory.
func positions(memory, b []byte) (at []int) {
	for from := 0; ; {
		k := bytes.Index(memory[from:], b)
		if k < 0 {
			return at
		}
		at = append(at, from+k)
		from += k + 1
	}
}

// TestEveryConstant changes one bit of each constant of each curve in the memory of
// an instance that has just started: the suite must refuse to work, and say why.
func TestEveryConstant(t *testing.T) {
	m := newEngine(t, Config{Instances: 1, DeferSelfTest: true}).backend.(*machine)
	for suite, curve := range map[uint8]string{abi.Suite256: "bn256", abi.Suite480: "bn480"} {
		tried := 0
		for n, c := range curveConstants(t, curve) {
			if testing.Short() && n%8 != 0 {
				continue
			}
			found, noticed := damageInMemory(t, m, suite, c)
			tried += min(found, 1)
			// The tables γ begin with the number one, like the field's, and that entry is never used. A 256-bit
			// constant may be part of a 480-bit one.
			if found > 0 && noticed == 0 || noticed < found && found < 3 && !strings.Contains(c.name, "constants.go") {
				t.Errorf("%s: of %d copies %d were noticed", c.name, found, noticed)
			}
		}
		if !testing.Short() && tried < 40 {
			t.Errorf("%s: only %d constants found", curve, tried)
		}
	}
}

// damageInMemory damages each copy of a constant, one at a time, and returns how many
// there are and how many the suite noticed.
func damageInMemory(t *testing.T, m *machine, suite uint8, c curveConstant) (found, noticed int) {
	t.Helper()
	for n := 0; ; n++ {
		i, err := m.boot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := positions(i.region.b[:i.region.used], c.bytes)
		if n == len(at) {
			i.close()
			return n, noticed
		}
		i.region.b[at[n]+c.flip] ^= 1
		err = firstUse(t, i, suite)
		i.close()
		if err == nil {
			continue
		}
		if !errors.Is(err, abi.ErrInternal) || !strings.Contains(err.Error(), "self-test of "+abi.SuiteName(suite)+" failed") {
			t.Errorf("%s: %v", c.name, err)
		}
		noticed++
	}
}

// firstUse is the first use of a suite in an instance.
func firstUse(t *testing.T, i *instance, suite uint8) error {
	t.Helper()
	response, err := i.call(t.Context(), abi.OpGenerateKeyPair, abi.Pack(abi.U8(suite)))
	if err != nil {
		return err
	}
	_, err = abi.Result(response)
	return err
}

// TestOtherSuiteWorks sees that damage of one suite is not damage of the other, and
// stays: the suite never works in that instance.
func TestOtherSuiteWorks(t *testing.T) {
	m := newEngine(t, Config{Instances: 1, DeferSelfTest: true}).backend.(*machine)
	i, err := m.boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer i.close()
	p := positions(i.region.b[:i.region.used], curveConstants(t, "bn480")[0].bytes)
	if len(p) != 1 {
		t.Fatalf("%d copies", len(p))
	}
	i.region.b[p[0]] ^= 1
	for range 2 {
		if err := firstUse(t, i, abi.Suite256); err != nil {
			t.Error(err)
		}
		if err := firstUse(t, i, abi.Suite480); !errors.Is(err, abi.ErrInternal) {
			t.Errorf("the damaged suite works: %v", err)
		}
	}
}

// damaged returns a copy of the module with one bit changed in the first place where
// it has the bytes of b.
func damaged(t *testing.T, module, b []byte, flip int) []byte {
	t.Helper()
	at := bytes.Index(module, b)
	if at < 0 {
		t.Fatalf("the module does not contain % x", b[:min(len(b), 16)])
	}
	module = bytes.Clone(module)
	module[at+flip] ^= 1
	return module
}

// TestDamagedCore changes one bit of the module's file in several places, in its
// constants and in its code. No engine starts with such a file, and the error says
// what is wrong.
func TestDamagedCore(t *testing.T) {
	module, err := dist.Module()
	if err != nil {
		t.Skip(err)
	}
	constants := map[string]curveConstant{}
	for _, curve := range []string{"bn256", "bn480"} {
		for _, c := range curveConstants(t, curve) {
			file, _, _ := strings.Cut(c.name, ":")
			constants[file] = c // the last one of the file
		}
	}
	generator := regexp.MustCompile(`generatorHex = "([0-9a-f]+)"`).FindStringSubmatch(readSource(t, "bn256", "constants.go"))[1]
	k := regexp.MustCompile(`fpK +=  *(0x[0-9a-f]+)`).FindStringSubmatch(readSource(t, "bn480", "ff/fp_limbs29.go"))[1]
	montgomery, err := strconv.ParseInt(k, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	psi := constants["bn480/ff/constants_limbs29.go"]
	for name, c := range map[string]struct {
		module []byte
		want   string
	}{
		"generator of G2, 256":    {damaged(t, module, []byte(generator), 100), "recrypt256"},
		"coefficient of ψ², 480":  {damaged(t, module, psi.bytes, psi.flip), "recrypt480"},
		"−1/p in the code, 480":   {damaged(t, module, []byte("\x42"+sleb(montgomery)), 1), "recrypt480"},
		"round constant, SHA-512": {damaged(t, module, littleEndian(t, "0x428a2f98d728ae22, 0x7137449123ef65cd", 8), 0), "Ed25519"},
		"a known answer, 256":     {damaged(t, module, []byte(readAnswer(t)), 0), "recrypt256"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(t.Context(), Config{Module: c.module, Instances: 1})
			if err == nil {
				e.Close(t.Context())
				t.Fatal("the engine started")
			}
			if !strings.Contains(err.Error(), "self-test of "+c.want) || !errors.Is(err, abi.ErrInternal) {
				t.Errorf("%v", err)
			}
		})
	}
}

// readAnswer returns the first known answer of the self-tests.
func readAnswer(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "wasm", "recrypt", "selftest.go"))
	if err != nil {
		t.Skip(err)
	}
	answer := regexp.MustCompile(`Suite256: "((?:\\x[0-9a-f]{2}){32})"`).FindSubmatch(source)
	if answer == nil {
		t.Fatal("no known answer in the source")
	}
	text, err := strconv.Unquote(`"` + string(answer[1]) + `"`)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
