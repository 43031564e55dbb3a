package recrypt

import (
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme480"
)

// scheme returns the suite's algorithms, or ErrSuite.
func (s Suite) scheme() (scheme, error) {
	switch s {
	case Suite256:
		return scheme256.Scheme{}, nil
	case Suite480:
		return scheme480.Scheme{}, nil
	}
	return nil, ErrSuite
}
