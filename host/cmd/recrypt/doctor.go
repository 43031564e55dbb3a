package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// How a check ended.
const (
	checkOK      = "ok"
	checkWarning = "warning" // it works, but not for long or not well
	checkFault   = "fault"   // it does not work, or is not safe
	checkSkipped = "skipped" // could not be looked at, or does not apply
)

// A finding is the result of one check.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"`
	Found  string `json:"found"`
	Mend   string `json:"mend,omitempty"` // what to do
}

// errUnwell is the result of doctor when something is wrong: it has been told already.
var errUnwell = errors.New("something is to be mended")

// A doctor examines an installation. It changes nothing and runs beside the server.
type doctor struct {
	app      *app
	options  *serveOptions
	config   server.ServeConfig
	core     abi.Client
	now      func() time.Time
	findings []finding

	service *abi.Service // of server.key; nil: not known
	id      string       // rsv1…
	running bool         // a server answered
	entries int64        // of the log in the database; -1: not known
	live    int64        // live grants there; -1: not known
}

func (a *app) doctorCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check a server's installation and say what to mend",
		Long: `Check the installation of a server and say for each thing what to mend. It takes the
settings of serve, by flags, RECRYPT_* and --config, and looks at them; at the data
folder, its keys, the certificate, free space and limits of the system; at the
database, the keyring, the log and its mirror; and at the server itself, as clients
and operators reach it. It changes nothing, and may run beside the server.

Exit code 0: nothing is wrong, though there may be warnings. 1: something is.`,
		Example: `  recrypt doctor --data ./data
  recrypt doctor --config /etc/recrypt/recrypt.conf
  recrypt doctor --config /etc/recrypt/recrypt.conf --json`,
		Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			d := &doctor{app: a, options: &o, now: time.Now, entries: -1, live: -1}
			d.examine(cmd.Context(), newSettings(settingsOf(cmd)))
			return d.report()
		}),
	}
	o.flags(cmd.Flags())
	for _, name := range []string{"print-config", "accept-older-log", "keyring-lost"} {
		if f := cmd.Flags().Lookup(name); f != nil {
			f.Hidden = true
		}
	}
	return cmd
}

// ok, warn, fault and skip note a finding.
func (d *doctor) ok(check, found string, args ...any) {
	d.findings = append(d.findings, finding{check, checkOK, fmt.Sprintf(found, args...), ""})
}

func (d *doctor) warn(check, mend, found string, args ...any) {
	d.findings = append(d.findings, finding{check, checkWarning, fmt.Sprintf(found, args...), mend})
}

func (d *doctor) fault(check, mend, found string, args ...any) {
	d.findings = append(d.findings, finding{check, checkFault, fmt.Sprintf(found, args...), mend})
}

func (d *doctor) skip(check, found string, args ...any) {
	d.findings = append(d.findings, finding{check, checkSkipped, fmt.Sprintf(found, args...), ""})
}

// examine runs all checks. Without settings that can be read there is nothing to look at.
func (d *doctor) examine(ctx context.Context, s *settings) {
	if !d.settings(s) {
		return
	}
	var err error
	if d.core, err = d.app.core(ctx); err != nil {
		d.fault("engine", "build the program with make build", "the cryptography does not start: %v", err)
		return
	}
	checks := []func(context.Context){
		d.folder, d.serverKey, d.space, d.openFiles, d.certificate,
		d.server, d.database, d.keys, d.checkpoint, d.mirror, d.operators,
	}
	for _, check := range checks {
		if ctx.Err() != nil {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, 20*time.Second)
		check(bounded)
		cancel()
	}
}

// settings reads the settings as serve does.
func (d *doctor) settings(s *settings) bool {
	err := s.load(d.options.config, d.app.getenv)
	if err == nil {
		d.config, err = d.options.serveConfig()
	}
	if err == nil && d.config.DataDir == "" {
		d.config.DataDir, err = defaultData()
	}
	if err == nil {
		d.config.DataDir, err = filepath.Abs(d.config.DataDir)
	}
	if err != nil {
		d.fault("settings", "mend that; recrypt serve --print-config shows all settings", "%v", err)
		return false
	}
	d.ok("settings", "%d set, the others by default", len(s.from))
	return true
}

// report prints what was found, what is wrong last.
func (d *doctor) report() error {
	count := func(status string) (n int) {
		for _, f := range d.findings {
			if f.Status == status {
				n++
			}
		}
		return n
	}
	faults, warnings := count(checkFault), count(checkWarning)
	if d.app.json {
		if err := d.app.printJSON(map[string]any{"healthy": faults == 0, "findings": d.findings}); err != nil {
			return err
		}
	} else {
		d.print(faults, warnings)
	}
	if faults > 0 {
		return errUnwell
	}
	return nil
}

// print writes the findings for people.
func (d *doctor) print(faults, warnings int) {
	marks := map[string]string{checkOK: "✓", checkWarning: "!", checkFault: "✗", checkSkipped: "–"}
	ordered := slices.Clone(d.findings)
	slices.SortStableFunc(ordered, func(a, b finding) int { return severity(a) - severity(b) })
	for _, f := range ordered {
		d.app.printf("%s %-12s %s\n", marks[f.Status], f.Check, printable(f.Found))
		if f.Mend != "" {
			d.app.printf("  %-12s → %s\n", "", printable(f.Mend))
		}
	}
	switch {
	case faults > 0:
		d.app.printf("\n%s to be mended%s\n", things(faults), also(warnings))
	case warnings > 0:
		d.app.printf("\nwell, with %s\n", count(warnings, "warning"))
	default:
		d.app.printf("\nall is well\n")
	}
}

func severity(f finding) int {
	return slices.Index([]string{checkOK, checkSkipped, checkWarning, checkFault}, f.Status)
}

func things(n int) string {
	if n == 1 {
		return "1 thing is"
	}
	return fmt.Sprintf("%d things are", n)
}

func also(warnings int) string {
	if warnings == 0 {
		return ""
	}
	return ", and " + count(warnings, "warning")
}

// gist is the end of an error's chain of causes, which is what people look for.
func gist(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i > 0 && len(text) > 160 {
		text = text[i+2:]
	}
	return withoutSecrets(text)
}
