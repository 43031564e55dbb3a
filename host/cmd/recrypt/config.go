package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// Bounds of a settings file.
const (
	maxSettings = 64 << 10 // bytes
	maxLine     = 4 << 10  // bytes of one line
)

// configVariable names the settings file when --config does not.
const configVariable = "RECRYPT_CONFIG"

// acts are the flags of serve that are no settings: what they ask for is meant for one
// start and would do harm if it stood in a file for ever.
var acts = []string{"config", "print-config", "accept-older-log", "keyring-lost", "help"}

// settings are the flags of a command that may also be set by RECRYPT_<FLAG> and by a line
// of a file. A flag goes before the variable, the variable before the file, the file before
// the default. To add a setting is to declare a flag.
type settings struct {
	flags *pflag.FlagSet
	from  map[string]string // by name: where the value was set, for people
}

// newSettings makes settings of flags that have been parsed.
func newSettings(flags *pflag.FlagSet) *settings {
	s := &settings{flags: flags, from: map[string]string{}}
	s.visit(func(f *pflag.Flag) {
		if f.Changed {
			s.from[f.Name] = "flag"
		}
	})
	return s
}

// visit calls do for each setting, by name.
func (s *settings) visit(do func(*pflag.Flag)) {
	s.flags.VisitAll(func(f *pflag.Flag) {
		if f.Deprecated == "" && !slices.Contains(acts, f.Name) {
			do(f)
		}
	})
}

// variable is the environment variable of a setting.
func variable(name string) string {
	return "RECRYPT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// load fills in what no flag has set: from the environment, then from the file, which is
// named by path, or by RECRYPT_CONFIG.
func (s *settings) load(path string, getenv func(string) string) error {
	var failed error
	s.visit(func(f *pflag.Flag) {
		value := getenv(variable(f.Name))
		if value == "" || f.Changed || failed != nil {
			return
		}
		if err := s.flags.Set(f.Name, value); err != nil {
			failed = usage("%s: %s", variable(f.Name), wants(f))
			return
		}
		s.from[f.Name] = variable(f.Name)
	})
	if failed != nil {
		return failed
	}
	if path = first(path, getenv(configVariable)); path == "" {
		return nil
	}
	return s.loadFile(path)
}

// loadFile fills in from a file what is not set yet. A file that others can read must not
// hold a secret.
func (s *settings) loadFile(path string) error {
	text, mode, err := readSettings(path)
	if err != nil {
		return err
	}
	lines, err := parseSettings(text)
	if err != nil {
		return usage("%s:%v", path, err)
	}
	known := map[string]*pflag.Flag{}
	s.visit(func(f *pflag.Flag) { known[f.Name] = f })
	seen := map[string]int{}
	for _, l := range lines {
		at := fmt.Sprintf("%s:%d", path, l.number)
		f := known[l.key]
		switch {
		case slices.Contains(acts, l.key):
			return usage("%s: %s is no setting: give it as a flag, for the one start that needs it", at, l.key)
		case f == nil:
			return usage("%s: unknown setting%s; recrypt serve --print-config lists all", at, near(known, l.key))
		case seen[l.key] != 0 && !repeatable(f):
			return usage("%s: %s was set in line %d already", at, l.key, seen[l.key])
		case mode.Perm()&0o007 != 0 && secret(l.value):
			return usage("%s: everybody may read this file and a password stands in it: chmod 600 %s", at, path)
		}
		seen[l.key] = l.number
		if f.Changed && !strings.HasPrefix(s.from[l.key], path+":") {
			continue
		}
		if err := s.flags.Set(f.Name, l.value); err != nil {
			return usage("%s: %s: %s", at, l.key, wants(f))
		}
		s.from[l.key] = at
	}
	return nil
}

// readSettings reads a settings file whole.
func readSettings(path string) (text string, mode fs.FileMode, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("read settings: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", 0, fmt.Errorf("read settings: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", 0, usage("%s is not a file with settings", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSettings+1))
	if err != nil {
		return "", 0, fmt.Errorf("read settings: %w", err)
	}
	if len(data) > maxSettings {
		return "", 0, usage("%s is larger than the %d KiB that settings may take", path, maxSettings>>10)
	}
	return string(data), info.Mode(), nil
}

// A line is one setting in a file.
type line struct {
	number     int // from 1
	key, value string
}

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// parseSettings reads lines of the form "key = value". A line that is empty or begins with
// # says nothing. The value is the rest of the line, without the space around it; there
// are no quotes, escapes or comments behind it. Errors begin with the number of the line.
func parseSettings(text string) (out []line, err error) {
	number := 0
	for raw := range strings.Lines(text) {
		number++
		l := strings.TrimSpace(raw)
		switch {
		case len(l) > maxLine:
			return nil, fmt.Errorf("%d: the line is longer than %d bytes", number, maxLine)
		case !utf8.ValidString(l) || strings.ContainsFunc(l, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
			return nil, fmt.Errorf("%d: the line is not plain text", number)
		case l == "" || strings.HasPrefix(l, "#"):
			continue
		}
		key, value, ok := strings.Cut(l, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || !keyForm.MatchString(key) {
			return nil, fmt.Errorf("%d: a line has the form: key = value", number)
		}
		if value == "" {
			return nil, fmt.Errorf("%d: %s has no value; leave the line out for the default", number, key)
		}
		out = append(out, line{number, key, value})
	}
	return out, nil
}

// repeatable reports whether a setting is a list.
func repeatable(f *pflag.Flag) bool {
	_, ok := f.Value.(pflag.SliceValue)
	return ok
}

// wants says what a setting takes, without the value that was given: it may be a secret.
func wants(f *pflag.Flag) string {
	kinds := map[string]string{
		"bool": "true or false", "int": "a whole number", "int64": "a whole number", "float64": "a number",
		"duration": "a time like 10s, 5m or 2h", "bytes": "a size like 512MiB or 16GiB", "rate": "a rate like 100/s:1000 or 60/m:100, or off",
	}
	return "this setting takes " + first(kinds[f.Value.Type()], "another form; see recrypt serve --help")
}

// near offers the setting that was meant.
func near(known map[string]*pflag.Flag, key string) string {
	for name := range known {
		if plain(name) == plain(key) || strings.HasPrefix(name, key) && len(key) > 2 {
			return ", did you mean " + name + "?"
		}
	}
	return ""
}

// plain is a name without what people mistype first.
func plain(name string) string {
	return strings.TrimSuffix(strings.NewReplacer("-", "", "_", "").Replace(name), "s")
}

// print writes all settings in the form of a file: those that are set, each below a line
// that says where, and the defaults as comments. What is secret is left out.
func (s *settings) print(w io.Writer) error {
	var text strings.Builder
	s.visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		from, set := s.from[f.Name]
		if set {
			fmt.Fprintf(&text, "# from %s\n", from)
		}
		for _, v := range append(values, "")[:max(len(values), 1)] {
			if !set || v == "" {
				text.WriteString("# ")
			}
			text.WriteString(strings.TrimSpace(f.Name+" = "+withoutSecrets(v)) + "\n")
		}
	})
	_, err := io.WriteString(w, text.String())
	return err
}

// hidden stands in place of a secret.
const hidden = "(secret)"

// pair is a password in an address that is written as words or as a query.
var pair = regexp.MustCompile(`(?i)\b(password|passwd|secret|token|sslpassword)(\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// withoutSecrets returns a value with its passwords hidden.
func withoutSecrets(value string) string {
	u, err := url.Parse(value)
	named := err == nil && u.User == nil // else a password may stand there that does not parse
	if at := strings.LastIndex(value, "@"); at >= 0 && strings.Contains(value, "://") && !named {
		begin := strings.Index(value, "://") + 3
		if user, _, has := strings.Cut(value[begin:max(at, begin)], ":"); has {
			value = value[:begin] + user + ":" + hidden + value[at:]
		}
	}
	return pair.ReplaceAllString(value, "${1}${2}"+hidden)
}

// secret reports whether a password stands in a value.
func secret(value string) bool { return withoutSecrets(value) != value }
