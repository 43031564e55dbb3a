package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/recrypt-service/recrypt/host/cobblestone"
)

// ErrRange is returned for bytes that a document does not have.
var ErrRange = errors.New("the range is not in the document")

// A ByteRange says which bytes of a document's content are wanted, as HTTP does:
//
//	0-99    First 0, Last 99: the first hundred
//	100-    First 100, Last -1: all from the hundredth on
//	-100    First -100: the last hundred, or all if there are fewer
type ByteRange struct{ First, Last int64 }

// ParseByteRange reads a range in text form.
func ParseByteRange(text string) (ByteRange, error) {
	bad := errors.New("a range is FIRST-LAST, FIRST- or -COUNT, in bytes from 0")
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return ByteRange{}, bad
	}
	if from == "" {
		n, err := strconv.ParseUint(to, 10, 62)
		if err != nil || n == 0 {
			return ByteRange{}, bad
		}
		return ByteRange{First: -int64(n), Last: -1}, nil
	}
	first, err := strconv.ParseUint(from, 10, 62)
	if err != nil {
		return ByteRange{}, bad
	}
	if to == "" {
		return ByteRange{First: int64(first), Last: -1}, nil
	}
	last, err := strconv.ParseUint(to, 10, 62)
	if err != nil || last < first {
		return ByteRange{}, bad
	}
	return ByteRange{First: int64(first), Last: int64(last)}, nil
}

// within returns the part of size bytes that is meant.
func (r ByteRange) within(size int64) (first, n int64, err error) {
	first, last := r.First, r.Last
	if first < 0 {
		first = max(0, size+first)
	}
	if last < 0 || last >= size {
		last = size - 1
	}
	if first >= size || last < first {
		return 0, 0, fmt.Errorf("%w: it has %d bytes", ErrRange, size)
	}
	return first, last - first + 1, nil
}

// A RangeSource has an encrypted document of which parts can be read: see [FileSource] and
// [WebDocument].
type RangeSource interface {
	// ReadRange returns length bytes from offset, or as many as there are up to the end.
	ReadRange(ctx context.Context, offset, length int64) (io.ReadCloser, error)
}

// FileSource is an encrypted document in a file.
type FileSource struct{ io.ReaderAt }

// ReadRange implements [RangeSource].
func (f FileSource) ReadRange(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(f.ReaderAt, offset, length)), nil
}

// RangeInfo says what was decrypted by [Client.DecryptRange].
type RangeInfo struct {
	DocumentInfo
	First, Length int64 // of the content
}

// StartSize is how many bytes of a document [Client.DecryptRange] reads first: what precedes the
// content of any document is in them.
const StartSize = maxHeader + cobblestone.HeaderSize

// DecryptRange writes a part of a document's content to dst. It reads the header ([StartSize]
// bytes at most) and the chunks of 16 KiB in which the part lies, no more. The range is cut off at the
// document's end; ErrRange if nothing of it is there.
//
// Who the author of the key is, is verified as in [Client.Decrypt], and every byte is authenticated
// as the one at its place in a document under that key. But that the author has written it is
// not verified: his signature covers the whole. Everybody who can open the document could have
// put other content into it. So what comes is "author not yet verified".
func (c *Client) DecryptRange(ctx context.Context, dst io.Writer, src RangeSource, wanted ByteRange, o DecryptOptions) (*RangeInfo, error) {
	prefix, err := readAll(ctx, src, 0, StartSize)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	h, header, err := readHeader(ctx, c.core, bufio.NewReaderSize(bytes.NewReader(prefix), maxHeader))
	if err != nil {
		return nil, err
	}
	if len(prefix) < h.Length+cobblestone.HeaderSize {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, cobblestone.ErrTruncated)
	}
	start := prefix[h.Length:][:cobblestone.HeaderSize]
	if err := c.checkHint(h.Server, o.Hints); err != nil {
		return nil, err
	}
	k, err := c.fetchKey(ctx, h.Key, o.From)
	if err != nil {
		return nil, err
	}
	key, err := c.openKey(ctx, k)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	info, err := describe(h, k)
	if err != nil {
		return nil, err
	}
	if o.Header != nil {
		o.Header(info)
	}
	first, n, err := wanted.within(info.Bytes)
	if err != nil {
		return nil, err
	}
	s := &sectioning{src: src, base: int64(h.Length), key: key, header: header, start: start, size: info.Bytes}
	if err := s.open(ctx, &sink{ctx: ctx, w: dst, progress: o.Progress}, first, n); err != nil {
		return nil, err
	}
	return &RangeInfo{DocumentInfo: *info, First: first, Length: n}, nil
}

// readAll reads a small part of a document.
func readAll(ctx context.Context, src RangeSource, offset, length int64) ([]byte, error) {
	r, err := src.ReadRange(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, length))
}

// sectioning is what it takes to open parts of a document.
type sectioning struct {
	src                RangeSource
	base               int64 // where the stream begins
	key, header, start []byte
	size               int64 // of the content
}

// open decrypts n bytes from first.
func (s *sectioning) open(ctx context.Context, out *sink, first, n int64) error {
	offset, length, err := cobblestone.Section(first, n, s.size)
	if err != nil {
		return err
	}
	body, err := s.src.ReadRange(ctx, s.base+offset, length)
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	defer body.Close()
	in := &source{r: io.LimitReader(body, length)}
	plain, err := cobblestone.NewRangeReader(bufio.NewReaderSize(in, bufferSize), s.key, s.header, s.start, first, n)
	if err == nil {
		_, err = io.Copy(out, plain)
	}
	if err != nil {
		return blame(err, in, out)
	}
	return nil
}
