package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// The plot's measures in pixels.
const (
	plotWidth  = 860
	labelWidth = 120
	valueWidth = 70
	barHeight  = 11
	barGap     = 2
	groupGap   = 12
	topHeight  = 76
	headHeight = 52
	panelGap   = 26
)

// colours of the engines, told apart also by those who see fewer of them.
var colours = map[string]string{"native": "#0b3c5d", "wazero": "#328cc1", "node": "#66b8a6", "npm": "#d9822b"}

var legend = map[string]string{"native": "ours, native", "wazero": "ours, wazero", "node": "ours, Node", "npm": "npm binding, Node (256 bits)"}

// plot returns an SVG of all minimum times: bars on a logarithmic scale, one panel for
// each suite. The npm package's stand in both, for comparison.
func plot(r *report) []byte {
	lines := (barHeight + barGap) * len(engines)
	panel := headHeight + len(operations)*(lines+groupGap)
	height := topHeight + len(suites)*(panel+panelGap)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Helvetica, Arial, sans-serif" font-size="11">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, height)
	x := 20
	for _, e := range engines {
		fmt.Fprintf(&b, `<rect x="%d" y="14" width="12" height="12" fill="%s"/><text x="%d" y="24" fill="#222">%s</text>`+"\n", x, colours[e], x+17, legend[e])
		x += 45 + 6*len(legend[e])
	}
	fmt.Fprintf(&b, `<text x="20" y="44" fill="#666">%s, %s</text>`+"\n", html.EscapeString(r.Machine), html.EscapeString(r.Date))
	fmt.Fprintf(&b, `<text x="20" y="60" fill="#666">Minimum time of one call, on a logarithmic scale. Shorter is better; each line is ten times the one before.</text>`+"\n")
	from, to := r.decades()
	for i, suite := range suites {
		drawPanel(&b, r, suite, topHeight+i*(panel+panelGap), panel, from, to)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// decades returns the powers of ten, in nanoseconds, between which all times lie.
func (r *report) decades() (from, to int) {
	from, to = 99, 0
	for _, row := range r.Rows {
		from = min(from, int(math.Floor(math.Log10(float64(row.Min)))))
		to = max(to, int(math.Ceil(math.Log10(float64(row.Min)))))
	}
	if from >= to {
		return 3, 9
	}
	return from, to
}

// drawPanel draws one suite.
func drawPanel(b *bytes.Buffer, r *report, suite string, top, height, from, to int) {
	width := float64(plotWidth - labelWidth - valueWidth)
	at := func(ns float64) float64 {
		return float64(labelWidth) + width*(math.Log10(ns)-float64(from))/float64(to-from)
	}
	fmt.Fprintf(b, `<text x="20" y="%d" font-size="15" font-weight="bold" fill="#222">%s</text>`+"\n", top+14, suite)
	for d := from; d <= to; d++ {
		x := at(math.Pow10(d))
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle" fill="#666">%s</text>`+"\n",
			x, top+headHeight-8, x, top+height, x, top+headHeight-14, decade(d))
	}
	y := top + headHeight
	for _, op := range operations {
		middle := y + (barHeight+barGap)*len(engines)/2 + 4
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" font-size="12" fill="#222">%s</text>`+"\n", labelWidth-8, middle, op)
		for _, engine := range engines {
			k := key{op, suite, engine}
			if engine == "npm" {
				k.Suite = "recrypt256"
			}
			if row, ok := r.results[k]; ok {
				end := at(float64(row.Min))
				fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d" font-size="10" fill="#444">%s</text>`+"\n",
					labelWidth, y, end-labelWidth, barHeight, colours[engine], end+4, y+barHeight-2, duration(row.Min))
			}
			y += barHeight + barGap
		}
		y += groupGap
	}
}

// decade names a power of ten nanoseconds.
func decade(d int) string {
	unit := []string{"ns", "µs", "ms", "s"}[min(d/3, 3)]
	return fmt.Sprintf("%d %s", int(math.Pow10(d-3*min(d/3, 3))), unit)
}
