package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDecryptedNames: of a URL only the last part names the output, and only if it is a plain
// name.
func TestDecryptedNames(t *testing.T) {
	const base = "https://files.example/"
	for from, want := range map[string]string{
		base + "a.txt.recrypt":                              "a.txt",
		base + "x/y/a.txt.recrypt?token=1#z":                "a.txt",
		base + "../../.ssh/authorized_keys.recrypt":         "authorized_keys",
		base + "..%2f..%2fauthorized_keys.recrypt":          "authorized_keys",
		base + "%2e%2e%2f%2e%2e%2f.ssh%2fkeys.recrypt":      "keys",
		base + "/etc/passwd.recrypt":                        "passwd",
		base + "Bericht%20Öztürk.pdf.recrypt":               "Bericht Öztürk.pdf",
		base + ".bashrc.recrypt":                            "",
		base + "...recrypt":                                 "",
		base + ".recrypt":                                   "",
		base + "-rf.recrypt":                                "",
		base + "-.recrypt":                                  "",
		base + `C:%5Cx.recrypt`:                             "",
		base + `..%5C..%5Cx.recrypt`:                        "",
		base + "stream:x.recrypt":                           "",
		base + "a%0ab.recrypt":                              "",
		base + "a%00b.recrypt":                              "",
		base + "%1b%5d0;x%07.recrypt":                       "",
		base + "photo%E2%80%AEgpj.exe.recrypt":              "",
		base + "a%ff.recrypt":                               "",
		base + "a.txt":                                      "",
		base:                                                "",
		base + strings.Repeat("a", 2000) + ".recrypt":       "",
		"https://files.example":                             "",
		"https://files.example/%zz.recrypt":                 "",
		"https://files.example/a.recrypt/":                  "a",
		"https://files.example/a.recrypt/..":                "",
		"https://files.example/a.recrypt%2f..%2f.x.recrypt": "",
	} {
		got, err := decryptedName(from, "")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", from, got, err, want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\n\x00") {
			t.Errorf("%s: %q", from, err)
		}
	}
}

// FuzzDecryptedName: no URL makes an output outside of the folder, a hidden file, an option or
// something that a terminal obeys.
func FuzzDecryptedName(f *testing.F) {
	for _, s := range []string{"a.recrypt", "../a.recrypt", "%2e%2e%2fa.recrypt", "-a.recrypt", ".a.recrypt", `a\b.recrypt`, "a:b.recrypt", "a%1b.recrypt", "\u202ea.recrypt"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, rest string) {
		name, err := decryptedName("http://x/"+rest, "")
		if err != nil {
			if name != "" {
				t.Errorf("%q with an error", name)
			}
			return
		}
		if filepath.Dir(filepath.Join(dir, name)) != dir || strings.ContainsAny(name, `/\:`) || name[0] == '.' || name[0] == '-' || name != printable(name) || strings.ContainsRune(name, os.PathSeparator) {
			t.Errorf("%q", name)
		}
	})
}

// TestPrintable: nothing that a file or server says steers a terminal.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[2J\x1b]0;title\x07x": "[2J]0;titlex", "a\nb\tc": "a b c", "a\u202eb\u2066c\u2069": "abc", "a\u200b\ufeffb": "ab", "\x80\xff": "\ufffd\ufffd",
		"\u0085\u2028\u2029": "", "Öztürk 😀": "Öztürk 😀", "\x7f\x00": "",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := printable(strings.Repeat("e\u0301", 10000)); len(got) > 610 {
		t.Errorf("%d bytes", len(got))
	}
}
