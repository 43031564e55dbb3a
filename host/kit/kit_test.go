package kit

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

func sample(kind uint8) *Kit {
	k := &Kit{
		Kind: kind, Suites: []uint8{abi.Suite256, abi.Suite480}, Server: "https://recrypt.example.org", Name: "alice",
		Made: time.Date(2027, 3, 14, 0, 0, 0, 0, time.UTC), IDText: "rid1" + strings.Repeat("q", 58),
	}
	for i := range k.Secret {
		k.Secret[i], k.ID[i] = byte(i*7+3), byte(i*5+1)
	}
	return k
}

func (k *Kit) same(t *testing.T, got *Kit, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != k.Kind || got.Secret != k.Secret || got.ID != k.ID || got.Server != k.Server || got.Name != k.Name ||
		!bytes.Equal(got.Suites, k.Suites) || !got.Made.Equal(k.Made) {
		t.Errorf("%+v became %+v", k, got)
	}
}

// TestForms: every form of a kit, also as people spoil it, is read as the same.
func TestForms(t *testing.T) {
	k := sample(abi.SecretSeed)
	text, err := k.Text()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := k.Lines()
	if err != nil {
		t.Fatal(err)
	}
	code, err := k.Code()
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for i, l := range lines {
		numbers = append(numbers, fmt.Sprintf("%d) %s", i+1, strings.ToLower(strings.ReplaceAll(l, " ", "-"))))
	}
	plain := strings.Join(lines, "\n")
	for name, form := range map[string]string{
		"text": text, "lower case": strings.ToLower(text), "lines": plain, "numbered": strings.Join(numbers, "\r\n"),
		"code": code, "code in lower case": strings.ToLower(code), "one line": strings.Join(lines, " "),
		"look-alikes": strings.NewReplacer("0", "o", "1", "l").Replace(plain),
		"empty lines": "\n\n" + strings.Join(lines, "\n\n") + "\n",
	} {
		got, err := Parse(form)
		t.Run(name, func(t *testing.T) { k.same(t, got, err) })
	}
	if k := sample(abi.SecretRecovery); true {
		text, err := k.Text()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(text)
		k.same(t, got, err)
	}
}

// TestEveryTypingError: each wrong, missing, doubled or exchanged character is found, and in
// its line.
func TestEveryTypingError(t *testing.T) {
	lines, err := sample(abi.SecretSeed).Lines()
	if err != nil {
		t.Fatal(err)
	}
	try := func(i int, spoilt string) {
		t.Helper()
		all := append([]string(nil), lines...)
		all[i] = spoilt
		_, err := Parse(strings.Join(all, "\n"))
		if !errors.Is(err, ErrTyping) || !strings.Contains(err.Error(), fmt.Sprintf("line %d ", i+1)) {
			t.Errorf("line %d as %q: %v", i+1, spoilt, err)
		}
	}
	for i, l := range lines {
		for at, c := range l {
			if c == ' ' {
				continue
			}
			for _, other := range alphabet + "U!" {
				if other != c {
					try(i, l[:at]+string(other)+l[at+1:])
				}
			}
			try(i, l[:at]+l[at+1:])
			try(i, l[:at]+string(c)+l[at:])
			if at+1 < len(l) && l[at+1] != ' ' && l[at+1] != l[at] {
				try(i, l[:at]+string(l[at+1])+string(c)+l[at+2:])
			}
		}
	}
}

func TestLinesThatDoNotBelong(t *testing.T) {
	one, _ := sample(abi.SecretSeed).Lines()
	k := sample(abi.SecretSeed)
	k.Secret[0] ^= 1
	two, _ := k.Lines()
	n := len(one)
	for name, lines := range map[string][]string{
		"one missing":   one[:n-1],
		"one too many":  append(append([]string(nil), one...), one[n-1]),
		"exchanged":     append([]string{one[1], one[0]}, one[2:]...),
		"of two kits":   append(append([]string(nil), one[:3]...), two[3:]...),
		"middle absent": append(append([]string(nil), one[:2]...), one[3:]...),
	} {
		if _, err := Parse(strings.Join(lines, "\n")); !errors.Is(err, ErrTyping) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "\n", "hello", "1. hello", "RECRYPT:KIT:", strings.Repeat("A", 70<<10), "{}"} {
		if got, err := Parse(text); !errors.Is(err, ErrKit) || got != nil {
			t.Errorf("%.20q: %v, %v", text, got, err)
		}
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	for name, spoil := range map[string]func(*Kit){
		"kind":        func(k *Kit) { k.Kind = 9 },
		"server":      func(k *Kit) { k.Server = strings.Repeat("x", maxServer+1) },
		"name":        func(k *Kit) { k.Name = "a\nb" },
		"many suites": func(k *Kit) { k.Suites = make([]uint8, maxSuites+1) },
		"too early":   func(k *Kit) { k.Made = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		k := sample(abi.SecretSeed)
		spoil(k)
		if _, err := k.PDF(); err == nil {
			t.Errorf("%s: written", name)
		}
		if _, err := k.Text(); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	k := sample(abi.SecretSeed)
	k.Server, k.Name, k.Suites = strings.Repeat("s", maxServer), strings.Repeat("n", maxName), make([]uint8, maxSuites)
	if b, err := k.encode(); err == nil && len(b) > 255 {
		t.Errorf("%d bytes", len(b))
	}
}

// readQR decodes the QR code in a picture.
func readQR(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatal(err)
	}
	return result.GetText()
}

// TestPictures: the QR codes of the page, alone, in a terminal and of a safety number say
// what they must. RECRYPT_KIT_DIR keeps the pictures to look at.
func TestPictures(t *testing.T) {
	for kind, name := range map[uint8]string{abi.SecretSeed: "kit", abi.SecretRecovery: "recovery"} {
		k := sample(kind)
		page, err := k.PNG()
		if err != nil {
			t.Fatal(err)
		}
		keep(t, name+".png", page)
		img, err := png.Decode(bytes.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(readQR(t, img))
		k.same(t, got, err)
		doc, err := k.PDF()
		if err != nil {
			t.Fatal(err)
		}
		keep(t, name+".pdf", doc)
		if again, err := k.PDF(); err != nil || !bytes.Equal(doc, again) {
			t.Errorf("the PDF is another each time (%v)", err)
		}
		if !bytes.HasPrefix(doc, []byte("%PDF-")) || bytes.Count(doc, []byte("/Type /Page\n")) != 1 || bytes.Contains(doc, []byte("/Subtype /Image")) {
			t.Error("not one page of drawn things")
		}
	}
	k := sample(abi.SecretSeed)
	code, err := k.Code()
	if err != nil {
		t.Fatal(err)
	}
	q, err := NewQR(code)
	if err != nil {
		t.Fatal(err)
	}
	if got := readQR(t, q.Image(4)); got != code {
		t.Error("the QR code says something else")
	}
	for _, colours := range []bool{false, true} {
		if got := readQR(t, screen(q.Terminal(colours))); got != code {
			t.Error("the QR code in the terminal says something else")
		}
	}
}

// screen is what a dark terminal shows of half blocks, 4 pixels to a module.
func screen(text string) image.Image {
	text = strings.NewReplacer("\x1b[97;40m", "", "\x1b[0m", "").Replace(text)
	rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	img := image.NewGray(image.Rect(0, 0, 4*len([]rune(rows[0])), 8*len(rows)))
	for y, row := range rows {
		for x, r := range []rune(row) {
			for i := range 32 {
				if r == '█' || r == '▀' && i < 16 || r == '▄' && i >= 16 {
					img.Pix[(8*y+i/4)*img.Stride+4*x+i%4] = 0xff
				}
			}
		}
	}
	return img
}

func TestSafetyNumber(t *testing.T) {
	digits := strings.Repeat("0123456789", 6)
	page, err := SafetyPNG(digits, "alice", "bob")
	if err != nil {
		t.Fatal(err)
	}
	keep(t, "safety.png", page)
	img, err := png.Decode(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	if got := readQR(t, img); got != digits {
		t.Errorf("the QR code says %q", got)
	}
	lines, err := Groups(digits)
	if err != nil || len(lines) != 3 || lines[0] != "01234 56789 01234 56789" {
		t.Errorf("%q, %v", lines, err)
	}
	for _, bad := range []string{"", digits[1:], digits[1:] + "x"} {
		if _, err := SafetyPNG(bad, "a", "b"); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// keep writes a picture for people to look at.
func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if dir := os.Getenv("RECRYPT_KIT_DIR"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
