package blobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// s3State is what is kept of an upload between its parts, as an object of its own: the hash
// cannot be had from the service, and the tags of the parts say which bytes it was made of. The
// document is completed with just these tags, so that nothing else that was sent for a part,
// by this server or another, can become part of it.
type s3State struct {
	Resume    []byte   `json:"resume"`    // see resume
	Multipart string   `json:"multipart"` // id of the service's multipart upload
	Tags      []string `json:"tags"`      // of the parts, in order

	tag string // of the object that this was read from; "": there is none
	*resume
}

// maxState bounds the object: the tags of MaxParts parts.
const maxState = 2 << 20

func (s *S3) uploadKey(id ID, upload UploadID) string {
	return s.prefix + uploadsDir + "/" + id.String() + "." + upload.String()
}

// Progress implements [Store].
func (s *S3) Progress(ctx context.Context, id ID, upload UploadID) (Progress, error) {
	if size, err := s.Size(ctx, id); err == nil {
		return Progress{Received: size, Total: size, Complete: true}, nil
	} else if !errors.Is(err, ErrNotFound) {
		return Progress{}, err
	}
	st, err := s.state(ctx, s.uploadKey(id, upload))
	if errors.Is(err, errResume) {
		err = ErrNotFound
	}
	if err != nil {
		return Progress{}, err
	}
	return st.progress(), nil
}

// state reads how far an upload is. ErrNotFound, errResume.
func (s *S3) state(ctx context.Context, key string) (*s3State, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, s.explain("read state of upload", err)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxState+1))
	if err != nil {
		return nil, s.explain("read state of upload", err)
	}
	st, err := parseS3State(data)
	if err != nil {
		return nil, err
	}
	st.tag = aws.ToString(out.ETag)
	return st, nil
}

// parseS3State reads what keepState has written; errResume.
func parseS3State(data []byte) (*s3State, error) {
	st := new(s3State)
	if len(data) > maxState || json.Unmarshal(data, st) != nil || st.Multipart == "" {
		return nil, errResume
	}
	var err error
	if st.resume, err = parseResume(st.Resume); err != nil {
		return nil, err
	}
	if int64(len(st.Tags))*PartSize != st.received {
		return nil, errResume
	}
	return st, nil
}

// Append implements [Store].
func (s *S3) Append(ctx context.Context, id ID, upload UploadID, p Part, content io.Reader) (_ Progress, err error) {
	if !p.Valid() {
		return Progress{}, ErrConflict
	}
	if p.Total > s.options.MaxDocument {
		return Progress{}, ErrTooLarge
	}
	if p.Total <= PartSize {
		if _, err := s.Put(ctx, id, p.Total, content); err != nil {
			return Progress{}, err
		}
		return Progress{Received: p.Total, Total: p.Total, Complete: true}, nil
	}
	if size, err := s.Size(ctx, id); err == nil {
		return Progress{Received: size, Total: size, Complete: true}, nil
	} else if !errors.Is(err, ErrNotFound) {
		return Progress{}, err
	}
	key := s.uploadKey(id, upload)
	if _, taken := s.writing.LoadOrStore(key, true); taken {
		return Progress{}, ErrBusy
	}
	defer s.writing.Delete(key)
	st, err := s.state(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		st = &s3State{resume: newResume(p.Total)}
	case errors.Is(err, errResume):
		s.forget(key)
		return Progress{}, ErrConflict
	case err != nil:
		return Progress{}, err
	}
	if done, err := st.follows(p); done || err != nil {
		return st.progress(), err
	}
	if err := s.reserve(ctx, p.Length, p.Total-p.Offset); err != nil {
		return Progress{}, err
	}
	defer func() {
		if err != nil {
			s.release(p.Length)
		}
	}()
	return s.extend(ctx, id, key, st, p, content)
}

// extend sends one part to the service.
func (s *S3) extend(ctx context.Context, id ID, key string, st *s3State, p Part, content io.Reader) (Progress, error) {
	kept := st.progress()
	body, giveBack, err := s.take(content, p.Length)
	if err != nil {
		return kept, err
	}
	defer giveBack()
	st.digest.Write(body)
	last := p.end() == p.Total
	if last {
		if err := checkDigest(st.digest, id); err != nil {
			s.drop(id, key, st)
			return Progress{}, err
		}
	}
	begun := st.Multipart == ""
	if begun {
		if err := s.begin(ctx, id, st); err != nil {
			return kept, err
		}
	}
	if err = s.sendPart(ctx, id, st, body); err == nil {
		st.received = p.end()
		if last {
			return s.complete(ctx, id, key, st)
		}
		err = s.keepState(ctx, key, st)
	}
	switch {
	case errors.Is(err, errParts): // aborted by another server, or by a rule of the bucket
		s.drop(id, key, st)
		return Progress{}, ErrConflict
	case err != nil && begun:
		s.abort(id, st)
	}
	if errors.Is(err, errCondition) { // another server is writing the same upload
		err = ErrBusy
	}
	if err != nil {
		return kept, err
	}
	return st.progress(), nil
}

// begin starts the multipart upload.
func (s *S3) begin(ctx context.Context, id ID, st *s3State) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: s.documentKey(id), ContentType: aws.String("application/octet-stream"),
	})
	if err != nil {
		return s.explain("begin upload", err)
	}
	st.Multipart = aws.ToString(out.UploadId)
	return nil
}

// sendPart sends the next part and notes its tag.
func (s *S3) sendPart(ctx context.Context, id ID, st *s3State, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: s.documentKey(id), UploadId: &st.Multipart, PartNumber: aws.Int32(int32(len(st.Tags) + 1)),
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
	})
	if err = s.explain("store part", err); errors.Is(err, ErrNotFound) {
		err = errParts
	}
	if err != nil {
		return err
	}
	st.Tags = append(st.Tags, aws.ToString(out.ETag))
	return nil
}

// keepState stores how far the upload is, unless somebody else has meanwhile (errCondition).
func (s *S3) keepState(ctx context.Context, key string, st *s3State) (err error) {
	if st.Resume, err = st.encode(); err != nil {
		return err
	}
	data, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("keep state of upload: %w", err)
	}
	in := &s3.PutObjectInput{IfNoneMatch: aws.String("*")}
	if st.tag != "" {
		in = &s3.PutObjectInput{IfMatch: &st.tag}
	}
	_, err = s.put(ctx, key, data, in)
	if errors.Is(err, ErrNotFound) { // it was swept
		err = errParts
	}
	return err
}

// complete makes the parts, just as they were hashed, a document.
func (s *S3) complete(ctx context.Context, id ID, key string, st *s3State) (Progress, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: s.documentKey(id), UploadId: &st.Multipart, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{},
	}
	for i, tag := range st.Tags {
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{ETag: &tag, PartNumber: aws.Int32(int32(i + 1))})
	}
	_, err := s.client.CompleteMultipartUpload(ctx, in)
	if err = s.explain("store document", err); errors.Is(err, errUnsupported) {
		in.IfNoneMatch = nil
		_, err = s.client.CompleteMultipartUpload(ctx, in)
		err = s.explain("store document", err)
	}
	done := Progress{Received: st.total, Total: st.total, Complete: true}
	if err == nil {
		s.forget(key)
		if s.count.Load() >= 0 {
			s.count.Add(1)
		}
		return done, nil
	}
	// It may be there all the same: by another upload, or by this one, whose answer was lost.
	if size, there := s.Size(ctx, id); there == nil && size == st.total {
		s.drop(id, key, st)
		return done, nil
	}
	if errors.Is(err, errParts) || errors.Is(err, errCondition) || errors.Is(err, ErrNotFound) {
		s.drop(id, key, st)
		return Progress{}, ErrConflict
	}
	return Progress{}, err
}

// drop removes what has come of an upload.
func (s *S3) drop(id ID, key string, st *s3State) {
	s.abort(id, st)
	s.forget(key)
	s.release(st.received)
}

// abort lets the service remove the parts. That it fails is left to the next sweep.
func (s *S3) abort(id ID, st *s3State) {
	if st.Multipart != "" {
		s.abortMultipart(*s.documentKey(id), st.Multipart)
	}
}

func (s *S3) abortMultipart(key, multipart string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	_, _ = s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &multipart})
}

// forget removes the state of an upload.
func (s *S3) forget(key string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	_, _ = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
}

// Sweep implements [Store].
func (s *S3) Sweep(ctx context.Context, idle time.Duration) (removed int, err error) {
	before := time.Now().Add(-idle)
	live := map[string]bool{} // multipart uploads that go on
	err = s.list(ctx, s.prefix+uploadsDir+"/", func(o types.Object) error {
		key := aws.ToString(o.Key)
		name := key[len(s.prefix)+len(uploadsDir)+1:]
		if !isUpload(name) {
			return nil
		}
		st, err := s.state(ctx, key)
		if err != nil && !errors.Is(err, errResume) {
			return ignore(err, ErrNotFound)
		}
		_, writing := s.writing.Load(key)
		if aws.ToTime(o.LastModified).After(before) || writing {
			if st != nil {
				live[st.Multipart] = true
			}
			return nil
		}
		if id, ok := ParseID(name[:IDLength]); ok && st != nil {
			s.abort(id, st)
		}
		s.forget(key)
		removed++
		return nil
	})
	if err != nil {
		return removed, err
	}
	orphans, err := s.sweepParts(ctx, before, live)
	removed += orphans
	if err == nil && s.options.MaxBytes > 0 {
		err = s.recount(ctx)
	}
	return removed, err
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

// sweepParts aborts multipart uploads without a state, which were cut off at their first part.
func (s *S3) sweepParts(ctx context.Context, before time.Time, live map[string]bool) (removed int, err error) {
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{
		Bucket: &s.bucket, Prefix: aws.String(s.prefix + documentsDir + "/"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err = s.explain("list uploads", err); errors.Is(err, errUnsupported) || errors.Is(err, ErrNotFound) || errors.Is(err, errParts) {
			return removed, nil // it lists none, or there are none
		} else if err != nil {
			return removed, err
		}
		for _, u := range page.Uploads {
			if id := aws.ToString(u.UploadId); !live[id] && aws.ToTime(u.Initiated).Before(before) {
				s.abortMultipart(aws.ToString(u.Key), id)
				removed++
			}
		}
	}
	return removed, nil
}

// list calls each for every object under a prefix.
func (s *S3) list(ctx context.Context, prefix string, each func(types.Object) error) error {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.explain("list objects", err)
		}
		for _, o := range page.Contents {
			if err := each(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// recount counts what the bucket holds, unless something comes or goes meanwhile.
func (s *S3) recount(ctx context.Context) error {
	before := s.used.Load()
	var sum, documents int64
	err := s.list(ctx, s.prefix+documentsDir+"/", func(o types.Object) error {
		sum += charge(aws.ToInt64(o.Size))
		documents++
		return nil
	})
	if err != nil {
		return err
	}
	err = s.list(ctx, s.prefix+uploadsDir+"/", func(o types.Object) error {
		st, err := s.state(ctx, aws.ToString(o.Key))
		if err != nil {
			return ignore(ignore(err, ErrNotFound), errResume)
		}
		sum += st.received
		return nil
	})
	if err == nil && s.used.CompareAndSwap(before, sum) {
		s.count.Store(documents)
	}
	return err
}
