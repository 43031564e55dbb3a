package blobs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/blobs/blobstest"
)

// newS3 starts a service with a bucket, behind wrap if that is not nil, and returns the URL of
// the bucket and that of the service.
func newS3(t testing.TB, wrap func(http.Handler) http.Handler) (where, endpoint string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "sesame")
	backend := s3mem.New()
	if err := backend.CreateBucket("documents"); err != nil {
		t.Fatal(err)
	}
	handler := gofakes3.New(backend).Server()
	if wrap != nil {
		handler = wrap(handler)
	}
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	return "s3://documents/some/prefix?region=eu-1&endpoint=" + web.URL, web.URL
}

func openS3(t testing.TB, where string, o blobs.Options) *blobs.S3 {
	t.Helper()
	s, err := blobs.OpenS3(t.Context(), where, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestS3(t *testing.T) {
	blobstest.Run(t, func(t *testing.T) blobstest.Opener {
		where, _ := newS3(t, nil)
		return func(t testing.TB, o blobs.Options) blobs.Store { return openS3(t, where, o) }
	})
}

// TestS3Old runs the suite on a service that does not know conditions.
func TestS3Old(t *testing.T) {
	blobstest.Run(t, func(t *testing.T) blobstest.Opener {
		where, _ := newS3(t, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Match") != "" {
					io.Copy(io.Discard, r.Body)
					w.WriteHeader(http.StatusNotImplemented)
					io.WriteString(w, "<Error><Code>NotImplemented</Code></Error>")
					return
				}
				next.ServeHTTP(w, r)
			})
		})
		return func(t testing.TB, o blobs.Options) blobs.Store { return openS3(t, where, o) }
	})
}

// TestS3Requests looks at what is sent: addressed by path, without checksums that some services
// do not know, signed.
func TestS3Requests(t *testing.T) {
	var requests atomic.Int64
	where, _ := newS3(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if !strings.HasPrefix(r.URL.Path, "/documents") {
				t.Errorf("path %s", r.URL.Path)
			}
			if !strings.Contains(r.Header.Get("Authorization"), "/eu-1/s3/aws4_request") {
				t.Errorf("authorization %s", r.Header.Get("Authorization"))
			}
			for name := range r.Header {
				if strings.HasPrefix(strings.ToLower(name), "x-amz-checksum") || strings.EqualFold(name, "X-Amz-Sdk-Checksum-Algorithm") || strings.EqualFold(name, "X-Amz-Trailer") {
					t.Errorf("header %s", name)
				}
			}
			next.ServeHTTP(w, r)
		})
	})
	s := openS3(t, where, blobs.Options{})
	content := blobstest.Content(1, blobs.PartSize+5)
	id := blobs.ID(sha256.Sum256(content))
	for k := range int64(2) {
		p := blobs.Part{Offset: k * blobs.PartSize, Total: int64(len(content))}
		p.Length = min(blobs.PartSize, p.Total-p.Offset)
		if _, err := s.Append(t.Context(), id, blobstest.Upload(1), p, bytes.NewReader(content[p.Offset:])); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n < 5 || n > 15 {
		t.Errorf("%d requests", n)
	}
}

func TestOpenS3(t *testing.T) {
	where, endpoint := newS3(t, nil)
	for url, want := range map[string]string{
		"s3://": "is given as", "s3:///x": "is given as", "s3://b#x": "is given as", "s3://b:1": "is given as",
		"s3://user:sesame@b": "credentials do not belong", "s3://b?endpoint=x": "http or https", "s3://b?endpoint=ftp://x": "http or https",
		"s3://b?color=red": "takes endpoint and region", "s3://b?region=a&region=b": "each once", "s3://b?%zz": "malformed",
		"s3://other?endpoint=" + endpoint: "no bucket other", "s3://documents?endpoint=http://127.0.0.1:1": "does not answer",
	} {
		_, err := blobs.Open(t.Context(), url, blobs.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", url, err)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := blobs.Open(t.Context(), where, blobs.Options{}); err == nil || !strings.Contains(err.Error(), "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("without credentials: %v", err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "sesame")
	t.Setenv("AWS_ENDPOINT_URL_S3", endpoint)
	t.Setenv("AWS_REGION", "eu-2")
	if _, err := blobs.Open(t.Context(), "s3://documents", blobs.Options{}); err != nil {
		t.Errorf("from the environment: %v", err)
	}
}

// TestS3Down has the service fail: the error says so, and nothing is damaged.
func TestS3Down(t *testing.T) {
	var mode atomic.Int64
	where, _ := newS3(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case mode.Load() == 403:
				w.WriteHeader(403)
				io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>sesame</Message></Error>")
			case mode.Load() == 507:
				w.WriteHeader(507)
			case mode.Load() == 1 && r.Method == http.MethodPost && r.URL.Query().Has("uploadId"):
				next.ServeHTTP(httptest.NewRecorder(), r) // completed, but nobody learns of it
				w.WriteHeader(404)
				io.WriteString(w, "<Error><Code>NoSuchUpload</Code></Error>")
			default:
				next.ServeHTTP(w, r)
			}
		})
	})
	s := openS3(t, where, blobs.Options{})
	content := blobstest.Content(1, blobs.PartSize+5)
	id := blobs.ID(sha256.Sum256(content))
	put := func(k int64) (blobs.Progress, error) {
		p := blobs.Part{Offset: k * blobs.PartSize, Total: int64(len(content))}
		p.Length = min(blobs.PartSize, p.Total-p.Offset)
		return s.Append(t.Context(), id, blobstest.Upload(1), p, bytes.NewReader(content[p.Offset:]))
	}
	mode.Store(403)
	if _, err := put(0); !errors.Is(err, blobs.ErrUnavailable) || strings.Contains(err.Error(), "sesame") {
		t.Errorf("refused: %v", err)
	}
	if err := s.Check(t.Context()); !errors.Is(err, blobs.ErrUnavailable) {
		t.Errorf("refused: %v", err)
	}
	mode.Store(0)
	if _, err := put(0); err != nil {
		t.Fatal(err)
	}
	mode.Store(1)
	if got, err := put(1); err != nil || !got.Complete {
		t.Errorf("an answer that was lost: %+v, %v", got, err)
	}
	if n, err := s.Size(t.Context(), id); err != nil || n != int64(len(content)) {
		t.Errorf("%d, %v", n, err)
	}
}

// TestS3Foreign has somebody who may write to the bucket's multipart uploads put another part in
// place of one that was hashed: the document does not become visible.
func TestS3Foreign(t *testing.T) {
	where, endpoint := newS3(t, nil)
	s := openS3(t, where, blobs.Options{})
	content := blobstest.Content(1, blobs.PartSize+5)
	id := blobs.ID(sha256.Sum256(content))
	first := blobs.Part{Length: blobs.PartSize, Total: int64(len(content))}
	if _, err := s.Append(t.Context(), id, blobstest.Upload(1), first, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	c := rawS3(endpoint)
	key := aws.String("some/prefix/documents/" + id.String())
	list, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("documents")})
	if err != nil || len(list.Uploads) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if _, err := c.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String("documents"), Key: key, UploadId: list.Uploads[0].UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(make([]byte, blobs.PartSize)),
	}); err != nil {
		t.Fatal(err)
	}
	last := blobs.Part{Offset: blobs.PartSize, Length: 5, Total: int64(len(content))}
	if got, err := s.Append(t.Context(), id, blobstest.Upload(1), last, bytes.NewReader(content[blobs.PartSize:])); !errors.Is(err, blobs.ErrConflict) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.Size(t.Context(), id); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("visible: %v", err)
	}
}

// TestS3Orphan aborts what was cut off before anything could be noted.
func TestS3Orphan(t *testing.T) {
	where, endpoint := newS3(t, nil)
	s := openS3(t, where, blobs.Options{})
	c := rawS3(endpoint)
	id := blobs.ID(sha256.Sum256(nil))
	for _, key := range []string{"some/prefix/documents/" + id.String(), "elsewhere/" + id.String()} {
		if _, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("documents"), Key: &key}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(t.Context(), time.Hour); err != nil || n != 0 {
		t.Errorf("swept %d, %v", n, err)
	}
	if n, err := s.Sweep(t.Context(), -time.Hour); err != nil || n != 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	list, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("documents")})
	if err != nil || len(list.Uploads) != 1 || !strings.HasPrefix(*list.Uploads[0].Key, "elsewhere") {
		t.Errorf("%v, %v", list, err)
	}
}

func rawS3(endpoint string) *s3.Client {
	return s3.New(s3.Options{
		Region: "eu-1", BaseEndpoint: &endpoint, UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "sesame"}, nil
		}),
	})
}
