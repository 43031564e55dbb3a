package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A stage is where the story plays: a folder, the two servers, and the homes of
// the people.
type stage struct {
	binary, dir string
	big         int // MiB
	steps       int
	note        string // what a command said that is worth showing
	commands    int
	service     *process
	serviceURL  string
	listen      string
	files       *process
	filesURL    string
	witness     *process
	witnessKey  string
	serveFlags  []string
	ids         map[string]string // of people, rid1…
	said        map[string]bool   // notes that were shown
	pace        time.Duration     // how long the last opening of a file took
	data        string            // folder of the service
	database    *database         // of the service; nil: in its folder
}

func newStage(binary, dir string, big int) *stage {
	return &stage{binary: binary, dir: dir, big: big, listen: "127.0.0.1:0", data: "server", ids: map[string]string{}, said: map[string]bool{}}
}

// stop ends the servers.
func (s *stage) stop() error {
	for _, p := range []*process{s.service, s.files, s.witness} {
		if p != nil {
			p.kill()
		}
	}
	if s.database == nil {
		return nil
	}
	return s.database.cluster.Close()
}

// moment is a time that is short to wait for and long enough for three commands.
func (s *stage) moment() time.Duration {
	return max(3*time.Second, (7*s.pace/2 + time.Second).Truncate(time.Second))
}

// chapter prints a heading.
func (s *stage) chapter(title string) { fmt.Printf("\n%s\n", title) }

// step does one thing and prints what it was and how long it took.
func (s *stage) step(what string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		fmt.Printf("  ✗ %-66s\n", what)
		return fmt.Errorf("%s: %w", what, err)
	}
	s.steps++
	fmt.Printf("  ✓ %-66s %6.2f s\n", what, time.Since(start).Seconds())
	if s.note != "" && !s.said[s.note] {
		fmt.Printf("      “%s”\n", s.note)
		s.said[s.note] = true
	}
	s.note = ""
	return nil
}

// A process is a server that runs beside the story.
type process struct {
	cmd  *exec.Cmd
	done chan error
}

// spawn starts a server and returns the address from its first line, which
// starts with prefix.
func spawn(prefix, logFile, name string, args ...string) (*process, string, error) {
	return spawnWith(nil, prefix, logFile, name, args...)
}

// spawnWith is spawn with further variables in the environment.
func spawnWith(variables []string, prefix, logFile, name string, args ...string) (*process, string, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), variables...)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	p := &process{cmd: cmd, done: make(chan error, 1)}
	line := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		first, _ := r.ReadString('\n')
		line <- first
		io.Copy(io.Discard, r)
		p.done <- cmd.Wait()
	}()
	select {
	case l := <-line:
		if url, ok := strings.CutPrefix(strings.TrimSpace(l), prefix); ok {
			return p, url, nil
		}
		p.kill()
		tail, _ := os.ReadFile(logFile)
		return nil, "", fmt.Errorf("%s did not start: %s", filepath.Base(name), bytes.TrimSpace(tail))
	case <-time.After(30 * time.Second):
		p.kill()
		return nil, "", fmt.Errorf("%s did not start in 30 s", filepath.Base(name))
	}
}

// kill ends a server at once, as a power cut would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// startService starts or restarts the server, on the same address once it has
// one.
func (s *stage) startService() (err error) {
	var variables []string
	if s.database != nil {
		variables = []string{"RECRYPT_DATABASE=" + s.database.url()}
	}
	s.service, s.serviceURL, err = spawnWith(variables, "listening on ", filepath.Join(s.dir, "server.log"),
		s.binary, append([]string{"serve", "--listen", s.listen, "--data", filepath.Join(s.dir, s.data)}, s.serveFlags...)...)
	s.listen = strings.TrimPrefix(s.serviceURL, "http://")
	return err
}

func (s *stage) startFiles() (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.published(""), 0o700); err != nil {
		return err
	}
	s.files, s.filesURL, err = spawn("", filepath.Join(s.dir, "files.log"), self, "-static", s.published(""))
	return err
}

// published is a file on the static server.
func (s *stage) published(name string) string { return filepath.Join(s.dir, "www", name) }

// own is a file of a person.
func (s *stage) own(person, name string) string { return filepath.Join(s.dir, person, name) }

// An outcome is what a command left.
type outcome struct {
	exit           int
	stdout, stderr string
}

// recrypt runs the command line as a person, with that person's home.
func (s *stage) recrypt(person string, args ...string) (*outcome, error) {
	s.commands++
	home := s.own(person, "home")
	full := append([]string{"--home", home, "--passphrase-file", s.own(person, "passphrase")}, args...)
	cmd := exec.Command(s.binary, full...)
	cmd.Dir = s.own(person, "")
	cmd.Env = append(os.Environ(), "RECRYPT_SERVER="+s.serviceURL)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return &outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
}

// must runs a command that has to succeed.
func (s *stage) must(person string, args ...string) (string, error) {
	o, err := s.recrypt(person, args...)
	if err == nil && o.exit != 0 {
		err = fmt.Errorf("exit code %d: %s", o.exit, strings.TrimSpace(o.stderr))
	}
	if err != nil {
		return "", err
	}
	return o.stdout, nil
}

// says runs a command that has to succeed, and shows the first line of its output that
// holds a text.
func (s *stage) says(text, person string, args ...string) func() error {
	return func() error {
		out, err := s.must(person, args...)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			if strings.Contains(line, text) {
				s.note = s.shorten(strings.TrimSpace(line))
				return nil
			}
		}
		return fmt.Errorf("the output does not say %q", text)
	}
}

// fails runs a command that has to fail with an error code, and shows its words.
func (s *stage) fails(code, person string, args ...string) func() error {
	return func() error {
		o, err := s.recrypt(person, args...)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(o.stderr, "\n")
		text, found := strings.CutSuffix(first, " ["+code+"]")
		if o.exit == 0 || !found {
			return fmt.Errorf("exit code %d, not the error %s: %s", o.exit, code, strings.TrimSpace(o.stderr))
		}
		s.note = s.shorten(strings.TrimPrefix(text, "recrypt: "))
		return nil
	}
}

// noise is what says nothing to people: ids, and where this plays.
var noise = regexp.MustCompile(`:? rid1[0-9a-z]{58}|\s*\([a-z2-7]{26}\)|http://127[^ ]*/|^\d+  [-0-9]+ `)

func (s *stage) shorten(text string) string { return noise.ReplaceAllString(text, "") }

// do is must for commands whose output does not matter.
func (s *stage) do(person string, args ...string) func() error {
	return func() error {
		_, err := s.must(person, args...)
		return err
	}
}

// hash returns the SHA-256 of a file.
func hash(path string) (sum [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}
