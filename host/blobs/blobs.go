// Package blobs keeps encrypted documents for the document repository: a [Store] on a local
// folder ([OpenDisk]) or in a bucket of any S3-compatible service ([OpenS3]); [Open] chooses.
//
//	store, err := blobs.Open(ctx, "/var/lib/recrypt/blobs", blobs.Options{MaxBytes: 1 << 40})
//	created, err := store.Put(ctx, id, size, content)               // small: in one piece
//	progress, err := store.Append(ctx, id, upload, part, content)   // large: in parts of 8 MiB
//	size, err := store.Size(ctx, id)
//	content, err := store.Read(ctx, id, offset, length)
//
// A document is named by its content: its [ID] is the SHA-256 of its bytes. It becomes visible
// when all of it has come and hashes to its id, and never changes afterwards. So storing again
// has no effect, nobody can put something else under an id, and any number of servers may share
// a folder or a bucket.
//
// # Uploads
//
// A large document comes in parts, in order: part k is the bytes from k × 8 MiB, each part but
// the last has exactly 8 MiB. The client chooses an [UploadID]; several uploads of one document
// do not disturb each other. The SHA-256 of what has come is kept with the upload, so that
// nothing is read twice, and an upload goes on after a restart or on another server. A part
// counts once it is durable; one that was cut off leaves no trace. What is abandoned is visible
// to nobody and removed by [Store.Sweep].
//
// # What it does not do
//
// It neither knows who stores or reads, nor limits how often: that is its caller's task, and so
// is the check that something is an encrypted document at all. It does not delete documents:
// whoever runs the server may, by removing the file or object.
package blobs

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// Bounds.
const (
	PartSize = api.MaxPart // bytes of every part but the last

	// DefaultMaxDocument is the bytes of the largest document unless Options say otherwise.
	DefaultMaxDocument = 16 << 30
	// DefaultKeepFree is the bytes that OpenDisk leaves free on the disk unless Options say
	// otherwise.
	DefaultKeepFree = 256 << 20
	// MaxParts is how many parts a document may have: what S3 takes.
	MaxParts = 10_000
)

// Errors that callers branch on.
var (
	ErrNotFound    = errors.New("there is no such document")
	ErrMismatch    = errors.New("the content is not what its id says")
	ErrShort       = errors.New("the content ended early")
	ErrConflict    = errors.New("the part does not go on where the upload stands")
	ErrBusy        = errors.New("another request is writing this upload, or too many are under way")
	ErrTooLarge    = errors.New("the document is larger than this repository takes")
	ErrFull        = errors.New("no space is left for documents")
	ErrQuota       = errors.New("the repository holds as much as it may")
	ErrUnavailable = errors.New("the storage of documents does not answer")
)

// Options bound a store. The zero value means the defaults.
type Options struct {
	MaxDocument int64 // bytes of one document; 0: DefaultMaxDocument
	MaxBytes    int64 // bytes of all documents and uploads; 0: not bounded
	KeepFree    int64 // bytes that OpenDisk leaves free on its disk; 0: DefaultKeepFree, negative: none
}

func (o Options) withDefaults() Options {
	if o.MaxDocument <= 0 {
		o.MaxDocument = DefaultMaxDocument
	}
	o.MaxDocument = min(o.MaxDocument, PartSize*MaxParts)
	switch {
	case o.KeepFree == 0:
		o.KeepFree = DefaultKeepFree
	case o.KeepFree < 0:
		o.KeepFree = 0
	}
	return o
}

// A Part says which bytes of a document a request carries.
type Part struct {
	Offset int64 // a multiple of PartSize
	Length int64 // PartSize, or less for the last part
	Total  int64 // bytes of the whole document
}

// Valid reports whether p is one of the parts into which a document is cut.
func (p Part) Valid() bool {
	return p.Total > 0 && p.Offset >= 0 && p.Offset%PartSize == 0 && p.Offset < p.Total &&
		p.Length == min(PartSize, p.Total-p.Offset)
}

// end is the offset behind the part.
func (p Part) end() int64 { return p.Offset + p.Length }

// Progress says how far an upload is.
type Progress struct {
	Received int64 // bytes, from the beginning
	Total    int64 // bytes of the whole document
	Complete bool  // the document is there
}

// Usage is what a store holds.
type Usage struct {
	Bytes     int64 // of documents and unfinished uploads
	Max       int64 // 0: not bounded
	Free      int64 // on the disk, beyond what is to stay free; -1: not known
	Documents int64 // -1: not counted
}

// A Store keeps documents. It is safe for concurrent use, also by several processes.
// Lengths are checked by the caller to be positive.
type Store interface {
	// Size returns how many bytes a document has. ErrNotFound.
	Size(ctx context.Context, id ID) (int64, error)

	// Read returns length bytes of a document from offset, which must lie in it. The reader
	// ends with ctx. ErrNotFound.
	Read(ctx context.Context, id ID, offset, length int64) (io.ReadCloser, error)

	// Put stores a document of size bytes, at most PartSize. It reads content whole even if
	// the document is there already, in which case created is false. When it returns, the
	// document is durable. ErrMismatch, ErrShort, ErrTooLarge, ErrFull, ErrQuota; an error of
	// content is returned as it is.
	Put(ctx context.Context, id ID, size int64, content io.Reader) (created bool, err error)

	// Append stores one part of a document, which must be Valid and begin where the upload
	// stands: ErrConflict otherwise. The last part makes the document visible; if it does not
	// hash to id the upload is removed and the error is ErrMismatch. If the part has come
	// before, or the document is there already, nothing is read: the progress tells how to go
	// on. ErrBusy, and the errors of Put.
	Append(ctx context.Context, id ID, upload UploadID, part Part, content io.Reader) (Progress, error)

	// Progress returns how far an upload is. ErrNotFound if neither it nor the document is there.
	Progress(ctx context.Context, id ID, upload UploadID) (Progress, error)

	// Sweep removes uploads to which nothing was added for the time idle, and counts anew what
	// the store holds. It returns how many uploads it has removed.
	Sweep(ctx context.Context, idle time.Duration) (removed int, err error)

	// Usage returns what the store holds, as far as this process knows.
	Usage(ctx context.Context) (Usage, error)

	// Check reports why the store cannot be used, nil if it can.
	Check(ctx context.Context) error

	Close() error
}

// Open opens the store at where: a folder, or s3://BUCKET/PREFIX (see [OpenS3]).
func Open(ctx context.Context, where string, o Options) (Store, error) {
	if strings.HasPrefix(where, "s3://") {
		return OpenS3(ctx, where, o)
	}
	if strings.Contains(where, "://") {
		return nil, errors.New("documents are kept in a folder or in s3://BUCKET")
	}
	return OpenDisk(where, o)
}
