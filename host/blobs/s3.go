package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// maxHeld bounds the bytes of parts that are held while they come: a signed request to S3
	// needs the whole part at once.
	maxHeld = 128 << 20
	// callTimeout is how long one small request to the service may take, with its repetitions.
	callTimeout = 30 * time.Second
	// sendTimeout is the same for one that carries a part.
	sendTimeout = 3 * time.Minute
	// headerTimeout is how long the service may take to begin its answer.
	headerTimeout = 30 * time.Second
)

// S3 is the store in a bucket. It keeps
//
//	PREFIX/documents/ID              a whole document
//	PREFIX/uploads/ID.UPLOAD         how far an upload is, see s3State
//
// and what has come of an upload as a multipart upload of the service.
type S3 struct {
	client   *s3.Client
	bucket   string
	prefix   string // "", or ends in a slash
	options  Options
	used     atomic.Int64
	count    atomic.Int64
	held     atomic.Int64
	writing  sync.Map // keys of uploads that this process writes
	pressed  pressure
	maxHeld  int64
	endpoint string // "" is that of AWS
}

// OpenS3 opens the store in a bucket of any service that speaks S3, and asks whether the bucket
// is there. where is
//
//	s3://BUCKET[/PREFIX][?endpoint=URL][&region=REGION]
//
// What it leaves out comes from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION or
// AWS_DEFAULT_REGION (then us-east-1). The credentials are in AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if there is one; never in the URL. With an
// endpoint, buckets are addressed by path.
//
// What is sent for one document over many requests survives the server: any other one goes on
// with it. Abandoned multipart uploads are aborted by [S3.Sweep] where the service lists them;
// a lifecycle rule of the bucket should do the same after some days.
func OpenS3(ctx context.Context, where string, o Options) (*S3, error) {
	s, err := newS3(where, o)
	if err != nil {
		return nil, err
	}
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	if s.options.MaxBytes > 0 {
		if err := s.recount(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// newS3 reads the configuration.
func newS3(where string, o Options) (*S3, error) {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.Port() != "" || u.Fragment != "" {
		return nil, errors.New("a bucket is given as s3://BUCKET[/PREFIX][?endpoint=URL][&region=REGION]")
	}
	if u.User != nil {
		return nil, errors.New("credentials do not belong into the URL: give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the URL of the bucket has a malformed query")
	}
	for name, values := range query {
		if (name != "endpoint" && name != "region") || len(values) != 1 {
			return nil, errors.New("the URL of a bucket takes endpoint and region, each once")
		}
	}
	endpoint := first(query.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	if endpoint != "" {
		e, err := url.Parse(endpoint)
		if err != nil || (e.Scheme != "http" && e.Scheme != "https") || e.Host == "" || e.User != nil {
			return nil, errors.New("the endpoint of a bucket is an http or https URL")
		}
	}
	credentials, err := credentialsFrom(os.Getenv)
	if err != nil {
		return nil, err
	}
	s := &S3{bucket: u.Host, prefix: strings.Trim(u.Path, "/"), options: o.withDefaults(), maxHeld: maxHeld, endpoint: endpoint}
	if s.prefix != "" {
		s.prefix += "/"
	}
	s.count.Store(-1)
	s.client = s3.New(s3.Options{
		Region:      first(query.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		Credentials: credentials,
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout, t.MaxIdleConnsPerHost = headerTimeout, 64
		}),
		// Other values add checksums that several services refuse; documents carry their own.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &endpoint, true
		}
	})
	return s, nil
}

// credentialsFrom reads the credentials once, at start.
func credentialsFrom(getenv func(string) string) (aws.CredentialsProvider, error) {
	c := aws.Credentials{
		AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return nil, errors.New("a bucket needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil }), nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (s *S3) documentKey(id ID) *string {
	return aws.String(s.prefix + documentsDir + "/" + id.String())
}

// Size implements [Store].
func (s *S3) Size(ctx context.Context, id ID) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.documentKey(id)})
	if err != nil {
		return 0, s.explain("look for document", err)
	}
	return aws.ToInt64(out.ContentLength), nil
}

// Read implements [Store].
func (s *S3) Read(ctx context.Context, id ID, offset, length int64) (io.ReadCloser, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: s.documentKey(id), Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)),
	})
	if err != nil {
		return nil, s.explain("read document", err)
	}
	if got := aws.ToInt64(out.ContentLength); got != length {
		out.Body.Close()
		return nil, fmt.Errorf("%w: it sends %d bytes in place of %d", ErrUnavailable, got, length)
	}
	return out.Body, nil
}

// Put implements [Store].
func (s *S3) Put(ctx context.Context, id ID, size int64, content io.Reader) (created bool, err error) {
	if size > min(PartSize, s.options.MaxDocument) {
		return false, ErrTooLarge
	}
	if _, err := s.Size(ctx, id); err == nil {
		return false, discard(content, size, id)
	} else if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if err := s.reserve(ctx, size, size); err != nil {
		return false, err
	}
	defer func() {
		if !created {
			s.release(size)
		}
	}()
	body, giveBack, err := s.take(content, size)
	if err != nil {
		return false, err
	}
	defer giveBack()
	if sha256.Sum256(body) != id {
		return false, ErrMismatch
	}
	_, err = s.put(ctx, *s.documentKey(id), body, &s3.PutObjectInput{IfNoneMatch: aws.String("*")})
	if errors.Is(err, errCondition) {
		return false, nil
	}
	if err == nil && s.count.Load() >= 0 {
		s.count.Add(1)
	}
	return err == nil, err
}

// put stores an object under the conditions of in, and returns its new tag. Where the service
// knows no conditions, it stores without. errCondition if they do not hold.
func (s *S3) put(ctx context.Context, key string, body []byte, in *s3.PutObjectInput) (tag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	in.Bucket, in.Key, in.Body, in.ContentLength = &s.bucket, &key, bytes.NewReader(body), aws.Int64(int64(len(body)))
	in.ContentType = aws.String("application/octet-stream")
	out, err := s.client.PutObject(ctx, in)
	if err = s.explain("store", err); errors.Is(err, errUnsupported) {
		in.IfMatch, in.IfNoneMatch, in.Body = nil, nil, bytes.NewReader(body)
		out, err = s.client.PutObject(ctx, in)
		err = s.explain("store", err)
	}
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

// take reads n bytes into memory, which is counted before it is allocated and only as the
// bytes come, so that slow senders hold no more than they have sent.
func (s *S3) take(content io.Reader, n int64) (_ []byte, giveBack func(), err error) {
	const begin = 256 << 10
	var body []byte
	var counted int64
	defer func() {
		if err != nil {
			s.held.Add(-counted)
		}
	}()
	for int64(len(body)) < n {
		size := min(n, max(begin, 2*int64(cap(body))))
		if s.held.Add(size-counted) > s.maxHeld {
			s.held.Add(counted - size)
			return nil, nil, ErrBusy
		}
		counted = size
		start := len(body)
		body = append(make([]byte, 0, size), body...)[:size]
		switch m, err := io.ReadFull(content, body[start:]); {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return nil, nil, ErrShort
		case err != nil:
			return nil, nil, err
		default:
			body = body[:start+m]
		}
	}
	return body, func() { s.held.Add(-counted) }, nil
}

func (s *S3) reserve(ctx context.Context, n, total int64) error {
	err := s.tryReserve(n, total)
	if errors.Is(err, ErrQuota) && s.pressed.may() {
		if removed, failed := s.Sweep(ctx, pressedIdle); failed == nil && removed > 0 {
			err = s.tryReserve(n, total)
		}
	}
	return err
}

func (s *S3) tryReserve(n, total int64) error {
	used := s.used.Add(charge(n))
	if most := s.options.MaxBytes; most > 0 && used-charge(n)+charge(total) > most {
		s.release(n)
		return ErrQuota
	}
	return nil
}

func (s *S3) release(n int64) { s.used.Add(-charge(n)) }

// Usage implements [Store]. What other servers have stored since the last [S3.Sweep] is not in it.
func (s *S3) Usage(context.Context) (Usage, error) {
	return Usage{Bytes: s.used.Load(), Max: s.options.MaxBytes, Free: -1, Documents: s.count.Load()}, nil
}

// Check implements [Store].
func (s *S3) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	if err = s.explain("open bucket "+s.bucket, err); errors.Is(err, ErrNotFound) {
		return fmt.Errorf("there is no bucket %s", s.bucket)
	}
	return err
}

// Close implements [Store].
func (s *S3) Close() error { return nil }
