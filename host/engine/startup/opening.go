package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"

	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// suites are the suites whose documents are opened, in order.
var suites = []string{"recrypt256", "recrypt480"}

// openings has the milliseconds of some openings of one document by suite, in order, the
// first one in a fresh instance.
type openings map[string][]float64

// again is how many openings follow the first one in an instance.
const again = 10

// makeRequests returns the request of [abi.OpOpenKey] for each suite, as a reader's client
// makes it for a document of somebody else: with the records of both and of the
// service, and the value that the service has transformed for the reader.
func makeRequests(ctx context.Context) (map[string][]byte, error) {
	e, err := engine.New(ctx, engine.Config{Kind: engine.Native, DeferSelfTest: true})
	if err != nil {
		return nil, err
	}
	defer e.Close(ctx)
	requests := map[string][]byte{}
	for n, suite := range suites {
		if requests[suite], err = makeRequest(ctx, abi.Client{Caller: e}, []byte{abi.Suite256, abi.Suite480}[n]); err != nil {
			return nil, fmt.Errorf("making a document of %s: %w", suite, err)
		}
	}
	return requests, nil
}

// makeRequest has an owner make a document and grant it to a reader.
func makeRequest(ctx context.Context, c abi.Client, suite uint8) ([]byte, error) {
	var seeds [4][]byte
	for n := range seeds {
		seeds[n] = make([]byte, 32)
		rand.Read(seeds[n])
	}
	owner, reader, server, recovery := seeds[0], seeds[1], seeds[2], seeds[3]
	var failed error
	one := func(b []byte, err error) []byte {
		if failed == nil {
			failed = err
		}
		return b
	}
	two := func(_, b []byte, err error) []byte { return one(b, err) }
	both := []byte{abi.Suite256, abi.Suite480}
	ownerRecord := one(c.NewIdentity(ctx, owner, recovery, both))
	readerRecord := one(c.NewIdentity(ctx, reader, recovery, both))
	service := one(c.NewService(ctx, server))
	if failed != nil {
		return nil, failed
	}
	opened, err := c.OpenService(ctx, service)
	if err != nil {
		return nil, err
	}
	collection := one(c.NewCollection(ctx, owner, ownerRecord, nil, &abi.CollectionFields{
		Service: opened.ID, Collection: [16]byte{1}, Suite: suite, Deposit: abi.DepositClosed, Title: []byte("title"),
	}))
	transformKey := two(c.NewGrant(ctx, owner, ownerRecord, collection, readerRecord, &abi.GrantFields{Grant: [16]byte{2}, Kind: abi.GrantDirect}))
	key := [16]byte{3}
	value := two(c.NewKey(ctx, owner, ownerRecord, collection, key))
	record := one(c.NewKeyRecord(ctx, owner, ownerRecord, collection, key, value, &abi.Payload{Length: 1000}, abi.Extensions{}))
	value = one(c.TransformKeyValue(ctx, server, value, transformKey))
	return abi.Pack(reader, readerRecord, ownerRecord, collection, service, record, value), failed
}

// printOpenings prints a row: for each suite the first opening, and the ones that follow.
func printOpenings(out io.Writer, name string, all []openings) {
	fmt.Fprintf(out, "%-26s", name)
	for _, suite := range suites {
		var first, next []float64
		for _, o := range all {
			first, next = append(first, o[suite][0]), append(next, o[suite][1:]...)
		}
		for _, times := range [][]float64{first, next} {
			slices.Sort(times)
			fmt.Fprintf(out, " %16s", fmt.Sprintf("%.1f (%.1f)", times[0], times[len(times)/2]))
		}
	}
	fmt.Fprintln(out)
}

// bySuite has the openings of each suite measured.
func bySuite(measure func(suite string, row *[]float64) error) (openings, error) {
	times := openings{}
	for _, suite := range suites {
		var row []float64
		if err := measure(suite, &row); err != nil {
			return nil, fmt.Errorf("%s: %w", suite, err)
		}
		if len(row) != 1+again {
			return nil, fmt.Errorf("%s: %d times, not %d", suite, len(row), 1+again)
		}
		times[suite] = row
	}
	return times, nil
}
