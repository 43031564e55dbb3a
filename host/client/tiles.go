package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

const (
	tileHeight = 8
	maxTile    = translog.TileWidth * tlog.HashSize
	maxTiles   = 256 // kept in memory, 2 MiB
)

// tileCache keeps tiles of the log. They never change, and whoever uses one verifies it
// against a root.
type tileCache struct {
	mu    sync.Mutex
	tiles map[tlog.Tile][]byte
}

func (c *tileCache) get(t tlog.Tile) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tiles[t]
}

// put keeps tiles that were verified.
func (c *tileCache) put(t tlog.Tile, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tiles == nil || len(c.tiles) >= maxTiles {
		c.tiles = map[tlog.Tile][]byte{}
	}
	c.tiles[t] = data
}

// tileReader fetches tiles for tlog, which verifies them.
type tileReader struct {
	*Client
	ctx    context.Context
	failed error // of the way to the server, which is no verdict on it
}

// Height implements tlog.TileReader.
func (r *tileReader) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, t := range tiles {
		if all[i] = r.tiles.get(t); all[i] != nil {
			continue
		}
		data, err := r.fetch(r.ctx, api.PathLog+"tile/"+translog.TilePath(t), maxTile)
		var refused *Error
		if err != nil && !errors.As(err, &refused) {
			r.failed = fmt.Errorf("read log: %w", err)
		}
		if err != nil {
			return nil, err
		}
		if len(data) != t.W*tlog.HashSize {
			return nil, errors.New("a tile has another size than it should")
		}
		all[i] = data
	}
	return all, nil
}

// SaveTiles implements tlog.TileReader.
func (r *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		r.tiles.put(t, data[i])
	}
}

// checkBeginning returns nil if a state is the beginning of the tree of a checkpoint,
// ErrForked if it is not. Unlike a proof of consistency, what it fetches serves for other
// states as well: a folder's documents have one each.
func (c *Client) checkBeginning(ctx context.Context, s abi.LogState, cp *translog.Checkpoint) error {
	if s.Size == uint64(cp.Size) {
		if s.Root != cp.Root {
			return fmt.Errorf("%w: two trees of %d entries", ErrForked, s.Size)
		}
		return nil
	}
	r := &tileReader{Client: c, ctx: ctx}
	root, err := tlog.TreeHash(int64(s.Size), tlog.TileHashReader(tlog.Tree{N: cp.Size, Hash: cp.Root}, r))
	switch {
	case r.failed != nil:
		return r.failed
	case err != nil:
		return fmt.Errorf("%w: it does not show the first %d of its %d entries", ErrForked, s.Size, cp.Size)
	case root != s.Root:
		return fmt.Errorf("%w: %d entries do not go on from %d", ErrForked, cp.Size, s.Size)
	}
	return nil
}
