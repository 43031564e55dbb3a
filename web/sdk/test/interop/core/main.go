// The command core answers calls of the boundary on its standard input, for the interop
// check: natively, or by the WebAssembly module in wazero.
//
// A call is an operation as a u32, the length of the request as a u32, and the request;
// the answer the length as a u32, and the response with its status byte. Numbers are
// little-endian. Two operations are not the boundary's: 0xffffffff gives the seed of the
// random stream for what follows, and has no answer; 0xfffffffe derives the private key of
// a plaintext (suite u8, plaintext 12n → private key n).
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"log"
	"os"
	"testing"

	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

const (
	reseed = 1<<32 - 1
	derive = 1<<32 - 2
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("core: ")
	kind := flag.String("engine", engine.Native, "native or wazero")
	flag.Parse()
	if err := serve(context.Background(), *kind, os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, kind string, in io.Reader, out io.Writer) error {
	random := &dice{abitest.NewStream("start")}
	cfg := engine.Config{Kind: kind}
	if kind == engine.Wazero {
		cfg.Instances, cfg.Random = 1, random
	} else {
		recrypttest.SetRandom(forever{}, random)
	}
	e, err := engine.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer e.Close(ctx)
	in = bufio.NewReader(in)
	for {
		var head [8]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		op, n := binary.LittleEndian.Uint32(head[:4]), binary.LittleEndian.Uint32(head[4:])
		if n > abi.MaxRequest {
			return errors.New("request too large")
		}
		request := make([]byte, n)
		if _, err := io.ReadFull(in, request); err != nil {
			return err
		}
		if op == reseed {
			random.Reader = abitest.NewStream(string(request))
			continue
		}
		response, err := call(ctx, e, abi.Op(op), request)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(response))), response...)); err != nil {
			return err
		}
	}
}

// call returns the response with its status byte.
func call(ctx context.Context, e *engine.Engine, op abi.Op, request []byte) ([]byte, error) {
	if op == derive {
		return derivePrivateKey(request)
	}
	result, err := e.Call(ctx, op, request)
	if answer, ok := errors.AsType[*abi.Error](err); ok {
		return append([]byte{byte(answer.Status)}, answer.Message...), nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{byte(abi.StatusOK)}, result...), nil
}

// derivePrivateKey is the method of package recrypt that the boundary does not offer.
func derivePrivateKey(request []byte) ([]byte, error) {
	args, err := abi.Unpack(request, 2)
	if err != nil || len(args[0]) != 1 {
		return nil, errors.New("bad request")
	}
	m, err := recrypt.NewPlaintext(recrypt.Suite(args[0][0]), args[1])
	if err != nil {
		return nil, err
	}
	k, err := m.PrivateKey()
	if err != nil {
		return nil, err
	}
	return append([]byte{byte(abi.StatusOK)}, abi.Pack(k.Bytes())...), nil
}

// dice are a random stream that can be exchanged.
type dice struct{ io.Reader }

// forever is the test that never ends, in which the randomness of the native core is
// replaced.
type forever struct{ testing.TB }

func (forever) Helper()        {}
func (forever) Cleanup(func()) {}
