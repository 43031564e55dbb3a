package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
)

// What a scenario asks for.
const (
	opOpen       = "open"       // get_sym_key of a reader: a transform
	opOpenMany   = "open-many"  // get_sym_keys
	opCollection = "collection" // get_collection of a reader: signed, no transform, nothing recorded
	opAlive      = "livez"      // GET /livez: HTTP alone
)

// What is cached when it asks.
const (
	cacheCold     = "cold"     // nothing: the server keeps nothing
	cachePrepared = "prepared" // the reader's transform key, not the transformed value
	cacheWarm     = "warm"     // the transformed value too
)

// warmKeys is how many keys each reader asks for, again and again, when all is cached.
const warmKeys = 4

// A draw decides who asks for what: the same seed, the same requests.
type draw struct {
	*rand.Rand
	world *world
	s     *scenario
}

func newDraw(w *world, s *scenario, seed uint64) *draw {
	return &draw{rand.New(rand.NewPCG(seed, 0x72656372)), w, s}
}

// request writes one request down, signed as of a time by a reader, whose number it returns.
func (d *draw) request(ctx context.Context, address string, at time.Time) (raw []byte, reader int, err error) {
	f := d.world.folders[d.s.suite()]
	r := d.IntN(len(f.readers))
	raw, err = d.of(ctx, f, r, address, at)
	return raw, r, err
}

// of is a request of reader r.
func (d *draw) of(ctx context.Context, f *folder, r int, address string, at time.Time) ([]byte, error) {
	switch d.s.Operation {
	case opAlive:
		return rawRequest(http.MethodGet, address, "/livez", nil, nil), nil
	case opCollection:
		return d.world.sign(ctx, f.readers[r], http.MethodGet, address, strings.Replace(api.PathCollection, "{id}", api.FormatID(f.id), 1), nil, at)
	case opOpen:
		return d.world.sign(ctx, f.readers[r], http.MethodPost, address, transformPath(d.key(f, r)), nil, at)
	}
	body, err := json.Marshal(api.GetKeys{Keys: d.several(f, r)})
	if err != nil {
		return nil, err
	}
	return d.world.sign(ctx, f.readers[r], http.MethodPost, address, api.PathTransforms, body, at)
}

// key draws the key that reader r asks for.
func (d *draw) key(f *folder, r int) string {
	if d.s.Cache == cacheWarm {
		return f.keys[(r*warmKeys+d.IntN(warmKeys))%len(f.keys)]
	}
	return f.keys[d.IntN(len(f.keys))]
}

// several draws neighbouring keys, each once.
func (d *draw) several(f *folder, r int) []string {
	n := min(d.s.Keys, len(f.keys))
	first := d.IntN(len(f.keys))
	if d.s.Cache == cacheWarm {
		first = r * n
	}
	out := make([]string, n)
	for i := range out {
		out[i] = f.keys[(first+i)%len(f.keys)]
	}
	return out
}

// touch has every reader ask once, so that what the scenario wants to be cached is, on
// every server.
func (d *draw) touch(ctx context.Context, addresses []string) error {
	f, n := d.world.folders[d.s.suite()], 1
	if d.s.Operation != opOpen && d.s.Operation != opOpenMany {
		return nil
	}
	switch {
	case d.s.Cache == cacheCold:
		return nil
	case d.s.Cache == cacheWarm:
		n = warmKeys
		if d.s.Operation == opOpenMany {
			n = d.s.Keys
		}
	}
	for _, address := range addresses {
		err := each(len(f.readers), func(wire *openloop.Wire, r int) error {
			ids := make([]string, min(n, len(f.keys)))
			for i := range ids {
				ids[i] = f.keys[(r*n+i)%len(f.keys)]
			}
			var out api.Keys
			if err := d.world.call(ctx, wire, f.readers[r], http.MethodPost, api.PathTransforms, api.GetKeys{Keys: ids}, &out); err != nil {
				return err
			}
			for _, k := range out.Keys {
				if k.Code != "" {
					return fmt.Errorf("the server refuses a key: %s", k.Code)
				}
			}
			return nil
		}, address)
		if err != nil {
			return fmt.Errorf("fill the cache: %w", err)
		}
	}
	return nil
}
