// Package backup carries the data of a service: from one storage engine to another, into a
// backup, and back from one.
//
// [Export] writes all tables as one stream, read in one snapshot while servers go on writing;
// [Import] fills an empty database with it, as a whole or not at all; [Verify] checks a
// stream without a database. The stream is the same whatever the engine. [Migrate] moves a
// service with its transform keys, [Restore] brings one back from a backup and from a mirror
// (package mirror) without ever falling behind that mirror.
//
// # The stream
//
//	stream = "recrypt-backup v1\n" frame…
//	frame  = type u8 | length u32 | payload
//
// Numbers are big-endian. The frames come in this order:
//
//	'H' header       once: kind u8 | time u64 (Unix ms) | service id 32 | size of the log u64 | its root 32
//	'K' server key   at most once: the server's seed, sealed by a passphrase
//	'T' table        its name; the tables come in the order of the schema, each once
//	'R' rows         any number: rows without anything between, in the order of the primary key
//	'E' end of table rows u64 | SHA-256 of name, columns and rows
//	'Z' end          SHA-256 of everything before; nothing follows
//
// A row is its values in the order of the columns: an integer as i64; bytes and text as length
// u32 and content; a value that may be NULL begins with a byte, 0 for NULL and 1 for a value.
// A reader refuses every other spelling, rows that are out of order, values longer than the store
// allows, tables that it does not know, and a log whose tree is not the one in the header.
//
// # What is not in a backup
//
// A stream of the kind backup has neither the sealed forms of transform keys nor the keys
// that open them, no nonces and no claims: whoever finds it learns what the server knows and can
// transform nothing, and a reader who was revoked after it was taken cannot be brought back by
// it. All its grants come back as lost: their owners grant them again. A stream of the kind complete
// has all tables, the sealed forms too; those open only with the keyring, which no stream holds.
package backup
