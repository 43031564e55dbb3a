package kit

import (
	"errors"
	"strings"
)

// SafetyDigits is the number of digits of a safety number.
const SafetyDigits = 60

// Groups writes a safety number as people compare it: twelve groups of five digits, four
// in a line.
func Groups(digits string) ([]string, error) {
	if len(digits) != SafetyDigits || strings.Trim(digits, "0123456789") != "" {
		return nil, errors.New("kit: not a safety number")
	}
	var lines []string
	for at := 0; at < SafetyDigits; at += 20 {
		l := digits[at : at+20]
		lines = append(lines, l[:5]+" "+l[5:10]+" "+l[10:15]+" "+l[15:])
	}
	return lines, nil
}

// SafetyPNG returns a picture of a safety number, with its QR code, for one person's
// telephone to show to the other's. The names say between whom.
func SafetyPNG(digits, one, other string) ([]byte, error) {
	lines, err := Groups(digits)
	if err != nil {
		return nil, err
	}
	q, err := NewQR(digits)
	if err != nil {
		return nil, err
	}
	const width, side = 90.0, 58.0
	p := newPicture(width, 123)
	p.fill(0, 0, width, 3, accent)
	centre := func(y float64, s style, t string) {
		for s.points > 5 && p.width(s, t) > width-10 {
			s.points -= 0.5
		}
		p.text((width-p.width(s, t))/2, y, s, t)
	}
	centre(14, style{points: 16, bold: true, ink: accent}, "Safety number")
	centre(20.5, style{points: 10, ink: grey}, one+" and "+other)
	module := side / float64(q.Size()+2*quiet)
	for y := range q.Size() {
		for x := range q.Size() {
			if q.Dark(x, y) {
				p.fill((width-side)/2+float64(x+quiet)*module, 23+float64(y+quiet)*module, module, module, ink{})
			}
		}
	}
	for i, l := range lines {
		centre(89+float64(i)*7.5, style{points: 15, mono: true, ink: black}, l)
	}
	centre(112, style{points: 9, ink: grey}, "The same on both sides: nobody is in between.")
	centre(116.5, style{points: 9, ink: grey}, "Compare it face to face or by telephone.")
	return p.encode()
}
