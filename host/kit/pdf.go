package kit

import (
	"bytes"
	"fmt"

	"codeberg.org/go-pdf/fpdf"
)

// PDF returns the kit as one A4 page. The fonts are those that every reader of PDF
// has, and the QR code is drawn, not a picture: it prints sharply.
func (k *Kit) PDF() ([]byte, error) {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetAutoPageBreak(false, 0)
	doc.SetCreationDate(k.Made.UTC())
	doc.SetModificationDate(k.Made.UTC())
	doc.SetCatalogSort(true)
	doc.SetTitle(k.words().title, true)
	doc.SetCompression(true)
	doc.AddPage()
	if err := k.draw(&pdfPage{doc, doc.UnicodeTranslatorFromDescriptor("")}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		return nil, fmt.Errorf("make PDF: %w", err)
	}
	return b.Bytes(), nil
}

// A pdfPage draws into a PDF.
type pdfPage struct {
	doc       *fpdf.Fpdf
	translate func(string) string // to the character set of the core fonts
}

func (p *pdfPage) set(s style) {
	family, weight := "Helvetica", ""
	if s.mono {
		family = "Courier"
	}
	if s.bold {
		weight = "B"
	}
	p.doc.SetFont(family, weight, s.points)
	p.doc.SetTextColor(int(s.ink.r), int(s.ink.g), int(s.ink.b))
}

func (p *pdfPage) text(x, y float64, s style, t string) {
	p.set(s)
	p.doc.Text(x, y, p.translate(t))
}

func (p *pdfPage) width(s style, t string) float64 {
	p.set(s)
	return p.doc.GetStringWidth(p.translate(t))
}

func (p *pdfPage) fill(x, y, w, h float64, c ink) {
	p.doc.SetFillColor(int(c.r), int(c.g), int(c.b))
	p.doc.Rect(x, y, w, h, "F")
}
