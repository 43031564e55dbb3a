package protocol

import (
	"bytes"
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Lists in records are sets: in ascending order, each element once. One sort for
// elements of every size takes less room than package slices, which is compiled for each.

// sortedSet sorts the elements of size bytes in b, drops those that are there twice, and
// returns what is left, in place. Time n log n, not constant.
func sortedSet(b []byte, size int) []byte {
	n := len(b) / size
	at := func(i int) []byte { return b[i*size : (i+1)*size] }
	swap := func(i, j int) {
		for k := range size {
			b[i*size+k], b[j*size+k] = b[j*size+k], b[i*size+k]
		}
	}
	sink := func(i, n int) { // restores the heap in the first n elements below i
		for {
			child := 2*i + 1
			if child >= n {
				return
			}
			if child+1 < n && bytes.Compare(at(child), at(child+1)) < 0 {
				child++
			}
			if bytes.Compare(at(i), at(child)) >= 0 {
				return
			}
			swap(i, child)
			i = child
		}
	}
	for i := n/2 - 1; i >= 0; i-- {
		sink(i, n)
	}
	for i := n - 1; i > 0; i-- {
		swap(0, i)
		sink(0, i)
	}
	kept := 0
	for i := range n {
		if kept == 0 || !bytes.Equal(at(i), at(kept-1)) {
			copy(at(kept), at(i))
			kept++
		}
	}
	return b[:kept*size]
}

// sorted32 returns the set of ids in the order that records need.
func sorted32(ids [][32]byte) [][32]byte {
	if ids == nil {
		return nil
	}
	set := sortedSet(abi.Join(ids), 32)
	out := make([][32]byte, len(set)/32)
	for i := range out {
		out[i] = [32]byte(set[32*i:])
	}
	return out
}

// sorted16 is sorted32 for short ids.
func sorted16(ids [][16]byte) [][16]byte {
	if ids == nil {
		return nil
	}
	set := sortedSet(abi.Join(ids), 16)
	out := make([][16]byte, len(set)/16)
	for i := range out {
		out[i] = [16]byte(set[16*i:])
	}
	return out
}

// readerSize is the length of an encoded reader: id, then version.
const readerSize = idSize + 4

// sortedReaders returns the set of encoded readers.
func sortedReaders(readers []abi.ReaderRef) []byte {
	b := make([]byte, 0, len(readers)*readerSize)
	for _, r := range readers {
		b = append(b, r.ID[:]...)
		b = binary.BigEndian.AppendUint32(b, r.Version)
	}
	return sortedSet(b, readerSize)
}
