package server

import (
	"context"
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/recrypt-service/recrypt/host/api"
)

// NewLog makes the log of a server: text, or JSON for machines, a line for each event. It
// keeps out what a log must not have, whoever logs it: values under names that
// stand for secrets, passwords in addresses, bytes, and long texts, of which the beginning is
// kept. Line ends, escapes and other control characters are escaped, so that one
// event is one line and nothing steers the terminal on which it is read.
func NewLog(w io.Writer, json bool, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	if json {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// longestField is how many bytes of a text a log keeps.
const longestField = 1024

// redacted stands in place of what a log must not have.
const redacted = "(redacted)"

// secretName matches the names under which values are not logged.
var secretName = regexp.MustCompile(`(?i)(secret|passw|passphrase|passcode|seed|token|cookie|authorization|signature|private|nonce|transform_?key|\bbody\b|\bkey\b)`)

// Passwords in texts: in addresses, and as name and value.
var (
	passwordInURL = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@]*):[^\s@]*@`)
	passwordPair  = regexp.MustCompile(`(?i)\b(password|passwd|secret|token)(\s*=\s*)('(?:[^'\\\\]|\\\\.)*'|[^\s&]+)`)
)

// redact is the rule for each attribute.
func redact(_ []string, a slog.Attr) slog.Attr {
	if !counts(a.Value) && secretKey(a.Key) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(clean(a.Value.String()))
	case slog.KindAny:
		a.Value = plainValue(a.Value.Any())
	}
	return a
}

// secretKeys remembers of which names it is known whether they stand for secrets: they are
// constants of the program, few, and there are some in each line.
var secretKeys sync.Map

// secretKey reports whether a name stands for a secret.
func secretKey(name string) bool {
	if known, ok := secretKeys.Load(name); ok {
		return known.(bool)
	}
	is := secretName.MatchString(name)
	if len(name) < 32 {
		secretKeys.Store(name, is)
	}
	return is
}

// counts reports whether a value is a number or a truth, which is no secret.
func counts(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool, slog.KindDuration, slog.KindTime:
		return true
	}
	return false
}

// plainValue makes text of a value, and no more of bytes than how many there are.
func plainValue(v any) slog.Value {
	switch v := v.(type) {
	case nil, *slog.Source:
		return slog.AnyValue(v)
	case error:
		return slog.StringValue(clean(v.Error()))
	case []byte:
		return slog.StringValue(fmt.Sprintf("(%d bytes)", len(v)))
	case *url.URL:
		return slog.StringValue(clean(v.Redacted()))
	case fmt.Stringer:
		return slog.StringValue(clean(v.String()))
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return slog.StringValue(redacted)
		}
		return slog.StringValue(clean(string(text)))
	}
	return slog.StringValue(clean(fmt.Sprintf("%v", v)))
}

// clean hides passwords in a text, cuts it, and makes of control characters what both
// handlers show as such.
func clean(text string) string {
	long := len(text)
	if long > longestField {
		text = text[:longestField]
	}
	if strings.Contains(text, "@") {
		text = passwordInURL.ReplaceAllString(text, "${1}:"+redacted+"@")
	}
	if strings.Contains(text, "=") {
		text = passwordPair.ReplaceAllString(text, "${1}${2}"+redacted)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		text = strings.Map(func(r rune) rune {
			if unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
				return utf8.RuneError // it hides, or turns around, what follows
			}
			return r
		}, strings.ToValidUTF8(text, "\uFFFD"))
	}
	if long > longestField {
		text += fmt.Sprintf("… (%d bytes)", long)
	}
	return text
}

// sparse lets through so many records in a second, and tells how many there were more. What
// strangers cause, like broken handshakes, must not fill the disk.
type sparse struct {
	slog.Handler
	*sparseState
}

type sparseState struct {
	second  atomic.Int64
	passed  atomic.Int64
	dropped atomic.Int64
}

// refusedSparse reports whether requests that end so are logged sparsely: a flood is answered
// by these, and writing a line for each would cost as much as answering.
func refusedSparse(code string) bool { return code == api.CodeBusy || code == api.CodeLimited }

// sparseLimit is how many records pass in a second.
const sparseLimit = 10

func newSparse(h slog.Handler) slog.Handler { return sparse{h, new(sparseState)} }

// Handle passes a record on or drops it.
func (s sparse) Handle(ctx context.Context, r slog.Record) error {
	now := time.Now().Unix()
	if s.second.Swap(now) != now {
		s.passed.Store(0)
		if n := s.dropped.Swap(0); n > 0 {
			r.AddAttrs(slog.Int64("left_out_before", n))
		}
	}
	if s.passed.Add(1) > sparseLimit {
		s.dropped.Add(1)
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs keeps the bound.
func (s sparse) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sparse{s.Handler.WithAttrs(attrs), s.sparseState}
}

// WithGroup keeps the bound.
func (s sparse) WithGroup(name string) slog.Handler {
	return sparse{s.Handler.WithGroup(name), s.sparseState}
}
