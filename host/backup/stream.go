package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/translog"
)

// magic begins a stream.
const magic = "recrypt-backup v1\n"

// Types of frames.
const (
	frameHeader = 'H'
	frameKey    = 'K'
	frameTable  = 'T'
	frameRows   = 'R'
	frameEnd    = 'E'
	frameDone   = 'Z'
)

// Bounds in bytes.
const (
	rowsSize  = 256 << 10 // rows are gathered up to this size
	maxFrame  = 32 << 20  // above rowsSize and the longest row
	maxKey    = 4 << 10   // a sealed server key
	headerLen = 1 + 8 + 32 + 8 + 32
)

// Kind says what a stream holds.
type Kind uint8

// The kinds of streams.
const (
	Backup   Kind = 1 // without transform keys, nonces and claims
	Complete Kind = 2 // all tables
)

// Header is what a stream begins with.
type Header struct {
	Kind    Kind
	Time    int64    // when it was taken, Unix ms
	Service [32]byte // whose data it is, zero if no server has ever used it
	Size    int64    // leaves of the log
	Root    tlog.Hash
}

func (h *Header) encode() []byte {
	b := append(make([]byte, 0, headerLen), byte(h.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Time))
	b = append(b, h.Service[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Size))
	return append(b, h.Root[:]...)
}

func parseHeader(b []byte) (h Header, err error) {
	if len(b) != headerLen || b[0] < byte(Backup) || b[0] > byte(Complete) {
		return h, damaged("header")
	}
	h.Kind, h.Time = Kind(b[0]), int64(binary.BigEndian.Uint64(b[1:]))
	copy(h.Service[:], b[9:])
	h.Size = int64(binary.BigEndian.Uint64(b[41:]))
	copy(h.Root[:], b[49:])
	if h.Time < 0 || h.Size < 0 || h.Size > translog.MaxTree {
		return h, damaged("header")
	}
	return h, nil
}

// TableSum is a table with its checksum.
type TableSum struct {
	Name string
	Rows int64
	Sum  [32]byte // SHA-256 of name, columns and rows
}

// Summary is what a stream was found to hold.
type Summary struct {
	Header
	Key    []byte // the server's seed, sealed by a passphrase; nil if it is not there
	Tables []TableSum
	Bytes  int64
	Sum    [32]byte // SHA-256 of the stream, as its end says

	roots []tlog.Hash // of the largest complete subtrees of the log, when it was read
}

// Rows returns the number of rows of a table, or of all.
func (s *Summary) Rows(name string) (rows int64) {
	for _, t := range s.Tables {
		if name == "" || t.Name == name {
			rows += t.Rows
		}
	}
	return rows
}

// A writer writes a stream.
type writer struct {
	out     *bufio.Writer
	sum     hash.Hash
	summary Summary
	table   *table
	digest  hash.Hash
	rows    int64
	pending []byte
}

func newWriter(w io.Writer, h Header, key []byte) (*writer, error) {
	s := &writer{out: bufio.NewWriterSize(w, 64<<10), sum: sha256.New(), summary: Summary{Header: h, Key: key}}
	if err := s.write([]byte(magic)); err != nil {
		return nil, err
	}
	if err := s.frame(frameHeader, h.encode()); err != nil {
		return nil, err
	}
	if key != nil {
		return s, s.frame(frameKey, key)
	}
	return s, nil
}

func (s *writer) write(b []byte) error {
	s.sum.Write(b)
	s.summary.Bytes += int64(len(b))
	if _, err := s.out.Write(b); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

func (s *writer) frame(kind byte, payload []byte) error {
	if err := s.write(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(payload)))); err != nil {
		return err
	}
	return s.write(payload)
}

func (s *writer) begin(t *table) error {
	s.table, s.digest, s.rows = t, t.digest(), 0
	return s.frame(frameTable, []byte(t.name))
}

func (s *writer) row(row []any) (err error) {
	if s.pending, err = s.table.appendRow(s.pending, row); err != nil {
		return err
	}
	s.rows++
	if len(s.pending) >= rowsSize {
		return s.flush()
	}
	return nil
}

func (s *writer) flush() error {
	if len(s.pending) == 0 {
		return nil
	}
	s.digest.Write(s.pending)
	err := s.frame(frameRows, s.pending)
	s.pending = s.pending[:0]
	return err
}

func (s *writer) end() error {
	if err := s.flush(); err != nil {
		return err
	}
	sum := TableSum{Name: s.table.name, Rows: s.rows, Sum: [32]byte(s.digest.Sum(nil))}
	s.summary.Tables = append(s.summary.Tables, sum)
	return s.frame(frameEnd, append(binary.BigEndian.AppendUint64(nil, uint64(sum.Rows)), sum.Sum[:]...))
}

// done ends the stream.
func (s *writer) done() (*Summary, error) {
	s.summary.Sum = [32]byte(s.sum.Sum(nil))
	if err := s.frame(frameDone, s.summary.Sum[:]); err != nil {
		return nil, err
	}
	if err := s.out.Flush(); err != nil {
		return nil, fmt.Errorf("write backup: %w", err)
	}
	return &s.summary, nil
}
