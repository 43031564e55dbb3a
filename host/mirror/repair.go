package mirror

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
)

// readAt reads what a file has from an offset on, a group and a frame of it at most: a crash leaves no
// more.
func readAt(path string, offset int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, groupSize+2*maxFrame))
}

// follows reports whether the first frame in b, which is not whole, has a length that leads to one
// that is, of a type that there is. Pages of a group that did not reach the disk, while later ones did, read
// as zeros and lead nowhere.
func follows(b []byte) bool {
	if len(b) < 5 {
		return false
	}
	n := binary.BigEndian.Uint32(b[1:])
	if n > maxFrame || int(n)+frameOverhead >= len(b) {
		return false
	}
	kind, _, err := readFrame(bufio.NewReader(bytes.NewReader(b[int(n)+frameOverhead:])))
	return err == nil && bytes.IndexByte([]byte{frameLeaf, frameCheckpoint, frameReceipt}, kind) >= 0
}
