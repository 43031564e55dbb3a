package kit

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// dotsPerMillimetre gives pictures 200 dots per inch: sharp enough to print.
const dotsPerMillimetre = 200 / 25.4

// PNG returns the kit as a picture of an A4 page, 1654 × 2339 pixels.
func (k *Kit) PNG() ([]byte, error) {
	p := newPicture(pageWidth, pageHeight)
	if err := k.draw(p); err != nil {
		return nil, err
	}
	return p.encode()
}

// A picture draws into pixels.
type picture struct {
	*image.RGBA
	faces map[style]font.Face
}

func newPicture(width, height float64) *picture {
	p := &picture{image.NewRGBA(image.Rect(0, 0, dots(width), dots(height))), map[style]font.Face{}}
	draw.Draw(p, p.Bounds(), image.White, image.Point{}, draw.Src)
	return p
}

func dots(mm float64) int { return int(math.Round(mm * dotsPerMillimetre)) }

func (p *picture) encode() ([]byte, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, p.RGBA); err != nil {
		return nil, fmt.Errorf("make PNG: %w", err)
	}
	return b.Bytes(), nil
}

// fonts are parsed once, in the order regular, bold, mono, mono bold.
var fonts = sync.OnceValues(func() ([]*opentype.Font, error) {
	var all []*opentype.Font
	for _, ttf := range [][]byte{goregular.TTF, gobold.TTF, gomono.TTF, gomonobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("read font: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
})

// face returns the font of a style. The fonts are built in, so that none is missing.
func (p *picture) face(s style) font.Face {
	s.ink = ink{}
	if f := p.faces[s]; f != nil {
		return f
	}
	all, err := fonts()
	if err != nil {
		panic("kit: " + err.Error())
	}
	n := 0
	if s.bold {
		n++
	}
	if s.mono {
		n += 2
	}
	// Go's fonts are wider than those of a PDF: a little smaller they take the same room.
	f, err := opentype.NewFace(all[n], &opentype.FaceOptions{Size: s.points * 0.94, DPI: 25.4 * dotsPerMillimetre, Hinting: font.HintingNone})
	if err != nil {
		panic("kit: " + err.Error())
	}
	p.faces[s] = f
	return f
}

func (c ink) colour() color.Color { return color.RGBA{c.r, c.g, c.b, 0xff} }

func (p *picture) text(x, y float64, s style, t string) {
	d := font.Drawer{Dst: p, Src: image.NewUniform(s.ink.colour()), Face: p.face(s), Dot: fixed.P(dots(x), dots(y))}
	d.DrawString(t)
}

func (p *picture) width(s style, t string) float64 {
	return float64(font.MeasureString(p.face(s), t)) / 64 / dotsPerMillimetre
}

func (p *picture) fill(x, y, w, h float64, c ink) {
	r := image.Rect(dots(x), dots(y), dots(x+w), dots(y+h))
	if r.Dy() == 0 {
		r.Max.Y++
	}
	draw.Draw(p, r, image.NewUniform(c.colour()), image.Point{}, draw.Src)
}
