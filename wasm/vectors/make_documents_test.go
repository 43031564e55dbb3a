package vectors

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Sizes of the payload's encryption, in bytes.
const (
	chunkSize  = 16384
	saltSize   = 24
	streamHead = saltSize + 32
)

// A sealedFile is an encrypted document in its parts, made from the specification
// (C2SP chunked-encryption, Cobblestone-256).
type sealedFile struct {
	key, header, head []byte   // head: salt and commitment
	chunks            [][]byte // sealed
	message           []byte
}

// seal encrypts a message; header is the context.
func seal(name string, header, message []byte) *sealedFile {
	f := &sealedFile{key: draw("document key of "+name, 32), header: header, message: message}
	salt := draw("salt of "+name, saltSize)
	info := slices.Concat([]byte("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"), salt, header)
	okm := must(hkdf.Expand(sha512.New, f.key, string(info), 32+12+32))
	f.head = slices.Concat(salt, okm[44:])
	aead := must(cipher.NewGCM(must(aes.NewCipher(okm[:32]))))
	for k := 0; k <= len(message)/chunkSize; k++ {
		nonce := slices.Clone(okm[32:44])
		nonce[11] ^= byte(k)
		piece := message[k*chunkSize : min((k+1)*chunkSize, len(message))]
		f.chunks = append(f.chunks, aead.Seal(nil, nonce, piece, nil))
	}
	return f
}

func (f *sealedFile) file() []byte {
	return slices.Concat(f.header, f.head, slices.Concat(f.chunks...))
}

// document adds a vector of a document.
func (m *maker) document(name, about, twin string, key, file []byte, want Outcome, released []byte) {
	v := m.vector("document/"+name, about, 0)
	if twin != "" {
		v.Twin = "document/" + twin
	}
	v.Document = &Document{Key: key, File: Value{b: file}, Expect: want, Released: len(released), Hash: sha256.Sum256(released)}
}

// makeDocuments makes the vectors of documents.
func (m *maker) makeDocuments() {
	header := object("header", abi.OpNewHeader, draw("key id", 16), draw("collection id", 16), abi.U32(1), draw("author id", 32), []byte("https://files.example"))[0]
	bare := object("header", abi.OpNewHeader, draw("key id", 16), draw("collection id", 16), abi.U32(1), draw("author id", 32), nil)[0]
	f := seal("letter", header, []byte("Dear Bob, this is for you only."))
	m.document("short", "A document of one short chunk.", "", f.key, f.file(), Opened, f.message)
	empty := seal("empty", header, nil)
	m.document("empty", "A document without contents: one empty chunk.", "", empty.key, empty.file(), Opened, nil)
	without := seal("bare", bare, []byte("text"))
	m.document("without-hint", "A document without a server hint.", "", without.key, without.file(), Opened, without.message)

	stream := func(b []byte) []byte { return slices.Concat(header, b) }
	rest := f.file()[len(header):]
	chunk := streamHead
	bad := func(name, about string, file []byte, want Outcome) {
		m.document("short-"+name, about, "short", f.key, file, want, nil)
	}
	bad("no-bytes", "The file is empty.", nil, Header)
	bad("header-magic", "The file does not begin like a document.", flip(f.file(), 0), Header)
	bad("header-version", "The file is of a later version.", splice(f.file(), 7, []byte{2}), Header)
	bad("header-cut", "The file ends inside the header.", header[:40], Header)
	bad("header-hint", "The server hint is no URL.", splice(f.file(), 78, []byte("ftps")), Header)
	for name, at := range map[string]int{"key-id": 8, "collection-id": 24, "epoch": 43, "author": 44} {
		bad("header-"+name, "The field "+name+" of the header is changed: the commitment is bound to it.", flip(f.file(), at), Key)
	}
	bad("header-hint-changed", "The server hint is changed: the commitment is bound to it.", flip(f.file(), len(header)-1), Key)
	bad("header-hint-removed", "The server hint is removed: the commitment is bound to it.", slices.Concat(bare, rest), Key)
	bad("salt", "A bit of the salt is changed.", stream(flip(rest, 0)), Key)
	bad("commitment", "A bit of the commitment is changed.", stream(flip(rest, saltSize)), Key)
	bad("commitment-last", "A bit of the commitment's last byte is changed.", stream(flip(rest, streamHead-1)), Key)
	bad("cut-before-salt", "The file ends after the header.", header, Truncated)
	bad("cut-in-salt", "The file ends inside the salt.", stream(rest[:10]), Truncated)
	bad("cut-in-commitment", "The file ends inside the commitment.", stream(rest[:streamHead-1]), Truncated)
	bad("cut-before-chunk", "The file ends before its only chunk.", stream(rest[:chunk]), Truncated)
	bad("cut-in-tag", "The file has fewer bytes of the chunk than a tag has.", stream(rest[:chunk+15]), Truncated)
	bad("cut-last", "The last byte is missing.", stream(rest[:len(rest)-1]), Chunk)
	bad("chunk-changed", "A bit of the chunk is changed.", stream(flip(rest, chunk)), Chunk)
	bad("tag-changed", "A bit of the tag is changed.", stream(flip(rest, -1)), Chunk)
	bad("byte-appended", "A byte follows the last chunk.", append(f.file(), 0), Chunk)
	bad("chunk-appended", "The chunk is there twice.", append(f.file(), f.chunks[0]...), Chunk)
	bad("chunk-of-another", "The chunk of another document.", stream(slices.Concat(f.head, empty.chunks[0])), Chunk)
	bad("header-twice", "The header is there twice: the second one is taken for salt.", slices.Concat(header, f.file()), Key)
	m.document("short-wrong-key", "Another key.", "short", flip(f.key, 31), f.file(), Key, nil)
	m.makeLongDocuments(header)
}

// makeLongDocuments makes documents of several chunks.
func (m *maker) makeLongDocuments(header []byte) {
	message := make([]byte, 2*chunkSize+100)
	for i := range message {
		message[i] = byte(i*7 + i>>8)
	}
	f := seal("long", header, message)
	m.blobs["document/three-chunks"] = f.file()
	m.document("long", "A document of two full chunks and a short one.", "", f.key, f.file(), Opened, message)
	exact := seal("exact", header, message[:chunkSize])
	m.blobs["document/full-chunk"] = exact.file()
	m.document("exact", "A document of one full chunk, which an empty one follows.", "", exact.key, exact.file(), Opened, exact.message)
	m.document("exact-end-missing", "The empty chunk at the end is missing.", "exact", exact.key, exact.file()[:len(exact.file())-16], Truncated, exact.message)

	c := f.chunks
	bad := func(name, about string, released int, want Outcome, chunks ...[]byte) {
		m.document("long-"+name, about, "long", f.key, slices.Concat(header, f.head, slices.Concat(chunks...)), want, message[:released*chunkSize])
	}
	bad("first-removed", "The first chunk is missing.", 0, Chunk, c[1], c[2])
	bad("middle-removed", "The second chunk is missing.", 1, Chunk, c[0], c[2])
	bad("last-removed", "The last chunk is missing.", 2, Truncated, c[0], c[1])
	bad("first-doubled", "The first chunk is there twice.", 1, Chunk, c[0], c[0], c[1], c[2])
	bad("swapped", "The full chunks have changed places.", 0, Chunk, c[1], c[0], c[2])
	bad("last-first", "The short chunk comes first.", 0, Chunk, c[2], c[0], c[1])
	bad("second-changed", "A bit of the second chunk is changed.", 1, Chunk, c[0], flip(c[1], 100), c[2])
	bad("second-tag-changed", "A bit of the second chunk's tag is changed.", 1, Chunk, c[0], flip(c[1], -1), c[2])
	bad("last-changed", "A bit of the last chunk is changed.", 2, Chunk, c[0], c[1], flip(c[2], 0))
	bad("cut-in-second", "The file ends inside the second chunk.", 1, Chunk, c[0], c[1][:99])
	bad("cut-to-15", "The file ends 15 bytes into the last chunk.", 2, Truncated, c[0], c[1], c[2][:15])
	bad("cut-to-16", "The file ends 16 bytes into the last chunk, which is the length of an empty one.", 2, Chunk, c[0], c[1], c[2][:16])
	bad("chunk-appended", "A full chunk follows the last one.", 2, Chunk, c[0], c[1], c[2], c[0])
}
