package server

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/host/store"
)

// DefaultPreparedBytes is what Config.PreparedBytes usually is: room for about 2600 grants
// of collections of recrypt256, or 850 of recrypt480.
const DefaultPreparedBytes = 32 << 20

// DefaultTransformedBytes is what Config.TransformedBytes usually is: room for about 10,000
// values of recrypt256, or 7,000 of recrypt480.
const DefaultTransformedBytes = 32 << 20

// A preparedCache keeps transform keys, by grant, in the form in which they are fastest to
// apply. They are as secret as the transform keys themselves, and an entry is of the very
// transform key that the keyring has just opened.
type preparedCache = secretCache[[16]byte]

// A transformedCache keeps values that were transformed. A hit saves the keyring and all
// arithmetic. Who has such a value and the reader's seed opens the document, so it is kept
// as carefully as what it was made by.
type transformedCache = secretCache[transformedName]

type transformedName struct{ key, grant [16]byte }

// madeOf is what a transformed value is made of. Neither part ever changes under its id as
// long as the grant is live; a key that its owner has refused and that comes again with
// other content is another one.
func madeOf(g *store.Grant, value []byte) [sha256.Size]byte {
	h := sha256.New()
	sealed := sha256.Sum256(g.Sealed)
	h.Write(sealed[:])
	h.Write(value)
	return [sha256.Size]byte(h.Sum(nil))
}

// accessBy is what is remembered with everything that is made of a grant.
func accessBy(g *store.Grant) access {
	return access{grant: g.ID, collection: g.Collection, reader: g.Reader}
}

// forgetGrants overwrites what is kept of grants that have ended. Whoever works with one at
// this moment is refused when it records the opening.
func (s *Server) forgetGrants(grants ...[16]byte) {
	s.prepared.drop(grants...)
	s.transformed.drop(grants...)
}

// forgetAccess is forgetGrants for all grants of a reader to a collection.
func (s *Server) forgetAccess(collection [16]byte, reader [32]byte) {
	s.forgetIf(func(a access) bool { return a.collection == collection && a.reader == reader })
}

// forgetReader is forgetGrants for all grants of a reader: his keys have changed.
func (s *Server) forgetReader(reader [32]byte) {
	s.forgetIf(func(a access) bool { return a.reader == reader })
}

func (s *Server) forgetIf(meant func(access) bool) {
	s.prepared.dropIf(meant)
	s.transformed.dropIf(meant)
}
