package recrypt

import "github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme256"

// scheme returns the suite's algorithms, or ErrSuite.
func (s Suite) scheme() (scheme, error) {
	if s == Suite256 {
		return scheme256.Scheme{}, nil
	}
	return nil, ErrSuite
}
