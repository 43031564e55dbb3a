package kit

import (
	"fmt"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// words are what a page says besides its code, by kind of secret.
type words struct {
	title, purpose, warning string
	steps                   []string
}

// words returns the texts of the page. They are for somebody who has never seen a
// command line and finds the page in a drawer.
func (k *Kit) words() words {
	if k.Kind == abi.SecretRecovery {
		return words{
			title:   "Recovery key",
			purpose: "This page takes the identity back when it was stolen, or when its key is lost.",
			warning: "Whoever has this page can take the identity over. Keep it like a passport, in another place than the computer and than the recovery kit. Do not photograph it, do not send it, do not type it into a website.",
			steps: []string{
				"On a computer that you trust, install recrypt.",
				"Run:  " + k.command("recover"),
				enter,
				"The identity gets new keys, its id stays. Then allow your readers again:  recrypt regrant",
			},
		}
	}
	return words{
		title:   "Recovery kit",
		purpose: "This page brings the identity back when the computer is lost or broken, with everything that it can open.",
		warning: "Whoever has this page can open everything that the identity can, and act in its name. Keep it like a passport. Do not photograph it, do not send it, do not type it into a website.",
		steps: []string{
			"On a computer that you trust, install recrypt.",
			"Run:  " + k.command("restore"),
			enter,
			"If the page was seen by somebody else, change the keys:  recrypt identity rotate",
		},
	}
}

// command is what to type to use the kit.
func (k *Kit) command(verb string) string { return "recrypt identity " + verb + " -" }

// enter says how to enter the code of a page.
const enter = "Scan the code below with an app that works offline and paste what it says, or type the numbered lines. A typing error is found in its line."

// A fact is a line of the table of a page.
type fact struct{ label, value string }

func (k *Kit) facts() []fact {
	var suites []string
	for _, s := range k.Suites {
		suites = append(suites, abi.SuiteName(s))
	}
	return []fact{
		{"Identity", k.Name},
		{"Id", k.IDText},
		{"Server", k.Server},
		{"Suites", strings.Join(suites, ", ")},
		{"Made on", k.Made.UTC().Format("2 January 2006")},
	}
}

// Text returns the kit as plain text, which [Parse] reads again.
func (k *Kit) Text() (string, error) {
	lines, err := k.Lines()
	if err != nil {
		return "", err
	}
	w := k.words()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n%s\n\n", strings.ToUpper(w.title), wrap(w.purpose, 72), wrap(w.warning, 72))
	for _, f := range k.facts() {
		fmt.Fprintf(&b, "%-10s%s\n", f.label, f.value)
	}
	b.WriteString("\n")
	for i, l := range lines {
		fmt.Fprintf(&b, "%3d.  %s\n", i+1, l)
	}
	b.WriteString("\nTo use it:\n")
	for _, s := range w.steps {
		if s == enter { // without a picture
			s = "Type or paste the numbered lines. A typing error is found in its line."
		}
		fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(wrap(s, 70), "\n", "\n  "))
	}
	return b.String(), nil
}

// wrap breaks a text into lines of at most n characters.
func wrap(s string, n int) string {
	return strings.Join(breakLines(s, func(line string) bool { return len(line) <= n }), "\n")
}

// breakLines breaks a text at spaces into lines that fit. A word that does not fit
// has a line of its own.
func breakLines(s string, fits func(string) bool) []string {
	var lines []string
	current := ""
	for _, word := range strings.Split(s, " ") {
		switch {
		case current == "":
			current = word
		case fits(current + " " + word):
			current += " " + word
		default:
			lines, current = append(lines, current), word
		}
	}
	return append(lines, current)
}
