package mirror

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const magic = "recrypt-mirror v1\n"

// Types of frames.
const (
	frameHeader     = 'H'
	frameLeaf       = 'L'
	frameCheckpoint = 'C'
	frameReceipt    = 'R'
)

// frameOverhead is what a frame is longer than its payload.
const frameOverhead = 1 + 4 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// damaged says what is wrong, without content.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

func appendFrame(b []byte, kind byte, payload []byte) []byte {
	at := len(b)
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// errTorn says that a file ends within a frame, or with one that is not whole.
var errTorn = errors.New("torn frame")

// readFrame reads the next frame; io.EOF at the end of the file, errTorn if what is there is not
// a frame.
func readFrame(r *bufio.Reader) (kind byte, payload []byte, err error) {
	head, err := r.Peek(5)
	if len(head) == 0 && errors.Is(err, io.EOF) {
		return 0, nil, io.EOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	if len(head) < 5 {
		return 0, nil, errTorn
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, errTorn
	}
	frame := make([]byte, 0, 4096)
	for want := 5 + int(n) + 4; len(frame) < want; {
		// Piece by piece, so that a length alone takes no memory.
		piece := min(want-len(frame), max(64<<10, len(frame)))
		at := len(frame)
		frame = append(frame, make([]byte, piece)...)
		if _, err := io.ReadFull(r, frame[at:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, errTorn
		} else if err != nil {
			return 0, nil, err
		}
	}
	body := frame[:len(frame)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(frame[len(body):]) {
		return 0, nil, errTorn
	}
	return body[0], body[5:], nil
}
