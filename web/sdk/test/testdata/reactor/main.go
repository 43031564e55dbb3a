//go:build wasip1

// The reactor is a Go program with the exports of the core and the manners of a
// broken one. The tests of the glue run it.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"strings"
	"time"
	"unsafe"
)

func main() {}

var live = map[int32][]byte{}

func keep(b []byte) int32 {
	p := int32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	live[p] = b
	return p
}

var stop uint32

//go:wasmexport abi_version
func abiVersion() int32 { return 1 }

//go:wasmexport alloc
func alloc(n int32) int32 { return keep(make([]byte, n)) }

//go:wasmexport release
func release(p int32) { delete(live, p) }

//go:wasmexport stop_word
func stopWord() int32 { return int32(uintptr(unsafe.Pointer(&stop))) }

//go:wasmexport call
func call(op, p, n int32) int64 {
	response := append([]byte{0}, run(op, live[p][:n])...)
	return int64(keep(response))<<32 | int64(len(response))
}

var ballast [][]byte

func run(op int32, request []byte) []byte {
	switch op {
	case 1:
		return request
	case 2: // the self-test of a core that is well
		return nil
	case 3:
		os.Exit(3)
	case 4: // more than one piece of randomness
		b := make([]byte, 150000)
		rand.Read(b)
		return b
	case 5:
		start := time.Now()
		time.Sleep(5 * time.Millisecond)
		return binary.LittleEndian.AppendUint64(nil, uint64(time.Since(start)))
	case 6: // a flood of lines
		for range 5000 {
			os.Stdout.WriteString(strings.Repeat("x", 99) + "\n")
		}
	case 7: // one endless line
		for range 5000 {
			os.Stderr.WriteString(strings.Repeat("y", 100))
		}
	case 8: // memory grows, views of it go stale
		ballast = append(ballast, make([]byte, 32<<20))
		return request
	case 9:
		return []byte(strings.Join(os.Args, " ") + "|" + strings.Join(os.Environ(), " "))
	case 10:
		_, err := os.ReadFile("/etc/hostname")
		return []byte(err.Error())
	case 11: // everything waits
		select {}
	case 12:
		b := make([]byte, 16)
		n, err := os.Stdin.Read(b)
		return []byte{byte(n), byte(len(err.Error()))}
	case 13:
		return []byte{byte(len(live))}
	case 14:
		panic("on purpose")
	}
	return nil
}
