package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
)

// A sink takes what a reader finds. Rows are its own until it returns.
type sink interface {
	header(h Header) error
	begin(t *table) error
	row(row []any) error
	end() error
}

// A reader reads a stream strictly and gives it to a sink.
type reader struct {
	in      *bufio.Reader
	sum     hash.Hash
	summary Summary
	sink    sink
	tree    treeCheck
}

// Verify reads a stream to its end and checks all of it: form, order, checksums, and that
// the log's hashes are those of its leaves. ErrStream if anything is wrong. It keeps little more than
// one frame in memory.
func Verify(r io.Reader) (*Summary, error) { return readStream(r, nothing{}) }

// nothing is a sink that forgets.
type nothing struct{}

func (nothing) header(Header) error { return nil }
func (nothing) begin(*table) error  { return nil }
func (nothing) row([]any) error     { return nil }
func (nothing) end() error          { return nil }

// readStream gives a whole stream to a sink. What the sink gets is not known to be intact
// before readStream returns nil.
func readStream(r io.Reader, to sink) (*Summary, error) {
	s := &reader{in: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), sink: to}
	begin := make([]byte, len(magic))
	if err := s.read(begin); err != nil {
		return nil, err
	}
	if string(begin) != magic {
		return nil, damaged("it does not begin as one")
	}
	kind, payload, err := s.frame()
	if err != nil {
		return nil, err
	}
	if kind != frameHeader {
		return nil, damaged("header")
	}
	if s.summary.Header, err = parseHeader(payload); err != nil {
		return nil, err
	}
	if err := s.sink.header(s.summary.Header); err != nil {
		return nil, err
	}
	if err := s.body(); err != nil {
		return nil, err
	}
	s.summary.roots = s.tree.Roots()
	if err := s.tree.check(&s.summary.Header); err != nil {
		return nil, err
	}
	return &s.summary, nil
}

// body reads what follows the header.
func (s *reader) body() error {
	kind, payload, err := s.frame()
	if err == nil && kind == frameKey {
		if len(payload) == 0 || len(payload) > maxKey {
			return damaged("server key")
		}
		s.summary.Key = payload
		kind, payload, err = s.frame()
	}
	for _, t := range tablesOf(s.summary.Kind) {
		if err != nil {
			return err
		}
		if kind != frameTable || string(payload) != t.name {
			return damaged("table %s is not where it should be", t.name)
		}
		if err = s.rows(t); err == nil {
			kind, payload, err = s.frame()
		}
	}
	if err != nil {
		return err
	}
	if kind != frameDone || len(payload) != 32 || [32]byte(payload) != s.summary.Sum {
		return damaged("checksum")
	}
	if _, err := s.in.ReadByte(); err != io.EOF {
		return damaged("something follows its end")
	}
	return nil
}

// rows reads the rest of a table.
func (s *reader) rows(t *table) error {
	if err := s.sink.begin(t); err != nil {
		return err
	}
	digest, count := t.digest(), int64(0)
	var last []any
	for {
		kind, payload, err := s.frame()
		if err != nil {
			return err
		}
		if kind == frameEnd {
			return s.tableEnd(t, payload, count, digest)
		}
		if kind != frameRows || len(payload) == 0 {
			return damaged("table %s", t.name)
		}
		digest.Write(payload)
		for len(payload) > 0 {
			var row []any
			if row, payload, err = t.parseRow(payload); err != nil {
				return err
			}
			if last != nil && t.compareKeys(last, row) >= 0 {
				return damaged("rows of table %s are out of order", t.name)
			}
			last = row
			if err := s.tree.row(t, row); err != nil {
				return err
			}
			if err := s.sink.row(row); err != nil {
				return err
			}
			count++
		}
	}
}

// tableEnd checks the end of a table.
func (s *reader) tableEnd(t *table, payload []byte, count int64, digest hash.Hash) error {
	sum := TableSum{Name: t.name, Rows: count, Sum: [32]byte(digest.Sum(nil))}
	if len(payload) != 40 || binary.BigEndian.Uint64(payload) != uint64(count) || [32]byte(payload[8:]) != sum.Sum {
		return damaged("checksum of table %s", t.name)
	}
	s.summary.Tables = append(s.summary.Tables, sum)
	return s.sink.end()
}

// frame reads the next frame. Before the last one it notes the checksum so far.
func (s *reader) frame() (kind byte, payload []byte, err error) {
	if next, err := s.in.Peek(1); err == nil && next[0] == frameDone {
		s.summary.Sum = [32]byte(s.sum.Sum(nil))
	}
	var head [5]byte
	if err := s.read(head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, damaged("a part is too long")
	}
	// Piece by piece, so that a length alone takes no memory.
	for len(payload) < int(n) {
		piece := min(int(n)-len(payload), max(rowsSize, len(payload)))
		at := len(payload)
		payload = append(payload, make([]byte, piece)...)
		if err := s.read(payload[at:]); err != nil {
			return 0, nil, err
		}
	}
	return head[0], payload, nil
}

func (s *reader) read(b []byte) error {
	n, err := io.ReadFull(s.in, b)
	s.sum.Write(b[:n])
	s.summary.Bytes += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it is cut off")
	}
	return err
}
