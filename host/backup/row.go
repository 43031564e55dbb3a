package backup

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrStream says that a stream is not a backup, was cut off or was changed.
var ErrStream = errors.New("not an intact backup")

// damaged says what is wrong with a stream, without its content.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrStream, fmt.Sprintf(format, args...))
}

func appendBytes(b, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// appendRow adds the values of a row: int64, []byte, string or nil. They come from a
// database: what does not fit is an error.
func (t *table) appendRow(b []byte, row []any) ([]byte, error) {
	for i := range t.columns {
		c := &t.columns[i]
		if c.null {
			if row[i] == nil || isNil(row[i]) {
				b = append(b, 0)
				continue
			}
			b = append(b, 1)
		}
		switch v := row[i].(type) {
		case int64:
			if c.form != integer {
				return nil, c.wrong(t)
			}
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		case []byte:
			if c.form != octets || v == nil || !c.fits(len(v)) {
				return nil, c.wrong(t)
			}
			b = appendBytes(b, v)
		case string:
			if c.form != text || !c.fits(len(v)) {
				return nil, c.wrong(t)
			}
			b = appendBytes(b, []byte(v))
		default:
			return nil, c.wrong(t)
		}
	}
	return b, nil
}

func isNil(v any) bool {
	b, ok := v.([]byte)
	return ok && b == nil
}

func (c *column) wrong(t *table) error {
	return fmt.Errorf("table %s: column %s has a value that it may not have", t.name, c.name)
}

// fits reports whether a value of n bytes is allowed.
func (c *column) fits(n int) bool { return n <= c.most && (!c.full || n == c.most) }

// parseRow reads one row and returns what follows it. Values are parts of b.
func (t *table) parseRow(b []byte) (row []any, rest []byte, err error) {
	row = make([]any, len(t.columns))
	for i := range t.columns {
		if row[i], b, err = t.columns[i].parse(b); err != nil {
			return nil, nil, err
		}
	}
	return row, b, nil
}

func (c *column) parse(b []byte) (value any, rest []byte, err error) {
	if c.null {
		if len(b) == 0 || b[0] > 1 {
			return nil, nil, damaged("column %s", c.name)
		}
		if b[0] == 0 {
			return nil, b[1:], nil
		}
		b = b[1:]
	}
	if c.form == integer {
		if len(b) < 8 {
			return nil, nil, damaged("column %s", c.name)
		}
		return int64(binary.BigEndian.Uint64(b)), b[8:], nil
	}
	if len(b) < 4 {
		return nil, nil, damaged("column %s", c.name)
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	if uint64(n) > uint64(len(b)) || !c.fits(int(n)) {
		return nil, nil, damaged("column %s", c.name)
	}
	if c.form == text {
		return string(b[:n]), b[n:], nil
	}
	return b[:n:n], b[n:], nil
}

// compareKeys orders two rows by the primary key.
func (t *table) compareKeys(a, b []any) int {
	for i := range t.keys {
		var c int
		switch v := a[i].(type) {
		case int64:
			c = cmp.Compare(v, b[i].(int64))
		case []byte:
			c = cmp.Compare(string(v), string(b[i].([]byte)))
		case string:
			c = cmp.Compare(v, b[i].(string))
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
