package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
)

// The plots' measures in pixels.
const (
	plotWidth   = 860
	plotLeft    = 70
	plotRight   = 250 // for the legend
	panelHeight = 250
	panelTop    = 34 // title of a panel
	panelBottom = 50 // its axis
	headHeight  = 66
)

// colours of series, told apart also by those who see fewer of them.
var colours = []string{"#0b3c5d", "#328cc1", "#66b8a6", "#d9822b", "#8c2d19", "#7b6ca8", "#4d4d4d", "#b5a642", "#c74b8e", "#3f9b0b"}

// A line is a series of a panel: one colour, dashed or not.
type line struct {
	name   string
	colour int
	dashed bool
	points [][2]float64
}

// A panel is one diagram.
type panel struct {
	title, x, y string
	logX, logY  bool
	fromZero    bool // the y axis, if it is not logarithmic
	same        bool // a thin line where y is x
	lines       []line
}

// A plot is panels under each other that answer one question.
type plot struct {
	name     string // of the file
	question string
	about    string
	panels   []panel
}

// svg draws a plot.
func (p *plot) svg(m machine, date string) []byte {
	height := headHeight + len(p.panels)*(panelTop+panelHeight+panelBottom)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Helvetica, Arial, sans-serif" font-size="11">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<text x="20" y="22" font-size="15" font-weight="bold" fill="#222">%s</text>`+"\n", html.EscapeString(p.question))
	fmt.Fprintf(&b, `<text x="20" y="40" fill="#666">%s</text>`+"\n", html.EscapeString(p.about))
	fmt.Fprintf(&b, `<text x="20" y="56" fill="#666">%s</text>`+"\n", html.EscapeString(m.Processor+", one core for all servers and databases, "+date))
	for i := range p.panels {
		p.panels[i].draw(&b, headHeight+i*(panelTop+panelHeight+panelBottom))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// An axis maps values to pixels.
type axis struct {
	low, high float64
	log       bool
	from, to  float64 // pixels
}

func (a axis) at(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(max(v, a.low))
	}
	return a.from + (a.to-a.from)*(v-low)/(high-low)
}

// newAxis makes an axis that shows all values, to even ends.
func newAxis(values []float64, log, fromZero bool, from, to float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if log && v <= 0 {
			continue
		}
		low, high = min(low, v), max(high, v)
	}
	if low > high {
		low, high = 1, 10
	}
	if log {
		low, high = math.Pow10(int(math.Floor(math.Log10(low)+1e-9))), math.Pow10(int(math.Ceil(math.Log10(high)-1e-9)))
		if low == high {
			high *= 10
		}
		return axis{low, high, true, from, to}
	}
	if fromZero {
		low = 0
	}
	if high <= low {
		high = low + 1
	}
	step := stepFor(high - low)
	return axis{math.Floor(low/step) * step, math.Ceil(high/step) * step, false, from, to}
}

// stepFor is an even distance of marks.
func stepFor(span float64) float64 {
	raw := span / 6
	ten := math.Pow10(int(math.Floor(math.Log10(raw))))
	for _, k := range []float64{1, 2, 5} {
		if raw <= k*ten {
			return k * ten
		}
	}
	return 10 * ten
}

// marks are where the axis has a line with a number.
func (a axis) marks() (out []float64) {
	if !a.log {
		step := stepFor(a.high - a.low)
		for v := a.low; v <= a.high+step/2; v += step {
			out = append(out, v)
		}
		return out
	}
	decades := math.Log10(a.high / a.low)
	for v := a.low; v < a.high*1.001; v *= 10 {
		out = append(out, v)
		if decades <= 2.5 && v < a.high {
			out = append(out, 2*v, 5*v)
		}
	}
	return out
}

// draw draws a panel from a height on.
func (p *panel) draw(b *bytes.Buffer, top int) {
	var xs, ys []float64
	for _, l := range p.lines {
		for _, q := range l.points {
			xs, ys = append(xs, q[0]), append(ys, q[1])
		}
	}
	y0, y1 := float64(top+panelTop+panelHeight), float64(top+panelTop)
	x := newAxis(xs, p.logX, false, plotLeft, plotWidth-plotRight)
	y := newAxis(ys, p.logY, p.fromZero, y0, y1)
	fmt.Fprintf(b, `<text x="20" y="%d" font-size="13" font-weight="bold" fill="#222">%s</text>`+"\n", top+18, html.EscapeString(p.title))
	for _, v := range x.marks() {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="middle" fill="#666">%s</text>`+"\n",
			x.at(v), y0, x.at(v), y1, x.at(v), y0+14, mark(v))
	}
	for _, v := range y.marks() {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end" fill="#666">%s</text>`+"\n",
			x.from, y.at(v), x.to, y.at(v), x.from-5, y.at(v)+4, mark(v))
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle" fill="#222">%s</text>`+"\n", (x.from+x.to)/2, y0+30, html.EscapeString(p.x))
	fmt.Fprintf(b, `<text x="14" y="%.1f" text-anchor="middle" fill="#222" transform="rotate(-90 14 %.1f)">%s</text>`+"\n", (y0+y1)/2, (y0+y1)/2, html.EscapeString(p.y))
	if low, high := max(x.low, y.low), min(x.high, y.high); p.same && low < high {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#999" stroke-dasharray="2 3"/>`+"\n", x.at(low), y.at(low), x.at(high), y.at(high))
	}
	for i, l := range p.lines {
		l.draw(b, x, y, top+panelTop+12+16*i)
	}
}

// draw draws a line, its points, and its name in the legend.
func (l *line) draw(b *bytes.Buffer, x, y axis, legend int) {
	colour, dash := colours[l.colour%len(colours)], ""
	if l.dashed {
		dash = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.8"%s points="`, colour, dash)
	for _, q := range l.points {
		fmt.Fprintf(b, "%.1f,%.1f ", x.at(q[0]), y.at(q[1]))
	}
	b.WriteString(`"/>` + "\n")
	for _, q := range l.points {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2.2" fill="%s"/>`, x.at(q[0]), y.at(q[1]), colour)
	}
	at := plotWidth - plotRight + 14
	fmt.Fprintf(b, "\n"+`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="1.8"%s/><text x="%d" y="%d" fill="#222">%s</text>`+"\n",
		at, legend, at+22, legend, colour, dash, at+28, legend+4, html.EscapeString(l.name))
}

// mark is a number at an axis.
func mark(v float64) string {
	switch {
	case abs(v) >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + " M"
	case abs(v) >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + " k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// digits writes three significant digits.
func digits(v float64) string {
	switch {
	case v == 0 || math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case abs(v) >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(abs(v))))), 64)
}
