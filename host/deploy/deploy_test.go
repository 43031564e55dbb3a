package deploy

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/server"
)

var update = flag.Bool("update", false, "write METRICS.md anew")

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// foreign are metrics of Prometheus and of its client library that our files use.
var foreign = map[string]string{
	"up": "gauge", "process_resident_memory_bytes": "gauge", "process_cpu_seconds_total": "counter", "process_open_fds": "gauge",
	"go_memstats_heap_inuse_bytes": "gauge", "go_goroutines": "gauge",
}

// checkQuery checks that an expression can be read, and that what it asks for is told.
func checkQuery(expr string) (metrics []string, err error) {
	q, err := parseQuery(expr)
	if err != nil {
		return nil, err
	}
	if len(q.selected) == 0 {
		return nil, fmt.Errorf("it asks for nothing")
	}
	for _, s := range q.selected {
		name, kind, labels, err := lookUp(s.name)
		if err != nil {
			return nil, err
		}
		metrics = append(metrics, name)
		for _, l := range append(slices.Clone(s.labels), s.by...) {
			if l != "by" && l != "instance" && l != "job" && !slices.Contains(labels, l) {
				return nil, fmt.Errorf("%s has no label %s", s.name, l)
			}
		}
		if ranged := s.within != ""; s.ranged != ranged {
			return nil, fmt.Errorf("%s: a range belongs into rate or increase, and only there", s.name)
		}
		if counts := kind == "counter"; counts != s.ranged {
			return nil, fmt.Errorf("%s is a %s", s.name, kind)
		}
	}
	return metrics, nil
}

// lookUp finds a metric, or the series of a histogram.
func lookUp(series string) (name, kind string, labels []string, err error) {
	if kind, ok := foreign[series]; ok {
		return series, kind, nil, nil
	}
	for _, m := range server.Metrics() {
		switch {
		case m.Name == series && m.Type != "histogram":
			return m.Name, m.Type, m.Labels, nil
		case m.Type == "histogram" && series == m.Name+"_bucket":
			return m.Name, "counter", append([]string{"le"}, m.Labels...), nil
		case m.Type == "histogram" && (series == m.Name+"_sum" || series == m.Name+"_count"):
			return m.Name, "counter", m.Labels, nil
		}
	}
	return "", "", nil, fmt.Errorf("there is no metric %s", series)
}

// TestQueries: the reader of queries finds what is wrong.
func TestQueries(t *testing.T) {
	for _, bad := range []string{
		"", "recrypt_nothing", "rate(recrypt_ready[5m])", "recrypt_requests_total", "rate(recrypt_requests_total)", "recrypt_ready[5m]",
		"sum(rate(recrypt_requests_total[5m])", "rate(recrypt_requests_total{signer=\"x\"}[5m])", "sum by (le) (rate(recrypt_requests_total[5m]))",
		"recrypt_ready{instance=x}", "recrypt_ready >", "recrypt_ready recrypt_ready", "nofunction(recrypt_ready)", "rate(recrypt_request_seconds[5m])", "1", "recrypt_ready # x",
	} {
		if _, err := checkQuery(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{
		"recrypt_ready", "time() - recrypt_sweep_timestamp_seconds{instance=~\"a|b\"} > 900",
		"histogram_quantile(0.99, sum by (le, operation) (rate(recrypt_request_seconds_bucket[5m])))",
	} {
		if _, err := checkQuery(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// TestDashboard: each panel asks for what the server tells, and every metric but few is
// shown.
func TestDashboard(t *testing.T) {
	var board struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana.json")), &board); err != nil {
		t.Fatal(err)
	}
	ids, shown := map[int]bool{}, map[string]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || (p.Type != "row") != (len(p.Targets) > 0) {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			metrics, err := checkQuery(target.Expr)
			if err != nil {
				t.Errorf("%s: %s: %v", p.Title, target.Expr, err)
			}
			if !strings.Contains(target.Expr, "$instance") {
				t.Errorf("%s is not of the chosen server", p.Title)
			}
			for _, m := range metrics {
				shown[m] = true
			}
		}
	}
	elsewhere := []string{ // in alarms, or the answer to a question that a panel raises
		"recrypt_panics_total", "recrypt_store_full", "recrypt_store_failed", "recrypt_cache_evicted_total", "recrypt_cache_entries",
		"recrypt_log_signed_timestamp_seconds", "recrypt_sweeps_total", "recrypt_sweep_seconds", "recrypt_tls_reload_errors_total",
		"recrypt_info", "recrypt_transfers_limit", "recrypt_streams", "recrypt_streams_limit",
	}
	for _, m := range server.Metrics() {
		if shown[m.Name] == slices.Contains(elsewhere, m.Name) {
			t.Errorf("%s: on the dashboard: %t", m.Name, shown[m.Name])
		}
	}
}

// TestAlerts: each alarm asks for what the server tells, and says what to do; the page names
// each.
func TestAlerts(t *testing.T) {
	page := read(t, "README.md")
	rules := strings.Split(read(t, "alerts.yml"), "- alert: ")[1:]
	if len(rules) < 10 {
		t.Errorf("%d alarms", len(rules))
	}
	seen := map[string]bool{}
	for _, rule := range rules {
		name, _, _ := strings.Cut(rule, "\n")
		expr := regexp.MustCompile(`(?m)^        expr: (.+)$`).FindStringSubmatch(rule)
		if expr == nil || seen[name] {
			t.Errorf("%s", rule)
			continue
		}
		seen[name] = true
		if _, err := checkQuery(expr[1]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, part := range []string{`(?m)^        labels: \{severity: (page|ticket)\}$`, `(?m)^          summary: [^:#]+\.$`, `(?m)^          action: [^:#]+\.$`} {
			if !regexp.MustCompile(part).MatchString(rule) {
				t.Errorf("%s: no %s", name, part)
			}
		}
		if !strings.Contains(page, name) {
			t.Errorf("%s is not explained in README.md", name)
		}
	}
}

// TestMetricsPage: METRICS.md is the table of the server; go test -update writes it.
func TestMetricsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Metrics\n\nWhat a server tells at `/metrics` of the address that `--ops` names, in the format of Prometheus, beside the `go_` and `process_`\n" +
		"metrics of its client library. No label is an id, an identity or an address. This page is made by `go test ./host/deploy -update`.\n\n" +
		"| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n")
	for _, m := range server.Metrics() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, m.Unit(), strings.Join(m.Labels, ", "), m.Help)
	}
	if *update {
		if err := os.WriteFile("METRICS.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, "METRICS.md") != b.String() {
		t.Error("METRICS.md is not current: go test ./host/deploy -update")
	}
}

// settingsIn are the settings of files of this folder.
func settingsIn(t *testing.T) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(read(t, "recrypt.conf")) {
		if m := regexp.MustCompile(`^#?\s?([a-z][a-z0-9-]*) = \S`).FindStringSubmatch(line); m != nil {
			out["recrypt.conf"] = append(out["recrypt.conf"], m[1])
		}
	}
	for _, name := range []string{"compose.yml", "Dockerfile", "recrypt.service", "README.md"} {
		for _, m := range regexp.MustCompile(`RECRYPT_([A-Z_]+)[:=]`).FindAllStringSubmatch(read(t, name), -1) {
			out[name] = append(out[name], strings.ToLower(strings.ReplaceAll(m[1], "_", "-")))
		}
	}
	return out
}

// TestSettings: every setting that these files name exists, and the settings file is taken
// by the program.
func TestSettings(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	program := filepath.Join(t.TempDir(), "recrypt")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/recrypt").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	out, err := exec.Command(program, "serve", "--print-config").Output()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"config": true}
	for _, m := range regexp.MustCompile(`(?m)^# ([a-z0-9-]+) =`).FindAllStringSubmatch(string(out), -1) {
		known[m[1]] = true
	}
	for file, names := range settingsIn(t) {
		if len(names) == 0 {
			t.Errorf("%s has no settings", file)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s: there is no setting %s", file, name)
			}
		}
	}
	if out, err := exec.Command(program, "serve", "--config", "recrypt.conf", "--print-config").CombinedOutput(); err != nil {
		t.Errorf("recrypt.conf: %v\n%s", err, out)
	}
}

// TestDockerfile: the image is built from pinned stages, runs as nobody, has nothing but the
// program, and asks for its own health. It is read here, not built.
func TestDockerfile(t *testing.T) {
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, "Dockerfile"), "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	var stages []string
	last := map[string]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if !slices.Contains([]string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "ENV", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD", "STOPSIGNAL", "LABEL"}, f[0]) {
			t.Errorf("instruction %s", f[0])
		}
		if f[0] == "FROM" {
			stages = append(stages, f[1])
			last = map[string]string{}
		}
		last[f[0]] = strings.Join(f[1:], " ")
		if f[0] == "COPY" && strings.HasPrefix(f[1], "--from=") == (len(stages) == 1) {
			t.Errorf("%s", line)
		}
	}
	if len(stages) != 2 || !regexp.MustCompile(`^golang:1\.\d+\.\d+-`).MatchString(stages[0]) || stages[1] != "scratch" {
		t.Errorf("stages %q", stages)
	}
	if !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(last["USER"]) {
		t.Errorf("user %q", last["USER"])
	}
	for _, list := range []string{"ENTRYPOINT", "CMD"} {
		var parts []string
		if err := json.Unmarshal([]byte(last[list]), &parts); err != nil {
			t.Errorf("%s %s: %v", list, last[list], err)
		}
	}
	if last["STOPSIGNAL"] != "SIGTERM" || !strings.Contains(text, "CGO_ENABLED=0") || !strings.Contains(text, "-trimpath") {
		t.Error("stop signal or static build")
	}
	if mod := regexp.MustCompile(`toolchain go(\S+)`).FindStringSubmatch(read(t, "../../go.mod")); mod == nil || !strings.HasPrefix(stages[0], "golang:"+mod[1]+"-") {
		t.Errorf("%s is not the toolchain of go.mod", stages[0])
	}
}

// TestUnit: systemd itself finds nothing wrong with the unit, where it is installed, and the
// unit confines the server.
func TestUnit(t *testing.T) {
	text := read(t, "recrypt.service")
	for _, want := range []string{
		"User=recrypt", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "MemoryDenyWriteExecute=no", "LimitCORE=0",
		"CapabilityBoundingSet=", "SystemCallFilter=@system-service", "ExecReload=/bin/kill -HUP $MAINPID", "KillSignal=SIGTERM", "StateDirectoryMode=0700", "UMask=0077", "Restart=on-failure",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "recrypt")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(dir, "recrypt.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(text, "/usr/local/bin/recrypt", program)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, unit) {
			t.Errorf("%s", line)
		}
	}
	_ = err // it also judges units that others have installed
}
