package server

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// maxDepth is how deep a body may nest; the deepest of ours has three levels.
const maxDepth = 8

// strictJSON reports whether body is one JSON object in valid UTF-8 with no name
// twice in any object and nothing behind it. encoding/json would take the last of
// two equal names, which lets two readers of one body see two requests. Unknown
// names and names in other case are refused by the schema that follows.
func strictJSON(body []byte) bool {
	if !utf8.Valid(body) || !json.Valid(body) || firstByte(body) != '{' {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if !uniqueNames(d, 0) {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// firstByte returns the first byte that is not white space, or 0.
func firstByte(body []byte) byte {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 {
		return 0
	}
	return body[0]
}

// uniqueNames reads one value and reports whether no object in it has a name
// twice.
func uniqueNames(d *json.Decoder, depth int) bool {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return false
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return true
	}
	seen := map[string]bool{}
	for d.More() {
		if opening == '{' {
			name, err := d.Token()
			text, ok := name.(string)
			if err != nil || !ok || seen[text] {
				return false
			}
			seen[text] = true
		}
		if !uniqueNames(d, depth+1) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}
