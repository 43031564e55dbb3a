package translog

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiles hold 256 hashes of one level, entry bundles 256 leaves; the last ones of a tree
// may be partial.
const (
	tileHeight = 8
	TileWidth  = 1 << tileHeight
)

// leafLevel is the level of entry bundles in a [tlog.Tile].
const leafLevel = -1

// MaxTilePath is longer than any path of a tile in a tree of at most [MaxTree] leaves.
const MaxTilePath = 64

// Errors on which callers branch.
var (
	// ErrTilePath says that a path names no tile, or not in its only spelling.
	ErrTilePath = errors.New("malformed tile path")
	// ErrBundle says that bytes are not the entry bundle that they should be.
	ErrBundle = errors.New("malformed entry bundle")
)

// ParseTilePath reads what follows "tile/" in the path of a tile, "L/N" or "entries/N",
// with ".p/W" if it is partial. N is written in groups of three digits, as in
// x001/x234/067. The level of an entry bundle is -1. ErrTilePath for anything else.
func ParseTilePath(path string) (tlog.Tile, error) {
	if len(path) > MaxTilePath {
		return tlog.Tile{}, ErrTilePath
	}
	// tlog names the height, and calls bundles by another name.
	own := path
	if rest, ok := strings.CutPrefix(path, "entries/"); ok {
		own = "data/" + rest
	}
	t, err := tlog.ParseTilePath("tile/8/" + own)
	if err != nil || TilePath(t) != path || t.L > 5 || t.N < 0 || t.N > MaxTree {
		return tlog.Tile{}, ErrTilePath
	}
	return t, nil
}

// TilePath returns the path that [ParseTilePath] reads. The tile's height must be 8.
func TilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), "tile/8/")
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		return "entries/" + rest
	}
	return path
}

// Bundle returns the tile that holds the leaf with this index in a tree of this size, as
// an entry bundle.
func Bundle(index, size int64) tlog.Tile {
	n := index / TileWidth
	return tlog.Tile{H: tileHeight, L: leafLevel, N: n, W: int(min(size-n*TileWidth, TileWidth))}
}

// IsBundle reports whether a tile is an entry bundle.
func IsBundle(t tlog.Tile) bool { return t.L == leafLevel }

// InTree reports whether a tree of this size has the tile: a partial tile that has been
// filled since is still there.
func InTree(t tlog.Tile, size int64) bool {
	if size < 0 || size > MaxTree || t.L > 5 || t.N < 0 || t.N > MaxTree {
		return false
	}
	hashes := size >> (tileHeight * max(t.L, 0)) // complete ones of that level
	return t.W >= 1 && t.W <= TileWidth && t.N*TileWidth+int64(t.W) <= hashes
}

// EncodeBundle returns the entry bundle of leaves: each one after its length, u16. Leaves
// have at most 65535 bytes; ours have 64.
func EncodeBundle(leaves [][]byte) []byte {
	var b []byte
	for _, leaf := range leaves {
		b = binary.BigEndian.AppendUint16(b, uint16(len(leaf)))
		b = append(b, leaf...)
	}
	return b
}

// ParseBundle returns the n leaves of an entry bundle: ErrBundle if there are more or
// fewer, or one has not the size of a leaf of ours.
func ParseBundle(b []byte, n int) ([][]byte, error) {
	if n < 0 || n > TileWidth {
		return nil, ErrBundle
	}
	leaves := make([][]byte, 0, n)
	for len(b) > 0 {
		if len(b) < 2 || len(leaves) == n {
			return nil, ErrBundle
		}
		size := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; (size != EntryLeafSize && size != RecordLeafSize) || size > len(b) {
			return nil, ErrBundle
		}
		leaves = append(leaves, b[:size:size])
		b = b[size:]
	}
	if len(leaves) != n {
		return nil, ErrBundle
	}
	return leaves, nil
}
