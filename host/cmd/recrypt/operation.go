package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/recrypt-service/recrypt/host/server"
)

// operationOptions are the settings of a server that have to do with where it runs.
type operationOptions struct {
	tlsCert, tlsKey string
	behindProxy     bool
	trustedProxies  []string
	proxySecretFile string
	ops             string
	logFormat       string
	logLevel        string
	connections     int
	each            int
	stopDelay       time.Duration
	identity        rateValue
	address         rateValue
	registrations   rateValue
	badIdentity     rateValue
	badAddress      rateValue
}

// flags declares the settings.
func (o *operationOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.tlsCert, "tls-cert", "", "`FILE` with the certificate and its chain (PEM); read anew when it changes, and on SIGHUP")
	f.StringVar(&o.tlsKey, "tls-key", "", "`FILE` with the certificate's key (PEM)")
	f.BoolVar(&o.behindProxy, "behind-proxy", false, "a proxy in front speaks TLS: allow plain HTTP on addresses that others can reach")
	f.StringSliceVar(&o.trustedProxies, "trusted-proxy", nil, "`PREFIX` of proxies whose X-Forwarded-For is believed, may be repeated (default with --behind-proxy: 127.0.0.0/8 and ::1)")
	f.StringVar(&o.proxySecretFile, "proxy-secret-file", "", "`FILE` with what the proxy has to send as header "+server.ProxyHeader)
	f.StringVar(&o.ops, "ops", "", "`ADDRESS` for metrics and health, host:port on a private network; clients must not reach it (default: none)")
	f.StringVar(&o.logFormat, "log-format", "text", "`FORMAT` of the log: text or json")
	f.StringVar(&o.logLevel, "log-level", "info", "least `LEVEL` that is logged: debug, info, warn or error")
	f.IntVar(&o.connections, "connections", 1000, "`N` connections that may be open at once")
	f.IntVar(&o.each, "address-connections", 256, "`N` connections that one address may have open, 0: all of them")
	f.DurationVar(&o.stopDelay, "stop-delay", 0, "`TIME` between /readyz turning false and the end of accepting, for load balancers to notice")
	d := server.DefaultLimits
	for _, s := range []struct {
		value *rateValue
		rate  server.Rate
		name  string
		what  string
	}{
		{&o.identity, d.Identity, "identity-rate", "requests of one identity"},
		{&o.address, d.Address, "address-rate", "requests from one address"},
		{&o.registrations, d.Registrations, "registration-rate", "new identities from one address"},
		{&o.badIdentity, d.BadIdentity, "bad-identity-rate", "requests of one identity that are refused for their content"},
		{&o.badAddress, d.BadAddress, "bad-address-rate", "refused requests from one address"},
	} {
		*s.value = rateValue(s.rate)
		f.Var(s.value, s.name, "`RATE` of "+s.what+", like 100/s:1000 with a burst of 1000, or off")
	}
}

// apply checks the settings and puts them into what the server needs.
func (o *operationOptions) apply(c *server.ServeConfig) error {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return usage("--tls-cert and --tls-key belong together")
	}
	if o.behindProxy && o.tlsCert != "" {
		return usage("--behind-proxy is for servers without --tls-cert")
	}
	proxies := o.trustedProxies
	if o.behindProxy && len(proxies) == 0 {
		proxies = []string{"127.0.0.0/8", "::1"}
	}
	var err error
	if c.TrustedProxies, err = server.ParseProxies(proxies); err != nil {
		return usage("--trusted-proxy: %v", err)
	}
	if c.ProxySecret, err = o.proxySecret(); err != nil {
		return err
	}
	if o.connections < 1 || o.each < 0 {
		return usage("--connections takes a number from 1, --address-connections one from 0")
	}
	if o.stopDelay < 0 || o.stopDelay > time.Minute {
		return usage("--stop-delay takes a time from 0s to 1m")
	}
	c.TLSCert, c.TLSKey, c.BehindProxy, c.Ops = o.tlsCert, o.tlsKey, o.behindProxy, o.ops
	c.Connections, c.Each, c.StopDelay = o.connections, o.each, o.stopDelay
	c.Limits = server.Limits{
		Identity: server.Rate(o.identity), Address: server.Rate(o.address), Registrations: server.Rate(o.registrations),
		BadIdentity: server.Rate(o.badIdentity), BadAddress: server.Rate(o.badAddress),
	}
	return nil
}

// proxySecret reads what the proxy shows.
func (o *operationOptions) proxySecret() ([]byte, error) {
	if o.proxySecretFile == "" {
		return nil, nil
	}
	text, mode, err := readSettings(o.proxySecretFile)
	if err != nil {
		return nil, err
	}
	secret := strings.TrimSpace(text)
	switch {
	case mode.Perm()&0o007 != 0:
		return nil, usage("everybody may read %s: chmod 600 it", o.proxySecretFile)
	case len(secret) < 16 || strings.ContainsAny(secret, " \t\r\n"):
		return nil, usage("%s is to hold one word of at least 16 characters", o.proxySecretFile)
	}
	return []byte(secret), nil
}

// log makes the server's log.
func (o *operationOptions) log(w io.Writer) (*slog.Logger, error) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[o.logLevel]
	if !ok {
		return nil, usage("--log-level takes debug, info, warn or error")
	}
	if !slices.Contains([]string{"text", "json"}, o.logFormat) {
		return nil, usage("--log-format takes text or json")
	}
	return server.NewLog(w, o.logFormat == "json", level), nil
}

// rateValue is a rate as a flag: N per second, minute or hour, and how many at once.
type rateValue server.Rate

// Set reads "100/s:1000", "60/m", "0" or "off". Without a burst it is ten times the number.
func (r *rateValue) Set(text string) error {
	if text == "off" || text == "0" {
		*r = rateValue{}
		return nil
	}
	text, burst, bursts := strings.Cut(text, ":")
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || seconds == 0 || n < 1 || n > 1e6 {
		return errRate
	}
	b := 10 * n
	if bursts {
		if b, err = strconv.Atoi(burst); err != nil || b < 1 || b > 1e7 {
			return errRate
		}
	}
	*r = rateValue{PerSecond: float64(n) / seconds, Burst: b}
	return nil
}

var errRate = usage("a rate has the form 100/s:1000")

// String writes it in the form that Set reads.
func (r *rateValue) String() string {
	if r.Burst == 0 {
		return "off"
	}
	for _, unit := range []struct {
		name    string
		seconds float64
	}{{"s", 1}, {"m", 60}, {"h", 3600}} {
		if n := r.PerSecond * unit.seconds; n >= 0.999 && math.Abs(n-math.Round(n)) < 1e-6 {
			return fmt.Sprintf("%.0f/%s:%d", n, unit.name, r.Burst)
		}
	}
	return fmt.Sprintf("%g/s:%d", r.PerSecond, r.Burst)
}

// Type is the kind of value in help and errors.
func (r *rateValue) Type() string { return "rate" }

// signals are what a process is told from outside.
type signals struct {
	reload chan struct{} // SIGHUP, while a server runs
	hurry  chan struct{} // closed by the second SIGTERM or interrupt
	serves chan struct{} // closed when a server runs
}

// watchSignals calls end for the first signal that ends the process. A server
// is told of SIGHUP instead, which reads its certificate anew, and of a second signal to end.
func watchSignals(in <-chan os.Signal, hangup os.Signal, end func()) *signals {
	s := &signals{reload: make(chan struct{}, 1), hurry: make(chan struct{}), serves: make(chan struct{})}
	go func() {
		ending := false
		for got := range in {
			serving := false
			select {
			case <-s.serves:
				serving = true
			default:
			}
			switch {
			case serving && got == hangup:
				select {
				case s.reload <- struct{}{}:
				default:
				}
			case !ending:
				ending = true
				end()
			case serving:
				select {
				case <-s.hurry:
				default:
					close(s.hurry)
				}
			}
		}
	}()
	return s
}
