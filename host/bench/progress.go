package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress tells on a terminal, in one line that changes, or in a log, now and then, how
// far the run is.
type progress struct {
	w        io.Writer
	terminal bool
	start    time.Time
	last     time.Time
	pending  bool // the line is not ended
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// say prints a line.
func (p *progress) say(format string, args ...any) {
	if p.pending {
		fmt.Fprintln(p.w)
		p.pending = false
	}
	fmt.Fprintf(p.w, format+"\n", args...)
}

// round tells that some of all rounds are done.
func (p *progress) round(done, all int) {
	now := time.Now()
	if done == 0 {
		p.start = now
	}
	if !p.terminal && done > 0 && done < all && now.Sub(p.last) < 30*time.Second {
		return
	}
	p.last = now
	line := fmt.Sprintf("round %d of %d", done, all)
	if spent := now.Sub(p.start); done > 0 {
		left := spent / time.Duration(done) * time.Duration(all-done)
		line += fmt.Sprintf(", %s, %s left", spent.Round(time.Second), left.Round(time.Second))
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.pending = done < all
		if !p.pending {
			fmt.Fprintln(p.w)
		}
		return
	}
	fmt.Fprintln(p.w, line)
}
