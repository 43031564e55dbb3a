package backup

import (
	"crypto/sha256"
	"hash"

	"github.com/recrypt-service/recrypt/host/translog"
)

// A treeCheck compares the hashes of a log with its leaves.
type treeCheck struct {
	translog.Grower
	made, kept hash.Hash // over all hashes, as they should be and as they are
	hashes     int64
}

func (c *treeCheck) row(t *table, row []any) error {
	if c.made == nil {
		c.made, c.kept = sha256.New(), sha256.New()
	}
	switch t.name {
	case "log_leaves":
		if row[0].(int64) != c.Size() {
			return damaged("the log has a gap")
		}
		for _, h := range c.Add(row[1].([]byte)) {
			c.made.Write(h[:])
		}
	case "log_hashes":
		if row[0].(int64) != c.hashes {
			return damaged("the hashes of the log have a gap")
		}
		c.hashes++
		c.kept.Write(row[1].([]byte))
	}
	return nil
}

// check compares what came with a header.
func (c *treeCheck) check(h *Header) error {
	if c.Size() != h.Size || c.Root() != h.Root {
		return damaged("the log is not the one of the header")
	}
	if c.made != nil && [32]byte(c.made.Sum(nil)) != [32]byte(c.kept.Sum(nil)) {
		return damaged("the hashes of the log are not those of its leaves")
	}
	return nil
}
