package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
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

// scanListing reads the output of "go tool objdump".
func scanListing(name string, listing []byte, instruction *regexp.Regexp) (*scanResult, error) {
	r := &scanResult{Binary: name}
	var function string
	var found []string
	lines := bufio.NewScanner(bytes.NewReader(listing))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 2 && fields[0] == "TEXT":
			r.add(function, found)
			function, found = notLetter.ReplaceAllString(strings.TrimSuffix(fields[1], "(SB)"), "_"), nil
		case len(fields) >= 4 && instruction.MatchString(fields[3]):
			found = append(found, fields[3])
		}
	}
	r.add(function, found)
	return r, lines.Err()
}
