package kit

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the light margin around a QR code, in modules, as the standard asks.
const quiet = 4

// A QR is a QR code, as a square of modules.
type QR struct {
	size int
	dark []bool
}

// NewQR makes the QR code of a text. It bears the loss of a sixth of itself, as by a
// fold in the paper. Upper-case letters and digits take least room.
func NewQR(text string) (*QR, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("make QR code: %w", err)
	}
	q := &QR{size: code.Bounds().Dx()}
	for y := range q.size {
		for x := range q.size {
			r, _, _, _ := code.At(x, y).RGBA()
			q.dark = append(q.dark, r < 0x8000)
		}
	}
	return q, nil
}

// Size is the number of modules in a row, without the margin.
func (q *QR) Size() int { return q.size }

// Dark reports whether a module is dark; outside of the code none is.
func (q *QR) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < q.size && y < q.size && q.dark[y*q.size+x]
}

// Image returns the code with its margin, each module as scale × scale pixels.
func (q *QR) Image(scale int) image.Image {
	n := (q.size + 2*quiet) * scale
	img := image.NewGray(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			if !q.Dark(x/scale-quiet, y/scale-quiet) {
				img.SetGray(x, y, color.Gray{0xff})
			}
		}
	}
	return img
}

// Terminal returns the code for a terminal: two rows of modules to a line, in half blocks.
// With colours it sets black and white itself; without, it takes the terminal to be dark.
func (q *QR) Terminal(colours bool) string {
	var b strings.Builder
	for y := -quiet; y < q.size+quiet; y += 2 {
		if colours {
			b.WriteString("\x1b[97;40m")
		}
		for x := -quiet; x < q.size+quiet; x++ {
			switch upper, lower := !q.Dark(x, y), !q.Dark(x, y+1) && y+1 < q.size+quiet; {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		if colours {
			b.WriteString("\x1b[0m")
		}
		b.WriteRune('\n')
	}
	return b.String()
}
