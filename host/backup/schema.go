package backup

import (
	"crypto/sha256"
	"hash"
	"slices"

	"github.com/recrypt-service/recrypt/host/store"
)

// The types of columns.
type form uint8

const (
	integer form = 'i'
	octets  form = 'b'
	text    form = 't'
)

// A column of a table.
type column struct {
	name string
	form form
	null bool // may be NULL
	most int  // bytes of a value; 0: any, of integers
	full bool // a value has exactly so many bytes
}

// A table with its columns. The first keys columns are its primary key, by which rows are
// ordered: bytes and text by their bytes.
type table struct {
	name    string
	keys    int
	columns []column
	private bool // not in backups, only in complete streams
}

func num(name string) column { return column{name: name, form: integer} }
func id(name string, size int) column {
	return column{name: name, form: octets, most: size, full: true}
}
func blob(name string, most int) column { return column{name: name, form: octets, most: most} }
func (c column) orNull() column         { c.null = true; return c }

// schema are all tables of a service in an order in which each row comes after those that it
// refers to. The tables of engines may have more, which they make themselves.
var schema = []table{
	{name: "service", keys: 1, columns: []column{num("id"), id("service", 32)}},
	{name: "statement", keys: 1, columns: []column{num("id"), blob("content", store.MaxRecord)}},
	{name: "clock", keys: 1, columns: []column{num("id"), num("high")}},
	{name: "identities", keys: 2, columns: []column{
		id("id", 32), num("version"), blob("record", store.MaxRecord), id("signing_key", 32), num("created"), num("since")}},
	{name: "collections", keys: 1, columns: []column{id("id", 16), id("owner", 32), num("created"), num("closed")}},
	{name: "collection_records", keys: 2, columns: []column{
		id("collection", 16), num("sequence"), num("epoch"), blob("record", store.MaxRecord), id("hash", 32), num("created")}},
	{name: "revocations", keys: 1, columns: []column{
		id("id", 16), id("collection", 16), id("owner", 32), id("reader", 32), blob("record", store.MaxRecord),
		blob("receipt", store.MaxRecord).orNull(), num("destroyed"), num("created")}},
	{name: "grants", keys: 1, columns: []column{
		id("id", 16), id("collection", 16), num("sequence"), id("owner", 32), id("reader", 32), num("reader_version"), num("epoch"),
		blob("record", store.MaxRecord), num("not_before"), num("expires"), num("uses"), num("ending"),
		id("revocation", 16).orNull(), id("superseded", 16).orNull(), num("created"),
		num("kind"), num("wait"), blob("scope", 16*store.MaxScope).orNull(), num("used"), num("suspended")}},
	{name: "sealed_keys", keys: 1, private: true, columns: []column{id("grant_id", 16), blob("sealed", store.MaxSealed)}},
	{name: "access_requests", keys: 2, columns: []column{id("collection", 16), id("reader", 32), num("since")}},
	{name: "accepted_authors", keys: 2, columns: []column{id("collection", 16), id("author", 32), num("created")}},
	{name: "document_keys", keys: 1, columns: []column{
		id("id", 16), id("collection", 16), id("owner", 32), id("author", 32), num("epoch"),
		blob("record", store.MaxRecord), blob("value", store.MaxRecord), num("created"), num("accepted")}},
	{name: "log_leaves", keys: 1, columns: []column{num("position"), blob("leaf", 64), blob("ref", store.MaxRef).orNull()}},
	{name: "log_hashes", keys: 1, columns: []column{num("position"), id("hash", 32)}},
	{name: "evidence", keys: 1, columns: []column{id("hash", 32), blob("content", store.MaxEvidence)}},
	{name: "ledger", keys: 1, columns: []column{
		num("position"), id("owner", 32), id("actor", 32), id("salt", 32), blob("entry", store.MaxEntry), id("evidence", 32).orNull(), num("time")}},
	{name: "nonces", keys: 2, private: true, columns: []column{
		id("signer", 32), {name: "nonce", form: text, most: store.MaxNonce}, num("expires")}},
	{name: "claims", keys: 2, private: true, columns: []column{
		id("signer", 32), blob("name", store.MaxNonce), id("request", 32), blob("answer", 16<<20).orNull(), num("expires")}},
}

// tableNamed returns a table of the schema.
func tableNamed(name string) (*table, bool) {
	i := slices.IndexFunc(schema, func(t table) bool { return t.name == name })
	if i < 0 {
		return nil, false
	}
	return &schema[i], true
}

// tablesOf returns the tables of a stream in their order.
func tablesOf(kind Kind) []*table {
	var out []*table
	for i := range schema {
		if kind == Complete || !schema[i].private {
			out = append(out, &schema[i])
		}
	}
	return out
}

// names returns the names of the columns.
func (t *table) names() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// digest begins the checksum of a table: what its rows mean belongs to it.
func (t *table) digest() hash.Hash {
	h := sha256.New()
	h.Write(appendBytes(nil, []byte(t.name)))
	for _, c := range t.columns {
		null := byte(0)
		if c.null {
			null = 1
		}
		h.Write(append(appendBytes(nil, []byte(c.name)), byte(c.form), null))
	}
	return h
}
