package blobs

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Answers of an S3 service that this package acts on.
var (
	errCondition   = errors.New("the object is not as expected")
	errUnsupported = errors.New("the service does not know conditions")
	errParts       = errors.New("the service does not have the parts of the upload")
)

// explain turns an answer of the service into one of our errors. What the service says beyond
// its code stays out of it.
func (s *S3) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	var named interface{ ErrorCode() string }
	code := ""
	if errors.As(err, &named) {
		code = named.ErrorCode()
	}
	switch {
	case code == "NoSuchUpload" || code == "InvalidPart" || code == "InvalidPartOrder" || code == "EntityTooSmall":
		return errParts
	case status == http.StatusNotFound && code != "NoSuchBucket":
		return ErrNotFound
	case status == http.StatusPreconditionFailed || status == http.StatusConflict:
		return errCondition
	case status == http.StatusNotImplemented:
		return errUnsupported
	case status == http.StatusInsufficientStorage || code == "QuotaExceeded":
		return fmt.Errorf("%s: %w", doing, ErrFull)
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w: the service refuses the credentials (%s)", doing, ErrUnavailable, words(code, status))
	case status != 0:
		return fmt.Errorf("%s: %w: it answers %s", doing, ErrUnavailable, words(code, status))
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, innermost(err))
}

func words(code string, status int) string {
	if code == "" || code == "UnknownError" {
		return fmt.Sprint("status ", status)
	}
	return code
}

// innermost is the cause below what the library wraps around it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
