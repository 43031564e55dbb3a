package blobs_test

import (
	"net/http/httptest"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/blobs/blobstest"
)

// newS3 starts a service with a bucket and returns the URL of the bucket.
func newS3(t testing.TB) string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	backend := s3mem.New()
	if err := backend.CreateBucket("documents"); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(web.Close)
	return "s3://documents/some/prefix?region=eu-1&endpoint=" + web.URL
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
		where := newS3(t)
		return func(t testing.TB, o blobs.Options) blobs.Store { return openS3(t, where, o) }
	})
}
