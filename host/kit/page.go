package kit

import (
	"fmt"
	"strings"
)

// A style is how text looks.
type style struct {
	points float64
	bold   bool
	mono   bool
	ink    ink
}

// An ink is a colour.
type ink struct{ r, g, b uint8 }

var (
	black  = ink{20, 24, 31}
	grey   = ink{105, 112, 124}
	accent = ink{18, 84, 122}
	alarm  = ink{150, 40, 20}
	pale   = ink{252, 240, 234}
	shade  = ink{243, 245, 248}
	rule   = ink{206, 212, 220}
)

// A canvas is an A4 page, measured in millimetres from its upper left corner. Text stands
// on its base line.
type canvas interface {
	text(x, y float64, s style, t string)
	width(s style, t string) float64
	fill(x, y, w, h float64, c ink)
}

// Sizes of an A4 page, in millimetres.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
	margin     = 20.0
	inner      = pageWidth - 2*margin
)

// A writer fills a page from the top.
type writer struct {
	canvas
	y float64
}

// draw puts the whole kit on a page.
func (k *Kit) draw(c canvas) error {
	lines, err := k.Lines()
	if err != nil {
		return err
	}
	code, err := k.Code()
	if err != nil {
		return err
	}
	q, err := NewQR(code)
	if err != nil {
		return err
	}
	p := &writer{canvas: c, y: 0}
	w := k.words()
	p.head(w)
	p.box(w.warning)
	p.facts(k.facts())
	p.steps(w.steps)
	p.code(lines, q)
	p.foot(k)
	return nil
}

func (p *writer) head(w words) {
	p.fill(0, 0, pageWidth, 5, accent)
	p.text(margin, 26, style{points: 27, bold: true, ink: accent}, w.title)
	p.right(26, style{points: 10, ink: grey}, "recrypt")
	p.y = 29
	p.paragraph(margin, inner, style{points: 11, ink: grey}, w.purpose)
	p.y += 5
}

// box writes a warning.
func (p *writer) box(warning string) {
	top := p.y
	s := style{points: 10, ink: alarm}
	lines := breakLines(warning, func(l string) bool { return p.width(s, l) <= inner-14 })
	height := 14.5 + float64(len(lines))*leading(s)
	p.fill(margin, top, inner, height, pale)
	p.fill(margin, top, 1.6, height, alarm)
	p.text(margin+7, top+8, style{points: 11, bold: true, ink: alarm}, "Keep this page secret")
	p.y = top + 9
	p.paragraph(margin+7, inner-14, s, warning)
	p.y = top + height + 8
}

// facts writes the table that says whose kit it is.
func (p *writer) facts(facts []fact) {
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		p.text(margin, p.y, style{points: 9.5, ink: grey}, f.label)
		value := style{points: 9.5, ink: black, bold: f.label == "Identity"}
		if f.label == "Id" {
			value.mono = true
		}
		for value.points > 5 && p.width(value, f.value) > inner-24 {
			value.points -= 0.5
		}
		p.text(margin+24, p.y, value, f.value)
		p.y += 6
	}
	p.y += 4
}

// steps writes what to do with the page. A command follows two spaces, at the end.
func (p *writer) steps(steps []string) {
	p.text(margin, p.y, style{points: 13, bold: true, ink: accent}, "How to use it")
	p.y += 2.5
	s := style{points: 10.5, ink: black}
	for i, step := range steps {
		p.text(margin, p.y+leading(s), style{points: 10.5, bold: true, ink: accent}, fmt.Sprint(i+1))
		words, command, _ := strings.Cut(step, "  ")
		p.paragraph(margin+7, inner-7, s, words)
		if command != "" {
			p.text(margin+9+p.width(s, words), p.y, style{points: 10.5, mono: true, bold: true, ink: black}, command)
		}
		p.y += 1.6
	}
	p.y += 6
}

// code writes the numbered lines, and the QR code beside them.
func (p *writer) code(lines []string, q *QR) {
	const side = 58.0
	top := p.y
	height := max(side+8, float64(len(lines))*6.6+18)
	p.fill(margin, top, inner, height, shade)
	p.fill(margin+4, top+4, side, side, ink{255, 255, 255})
	module := side / float64(q.Size()+2*quiet)
	for y := range q.Size() {
		for x := 0; x < q.Size(); x++ {
			run := 0
			for q.Dark(x+run, y) {
				run++
			}
			if run > 0 {
				p.fill(margin+4+float64(x+quiet)*module, top+4+float64(y+quiet)*module, float64(run)*module, module, ink{})
				x += run
			}
		}
	}
	left := margin + side + 10
	p.text(left, top+9, style{points: 9.5, bold: true, ink: accent}, "The code, to type")
	s := style{points: 11.5, mono: true, bold: true, ink: black}
	for s.points > 6 && p.width(s, lines[0]) > margin+inner-5-left-8 {
		s.points -= 0.5
	}
	for i, l := range lines {
		y := top + 16.5 + float64(i)*6.6
		p.text(left, y, style{points: 9, ink: grey}, fmt.Sprintf("%d.", i+1))
		p.text(left+8, y, s, l)
	}
	p.y = top + height
}

func (p *writer) foot(k *Kit) {
	p.fill(margin, pageHeight-19, inner, 0.2, rule)
	s := style{points: 8.5, ink: grey}
	p.text(margin, pageHeight-14, s, "The characters are 0-9 and A-Z without I, L, O and U; upper or lower case is the same.")
	p.right(pageHeight-14, s, k.Made.UTC().Format("2006-01-02"))
}

// paragraph writes text into a column below the present line.
func (p *writer) paragraph(x, width float64, s style, t string) {
	for _, l := range breakLines(t, func(l string) bool { return p.width(s, l) <= width }) {
		p.y += leading(s)
		p.text(x, p.y, s, l)
	}
}

// right writes text that ends at the right margin.
func (p *writer) right(y float64, s style, t string) {
	p.text(pageWidth-margin-p.width(s, t), y, s, t)
}

// leading is the distance of two lines.
func leading(s style) float64 { return s.points * 0.3528 * 1.4 }
