package abi

import "encoding/binary"

// frameHead is the number of length bytes before each frame.
const frameHead = 4

// FrameSize returns the length of a frame of n bytes with its head.
func FrameSize(n int) int { return frameHead + n }

// AppendFrame appends b as a frame to dst.
func AppendFrame(dst, b []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// Pack returns the frames of args, one after the other.
func Pack(args ...[]byte) []byte {
	n := 0
	for _, a := range args {
		n += FrameSize(len(a))
	}
	out := make([]byte, 0, n)
	for _, a := range args {
		out = AppendFrame(out, a)
	}
	return out
}

// maxMessage is the longest message in bytes that Result takes from a response.
const maxMessage = 200

// Result takes a response apart: it returns the packed result frames, which
// alias response, or the core's answer as an [*Error]. A message that is long
// or not printable ASCII, and a response without a known status, are the core's
// fault: [ErrInternal].
func Result(response []byte) ([]byte, error) {
	if len(response) == 0 || Status(response[0]) > StatusStopped || len(response) > 1+maxMessage && response[0] != 0 {
		return nil, ErrInternal
	}
	if Status(response[0]) == StatusOK {
		return response[1:], nil
	}
	message := string(response[1:])
	for _, c := range message {
		if c < ' ' || c > '~' {
			return nil, ErrInternal
		}
	}
	return nil, &Error{Status: Status(response[0]), Message: message}
}

// Unpack splits b into exactly want frames, or into any number if want is
// negative. The frames alias b. It fails on trailing or missing bytes.
func Unpack(b []byte, want int) ([][]byte, error) {
	var frames [][]byte
	if want > 0 {
		frames = make([][]byte, 0, want)
	}
	for len(b) > 0 {
		if len(b) < frameHead || (want >= 0 && len(frames) == want) {
			return nil, ErrMalformed
		}
		n := uint64(binary.LittleEndian.Uint32(b))
		b = b[frameHead:]
		if n > uint64(len(b)) {
			return nil, ErrMalformed
		}
		frames = append(frames, b[:n:n])
		b = b[n:]
	}
	if want >= 0 && len(frames) != want {
		return nil, ErrMalformed
	}
	return frames, nil
}

// UnpackBatch splits the content of a batch into its items. More than MaxBatch are
// ErrTooLarge, found before room is made for them.
func UnpackBatch(b []byte) ([][]byte, error) {
	items, rest := 0, b
	for ; len(rest) >= frameHead; items++ {
		if items == MaxBatch {
			return nil, ErrTooLarge
		}
		n := uint64(binary.LittleEndian.Uint32(rest))
		if rest = rest[frameHead:]; n > uint64(len(rest)) {
			return nil, ErrMalformed
		}
		rest = rest[n:]
	}
	return Unpack(b, items)
}

// U8 returns v as a one-byte frame content.
func U8(v uint8) []byte { return []byte{v} }

// U32 returns v as four little-endian bytes.
func U32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// U64 returns v as eight little-endian bytes.
func U64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// Join concatenates ids of a fixed size, which together are one frame content.
func Join[T [16]byte | [32]byte](ids []T) []byte {
	var out []byte
	for i := range ids {
		for j := range len(ids[i]) {
			out = append(out, ids[i][j])
		}
	}
	return out
}

// A Reader takes apart frames in order and remembers the first fault, so that
// an operation reads all of its arguments and checks once.
type Reader struct {
	frames [][]byte
	err    error
}

// NewReader unpacks exactly want frames of b.
func NewReader(b []byte, want int) *Reader {
	frames, err := Unpack(b, want)
	return &Reader{frames: frames, err: err}
}

// Bytes returns the next frame, of any length. It aliases the input.
func (r *Reader) Bytes() []byte {
	if r.err != nil {
		return nil
	}
	if len(r.frames) == 0 {
		r.err = ErrMalformed
		return nil
	}
	f := r.frames[0]
	r.frames = r.frames[1:]
	return f
}

// Fixed returns the next frame, which must have n bytes.
func (r *Reader) Fixed(n int) []byte {
	f := r.Bytes()
	if r.err == nil && len(f) != n {
		r.err = ErrMalformed
		return nil
	}
	return f
}

// FixedOrEmpty returns the next frame, which must have n bytes or none.
func (r *Reader) FixedOrEmpty(n int) []byte {
	f := r.Bytes()
	if r.err == nil && len(f) != n && len(f) != 0 {
		r.err = ErrMalformed
		return nil
	}
	return f
}

// U8 returns the next frame as a number of one byte.
func (r *Reader) U8() uint8 {
	if f := r.Fixed(1); r.err == nil {
		return f[0]
	}
	return 0
}

// flag returns the next frame as a truth, one byte 0 or 1.
func (r *Reader) flag() bool {
	v := r.U8()
	if v > 1 {
		r.err = ErrMalformed
	}
	return r.err == nil && v == 1
}

// U32 returns the next frame as a number of four bytes.
func (r *Reader) U32() uint32 {
	if f := r.Fixed(4); r.err == nil {
		return binary.LittleEndian.Uint32(f)
	}
	return 0
}

// U64 returns the next frame as a number of eight bytes.
func (r *Reader) U64() uint64 {
	if f := r.Fixed(8); r.err == nil {
		return binary.LittleEndian.Uint64(f)
	}
	return 0
}

// Extensions returns the next frame as extensions, which holds nothing but what this
// version knows.
func (r *Reader) Extensions() Extensions {
	f := r.Bytes()
	if e, err := ParseExtensions(f); err == nil && string(e.Encode()) == string(f) {
		return e
	}
	if r.err == nil {
		r.err = ErrMalformed
	}
	return Extensions{}
}

// Text returns the next frame as a string.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Fault returns the first fault so far.
func (r *Reader) Fault() error { return r.err }

// Err returns the first fault, also if frames are left over.
func (r *Reader) Err() error {
	if r.err == nil && len(r.frames) != 0 {
		r.err = ErrMalformed
	}
	return r.err
}
