package translog

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func TestTilePaths(t *testing.T) {
	for path, want := range map[string]tlog.Tile{
		"0/000":                {H: 8, L: 0, N: 0, W: 256},
		"0/x001/x234/067":      {H: 8, L: 0, N: 1234067, W: 256},
		"5/000.p/1":            {H: 8, L: 5, N: 0, W: 1},
		"1/x001/234.p/255":     {H: 8, L: 1, N: 1234, W: 255},
		"entries/999":          {H: 8, L: -1, N: 999, W: 256},
		"entries/x001/000.p/7": {H: 8, L: -1, N: 1000, W: 7},
	} {
		got, err := ParseTilePath(path)
		if err != nil || got != want || TilePath(want) != path {
			t.Errorf("%s: %+v, %v, written as %s", path, got, err, TilePath(want))
		}
	}
	for _, bad := range []string{
		"", "0", "0/", "/000", "0/0", "0/00", "0/0000", "00/000", "-1/000", "+0/000", "6/000", "64/000", "data/000", "8/0/000",
		"0/x000/000", "0/000/000", "0/x001", "0/001.p", "0/001.p/", "0/001.p/0", "0/001.p/256", "0/001.p/01", "0/001.p/-1",
		"0/000.p/1/2", "entries", "entries/", "entries/0/000", "0/000 ", "0/x999/x999/x999/x999/x999/x999/999",
		strings.Repeat("0/x001", 100),
	} {
		if got, err := ParseTilePath(bad); !errors.Is(err, ErrTilePath) {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
}

func TestInTree(t *testing.T) {
	tile := func(l int, n int64, w int) tlog.Tile { return tlog.Tile{H: 8, L: l, N: n, W: w} }
	for _, c := range []struct {
		tile tlog.Tile
		size int64
		want bool
	}{
		{tile(0, 0, 256), 256, true}, {tile(0, 0, 256), 255, false}, {tile(0, 0, 255), 255, true}, {tile(0, 0, 255), 300, true},
		{tile(0, 1, 44), 300, true}, {tile(0, 1, 45), 300, false}, {tile(1, 0, 1), 256, true}, {tile(1, 0, 1), 255, false},
		{tile(-1, 1, 44), 300, true}, {tile(-1, 1, 45), 300, false}, {tile(5, 0, 1), MaxTree, true}, {tile(6, 0, 1), MaxTree, false},
		{tile(0, 0, 1), 0, false}, {tile(0, -1, 1), 9, false}, {tile(0, 0, 0), 9, false}, {tile(0, 0, 257), 600, false}, {tile(0, 0, 1), -1, false},
	} {
		if got := InTree(c.tile, c.size); got != c.want {
			t.Errorf("%+v in a tree of %d: %v", c.tile, c.size, got)
		}
	}
	if b := Bundle(299, 300); b != tile(-1, 1, 44) || !IsBundle(b) {
		t.Errorf("leaf 299 of 300 is in %+v", b)
	}
	if b := Bundle(255, 300); b != tile(-1, 0, 256) {
		t.Errorf("leaf 255 of 300 is in %+v", b)
	}
}

// tileServer serves a log as tiles, by their paths.
type tileServer struct {
	*testLog
	t *testing.T
}

func (s tileServer) Height() int                     { return tileHeight }
func (s tileServer) SaveTiles([]tlog.Tile, [][]byte) {}

func (s tileServer) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		parsed, err := ParseTilePath(TilePath(tile))
		if err != nil || parsed != tile || !InTree(tile, s.size()) {
			s.t.Errorf("a client asks for %+v: %v", tile, err)
		}
		out = append(out, must(tlog.ReadTileData(parsed, s)))
	}
	return out, nil
}

// A client that only gets tiles finds every leaf hash proved by them.
func TestTiles(t *testing.T) {
	l := newTestLog(1)
	l.grow(600, 1)
	reader := tlog.TileHashReader(tlog.Tree{N: 600, Hash: l.root(600)}, tileServer{l, t})
	for index := range int64(600) {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil || hashes[0] != tlog.RecordHash(l.leaves[index]) {
			t.Fatalf("leaf %d: %v", index, err)
		}
	}
	var all [][]byte
	for index := int64(0); index < 600; index += TileWidth {
		b := Bundle(index, 600)
		leaves, err := ParseBundle(EncodeBundle(l.leaves[index:index+int64(b.W)]), b.W)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, leaves...)
	}
	if len(all) != 600 || !bytes.Equal(bytes.Join(all, nil), bytes.Join(l.leaves, nil)) {
		t.Error("bundles do not hold the leaves")
	}
}

func TestBundle(t *testing.T) {
	good := EncodeBundle([][]byte{make([]byte, 32), make([]byte, 64)})
	for name, c := range map[string]struct {
		b []byte
		n int
	}{
		"fewer": {good, 3}, "more": {good, 1}, "cut": {good[:len(good)-1], 2}, "half a length": {append(bytes.Clone(good), 0), 3},
		"other leaf": {EncodeBundle([][]byte{make([]byte, 33)}), 1}, "negative": {nil, -1}, "too many": {nil, 257},
	} {
		if leaves, err := ParseBundle(c.b, c.n); !errors.Is(err, ErrBundle) || leaves != nil {
			t.Errorf("%s: %d leaves, %v", name, len(leaves), err)
		}
	}
	if leaves, err := ParseBundle(nil, 0); err != nil || len(leaves) != 0 {
		t.Errorf("an empty bundle: %d, %v", len(leaves), err)
	}
}

func FuzzParseTilePath(f *testing.F) {
	for _, s := range []string{"0/000", "entries/x001/234.p/7", "5/000.p/255", "0/x001/000", "data/000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ParseTilePath(path)
		if err != nil {
			return
		}
		if TilePath(tile) != path || tile.H != tileHeight || tile.N < 0 || tile.W < 1 || tile.W > TileWidth {
			t.Fatalf("%q is %+v", path, tile)
		}
		InTree(tile, MaxTree)
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add(EncodeBundle([][]byte{make([]byte, 32), make([]byte, 64)}), 2)
	f.Add([]byte{0, 32}, 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		leaves, err := ParseBundle(b, n)
		if err == nil && (len(leaves) != n || !bytes.Equal(EncodeBundle(leaves), b)) {
			t.Fatal("an accepted bundle encodes differently")
		}
	})
}
