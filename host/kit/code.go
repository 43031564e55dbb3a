package kit

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
)

// alphabet is Crockford's: nothing in it looks like something else in it.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var coding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// prefix starts the content of the QR code, so that one sees what it is.
const prefix = "RECRYPT:KIT:"

// Lines returns the code of the kit, line by line: seven groups of four characters each.
func (k *Kit) Lines() ([]string, error) {
	b, err := k.encode()
	if err != nil {
		return nil, err
	}
	defer clear(b)
	for len(b)%lineBytes != 0 {
		b = append(b, 0)
	}
	var lines []string
	for i := 0; len(b) > 0; i++ {
		text := coding.EncodeToString(b[:lineBytes]) + lineCheck(i, b[:lineBytes])
		var groups []string
		for ; text != ""; text = text[4:] {
			groups = append(groups, text[:4])
		}
		lines = append(lines, strings.Join(groups, " "))
		b = b[lineBytes:]
	}
	return lines, nil
}

// Code returns what the QR code of the kit holds: upper-case letters and digits, at most 500.
func (k *Kit) Code() (string, error) {
	lines, err := k.Lines()
	if err != nil {
		return "", err
	}
	return prefix + strings.ReplaceAll(strings.Join(lines, ""), " ", ""), nil
}

// lineCheck is the last group of a line, 20 bits.
func lineCheck(i int, data []byte) string {
	sum := sha256.Sum256(append(append([]byte(labelLine), byte(i)), data...))
	return coding.EncodeToString(sum[:3])[:4]
}

// numbered is a line of code as [Kit.Text] prints it, or as somebody copied it.
var numbered = regexp.MustCompile(`^\s*(\d{1,2})\s*[.):]\s*(.*)$`)

// maxText bounds what Parse reads.
const maxText = 64 << 10

// Parse reads a kit: the text of [Kit.Text], the lines of the code alone, with or
// without their numbers, in any case and spacing, or the content of the QR code. A typing
// error is ErrTyping with the line in which it is; what is no kit at all is ErrKit.
func Parse(text string) (*Kit, error) {
	if len(text) > maxText {
		return nil, ErrKit
	}
	lines := codeLines(text)
	if len(lines) == 0 || len(lines) > 255/lineBytes {
		return nil, ErrKit
	}
	var b []byte
	defer func() { clear(b) }()
	for i, l := range lines {
		data, problem := readLine(i, l)
		if problem != "" {
			if i == 0 && len(lines) < leastBytes/lineBytes {
				return nil, ErrKit
			}
			return nil, fmt.Errorf("%w in line %d of the code: %s", ErrTyping, i+1, problem)
		}
		b = append(b, data...)
		if i == 0 && data[0] != version {
			return nil, ErrNewer
		}
	}
	if want := (int(b[1]) + lineBytes - 1) / lineBytes; want != len(lines) && want > 0 {
		return nil, fmt.Errorf("%w: it has %d lines of code, and these are %d", ErrTyping, want, len(lines))
	}
	return decode(b)
}

// codeLines finds the lines of code in a text.
func codeLines(text string) []string {
	var plain, withNumber []string
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if m := numbered.FindStringSubmatch(l); m != nil {
			withNumber = append(withNumber, clean(m[2]))
		} else if l != "" {
			plain = append(plain, l)
		}
	}
	if len(withNumber) > 0 {
		return withNumber
	}
	if len(plain) == 1 { // the QR code, or all of it in one line
		l, found := plain[0], ""
		if len(l) >= len(prefix) && strings.EqualFold(l[:len(prefix)], prefix) {
			l = l[len(prefix):]
		}
		plain = nil
		for found = clean(l); len(found) > lineChars; found = found[lineChars:] {
			plain = append(plain, found[:lineChars])
		}
		return append(plain, found)
	}
	for i := range plain {
		plain[i] = clean(plain[i])
	}
	return plain
}

// clean drops what only separates, and makes of each look-alike what it must be.
func clean(l string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\u00a0', '\u2009', '\u2010', '\u2011', '\u2013':
			return -1
		case 'o', 'O':
			return '0'
		case 'i', 'I', 'l', 'L':
			return '1'
		}
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, l)
}

// readLine reads one line of code, or says what is wrong with it.
func readLine(i int, l string) (data []byte, problem string) {
	if n := len([]rune(l)); n != lineChars {
		return nil, fmt.Sprintf("it has %d characters, not %d", n, lineChars)
	}
	if strings.Trim(l, alphabet) != "" {
		return nil, "it has a character that no code has"
	}
	data, err := coding.DecodeString(l[:lineChars-4])
	if err != nil {
		return nil, "it has a character that no code has"
	}
	if lineCheck(i, data) != l[lineChars-4:] {
		return nil, "a character is wrong, or it is another line's"
	}
	return data, ""
}
