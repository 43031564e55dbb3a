package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// secretPackages are the packages that secrets pass through: ours and, of the
// standard library, signing and hashing. Names are as in WebAssembly, where
// everything but letters, digits, "_" and "." is "_".
var secretPackages = regexp.MustCompile(`^(github\.com_recrypt_service_recrypt_wasm_|` +
	`crypto_internal_fips140_(ed25519|edwards25519|sha256|sha512|subtle|alias)[._]|crypto_(ed25519|sha256|sha512|subtle)\.)`)

// publicDivisions are known, by the end of the function's name, and what is divided.
var publicDivisions = map[string]string{
	"_wasm_recrypt.NewEncryptedValue": "the length of an encrypted value",
	"_wasm_protocol.suiteOfValue":     "the length of an encrypted value",
	"_wasm_dispatch.__args_.list":     "the length of a list of ids",
	"__EncryptedValue_.Level":         "the length of an encrypted value",
	"_internal_parallel.Ranges.func1": "the number of parts",
}

// leastFunctions is how many functions a scan has to have seen, at least, to count.
const leastFunctions = 200

// A scanResult says which functions on secret paths have integer divisions.
type scanResult struct {
	Binary    string   `json:"binary"`
	Functions int      `json:"functions"` // on secret paths
	Found     []string `json:"found"`     // with divisions
	Public    []string `json:"public"`    // with divisions of public numbers
}

func (r *scanResult) ok() bool { return len(r.Found) == 0 && r.Functions >= leastFunctions }

// add takes a function in whose divisions are given.
func (r *scanResult) add(function string, instructions []string) {
	if !secretPackages.MatchString(function) {
		return
	}
	r.Functions++
	if len(instructions) == 0 {
		return
	}
	line := fmt.Sprintf("%s (%s)", function, strings.Join(instructions, ", "))
	for end, what := range publicDivisions {
		if strings.HasSuffix(function, end) {
			r.Public = append(r.Public, line+": "+what)
			return
		}
	}
	r.Found = append(r.Found, line)
}

// scanModule looks through a WebAssembly module.
func scanModule(name string, p *profile) *scanResult {
	r := &scanResult{Binary: name}
	found := map[string][]string{}
	for _, d := range p.Divisions {
		found[d.Function] = d.Instructions
	}
	for _, function := range p.Functions {
		r.add(function, found[function])
	}
	return r
}

// divisionInstructions of the architectures that are scanned.
var divisionInstructions = map[string]*regexp.Regexp{
	"amd64": regexp.MustCompile(`^I?DIV[BWLQ]$`),
	"arm64": regexp.MustCompile(`^([SU]DIV|U?REM)W?$`),
}

// notLetter is what WebAssembly names have "_" for.
var notLetter = regexp.MustCompile(`[^\w.]`)

// scanNative looks through a native binary of this program.
func scanNative(name, binary, arch string) (*scanResult, error) {
	instruction := divisionInstructions[arch]
	if instruction == nil {
		return nil, fmt.Errorf("the divisions of %s are not known", arch)
	}
	out, err := exec.Command("go", "tool", "objdump", "-s", `recrypt/wasm/|^crypto/`, binary).Output()
	if err != nil {
		return nil, fmt.Errorf("disassembling: %w", err)
	}
	return scanListing(name, out, instruction)
}

// scanListing reads the output of "go tool objdump". Its disassembler does not know MULX and
// its kind, and takes the bytes behind them for other instructions. So of our own
// assembly, which is written out in full, it is the source that is read.
func scanListing(name string, listing []byte, instruction *regexp.Regexp) (*scanResult, error) {
	r := &scanResult{Binary: name}
	var function string
	var found []string
	var assembly bool
	lines := bufio.NewScanner(bytes.NewReader(listing))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 2 && fields[0] == "TEXT":
			r.add(function, found)
			name := strings.TrimSuffix(strings.TrimSuffix(fields[1], "(SB)"), ".abi0")
			function, found, assembly = notLetter.ReplaceAllString(name, "_"), nil, false
			if len(fields) > 2 && strings.HasPrefix(fields[2], ours) && strings.HasSuffix(fields[2], ".s") {
				assembly = true
				var err error
				if found, err = scanSource(filepath.Join(root, strings.TrimPrefix(fields[2], ours)), name[strings.LastIndexByte(name, '.')+1:], instruction); err != nil {
					return nil, err
				}
			}
		case !assembly && len(fields) >= 4 && instruction.MatchString(fields[3]):
			found = append(found, fields[3])
		}
	}
	r.add(function, found)
	return r, lines.Err()
}

// ours is the beginning of the names of our files, as -trimpath leaves them.
const ours = "github.com/recrypt-service/recrypt/"

// scanSource returns the divisions of a function in a file of assembly.
func scanSource(path, function string, instruction *regexp.Regexp) (found []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the assembly: %w", err)
	}
	_, body, ok := strings.Cut(string(text), "\nTEXT ·"+function+"(SB)")
	if !ok { // private to the file
		_, body, ok = strings.Cut(string(text), "\nTEXT ·"+function+"<>(SB)")
	}
	if !ok {
		return nil, fmt.Errorf("%s has no %s", path, function)
	}
	body, _, _ = strings.Cut(body, "\nTEXT ")
	instructions := 0
	for line := range strings.Lines(body) {
		if fields := strings.Fields(line); len(fields) > 0 {
			instructions++
			if instruction.MatchString(fields[0]) {
				found = append(found, fields[0])
			}
		}
	}
	if instructions < 2 {
		return nil, fmt.Errorf("%s has nothing of %s", path, function)
	}
	return found, nil
}
