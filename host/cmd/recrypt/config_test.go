package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// settle loads the settings of serve as its command does and returns them and the result.
func settle(t *testing.T, args []string, env map[string]string, file string, mode os.FileMode) (*serveOptions, *settings, error) {
	t.Helper()
	var o serveOptions
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	o.flags(f)
	f.String("address", "", "")
	if file != "" {
		path := filepath.Join(t.TempDir(), "recrypt.conf")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	s := newSettings(f)
	return &o, s, s.load(o.config, func(name string) string { return env[name] })
}

// TestSettings: flags go before variables, those before the file, that before the default.
func TestSettings(t *testing.T) {
	file := "# ours\n\nlisten = 127.0.0.1:1\ncache = 7\n  data=/file \npublic-url = https://a.example\npublic-url = https://b.example\n"
	o, s, err := settle(t, []string{"--listen", "127.0.0.1:3"}, map[string]string{"RECRYPT_LISTEN": "127.0.0.1:2", "RECRYPT_CACHE": "8"}, file, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if o.listen != "127.0.0.1:3" || o.cache != 8 || o.data != "/file" || !slices.Equal(o.publicURLs, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("%+v", o)
	}
	var out strings.Builder
	if err := s.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# from flag\nlisten = 127.0.0.1:3\n", "# from RECRYPT_CACHE\ncache = 8\n", "recrypt.conf:5\ndata = /file\n", "public-url = https://a.example\npublic-url = https://b.example\n", "# witness =\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	// What is printed is a settings file with the same meaning.
	again, _, err := settle(t, nil, nil, out.String(), 0o600)
	if err != nil || again.listen != o.listen || again.cache != o.cache || again.data != o.data || !slices.Equal(again.publicURLs, o.publicURLs) {
		t.Errorf("%+v, %v", again, err)
	}
	// A list in the environment is separated by commas and replaces the one in the file.
	o, _, err = settle(t, nil, map[string]string{"RECRYPT_PUBLIC_URL": "https://c.example,https://d.example"}, file, 0o600)
	if err != nil || !slices.Equal(o.publicURLs, []string{"https://c.example", "https://d.example"}) {
		t.Errorf("%q, %v", o.publicURLs, err)
	}
}

// TestSettingsRefused: what is not understood is refused, with its place and without its
// value.
func TestSettingsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		file string
		mode os.FileMode
		want string
	}{
		"unknown key":        {file: "cache = 1\nchache = 2", want: "recrypt.conf:2: unknown setting"},
		"mistyped key":       {file: "publicurl = https://a.example", want: "did you mean public-url?"},
		"wrong type":         {file: "\ncache = s3cret", want: "recrypt.conf:2: cache: this setting takes a whole number"},
		"twice":              {file: "cache = 1\n\ncache = 1", want: "recrypt.conf:3: cache was set in line 1 already"},
		"no value":           {file: "data =", want: "recrypt.conf:1: data has no value"},
		"no equals sign":     {file: "# x\ndata /x", want: "recrypt.conf:2: a line has the form"},
		"section":            {file: "[server]", want: "recrypt.conf:1: a line has the form"},
		"upper case":         {file: "Data = x", want: "recrypt.conf:1: a line has the form"},
		"control character":  {file: "data = a\x1b[31m", want: "recrypt.conf:1: the line is not plain text"},
		"not utf-8":          {file: "data = \xff", want: "recrypt.conf:1: the line is not plain text"},
		"long line":          {file: "data = " + strings.Repeat("s3cret", maxLine), want: "recrypt.conf:1: the line is longer"},
		"long file":          {file: strings.Repeat("# \n", maxSettings/2), want: "is larger than"},
		"an act":             {file: "accept-older-log = true", want: "recrypt.conf:1: accept-older-log is no setting"},
		"file in a file":     {file: "config = x", want: "recrypt.conf:1: config is no setting"},
		"variable":           {env: map[string]string{"RECRYPT_CACHE": "s3cret"}, want: "RECRYPT_CACHE: this setting takes a whole number"},
		"world-readable":     {file: "cache = 1\naddress = postgres://recrypt:s3cret@db/recrypt", mode: 0o644, want: "recrypt.conf:2: everybody may read this file"},
		"world-readable too": {file: "address = host=db password='s3 cret' user=x", mode: 0o604, want: "recrypt.conf:1: everybody may read this file"},
	} {
		if c.mode == 0 {
			c.mode = 0o600
		}
		_, _, err := settle(t, nil, c.env, c.file, c.mode)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
		if exit, _, _ := classify(&failure{err}); err != nil && exit != exitUsage {
			t.Errorf("%s: exit code %d", name, exit)
		}
	}
	if _, _, err := settle(t, []string{"--config", t.TempDir()}, nil, "", 0); err == nil {
		t.Error("a folder for a file")
	}
	if _, _, err := settle(t, nil, map[string]string{"RECRYPT_CONFIG": filepath.Join(t.TempDir(), "none")}, "", 0); err == nil {
		t.Error("a file that is not there")
	}
	if _, _, err := settle(t, nil, nil, "address = postgres://recrypt:s3cret@db/recrypt", 0o640); err != nil {
		t.Errorf("a password in a file of a group: %v", err)
	}
}

// TestPrintedSecrets: --print-config hides passwords wherever they stand.
func TestPrintedSecrets(t *testing.T) {
	for value, want := range map[string]string{
		"postgres://recrypt:s3cret@db/recrypt":            "postgres://recrypt:(secret)@db/recrypt",
		"postgres://recrypt:s3@cret@db:5432/x?sslmode=on": "postgres://recrypt:(secret)@db:5432/x?sslmode=on",
		"postgres://db/recrypt?password=s3cret&user=x":    "postgres://db/recrypt?password=(secret)&user=x",
		"host=db Password = 's3\\' cret' user=x":          "host=db Password = (secret) user=x",
		"https://recrypt.example.org:443/a@b":             "https://recrypt.example.org:443/a@b",
		"postgres://recrypt@db/recrypt":                   "postgres://recrypt@db/recrypt",
		"127.0.0.1:8080":                                  "127.0.0.1:8080",
		"postgres://recrypt:s3/cr%et@db/recrypt":          "postgres://recrypt:(secret)@db/recrypt",
	} {
		if got := withoutSecrets(value); got != want {
			t.Errorf("%s becomes %s", value, got)
		}
	}
	_, s, err := settle(t, []string{"--address", "postgres://recrypt:s3cret@db/recrypt"}, nil, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := s.print(&out); err != nil || strings.Contains(out.String(), "s3cret") || !strings.Contains(out.String(), "recrypt:(secret)@db") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// FuzzSettings: any file is a list of settings of the right form, or an error that names a
// line.
func FuzzSettings(f *testing.F) {
	f.Add("# comment\nlisten = 127.0.0.1:8080\n\npublic-url=https://recrypt.example.org\r\n")
	f.Add("database = postgres://a:b@c/d?x=y#z")
	f.Add("=")
	f.Add("a")
	f.Add("a = \x00")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := parseSettings(text)
		if err != nil && (lines != nil || !strings.Contains(err.Error(), ": ")) {
			t.Fatalf("%v, %v", lines, err)
		}
		var again strings.Builder
		for _, l := range lines {
			if l.value == "" || !keyForm.MatchString(l.key) || strings.ContainsAny(l.value, "\n\x00") {
				t.Errorf("%+v", l)
			}
			again.WriteString(l.key + " = " + l.value + "\n")
		}
		repeated, err := parseSettings(again.String())
		if err != nil || len(repeated) != len(lines) {
			t.Errorf("%q is read as %d settings, then as %d: %v", text, len(lines), len(repeated), err)
		}
	})
}
