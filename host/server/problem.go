package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// problem is an error with its answer. Everything in it is ours: no field ever
// holds what a client sent.
type problem struct {
	api.Problem
	retryAfter string // seconds, with the codes "busy" and "limited"
}

// Error returns code and detail.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus makes a problem a huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders makes a problem a huma.HeadersError.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Code == api.CodeBusy || p.Code == api.CodeLimited {
		h.Set("Retry-After", p.retryAfter)
	}
	return h
}

// ContentType makes huma answer with the type of RFC 9457.
func (p *problem) ContentType(string) string { return api.ContentTypeFault }

// kinds gives each code its status and title.
var kinds = map[string]struct {
	status int
	title  string
}{
	api.CodeMalformed: {http.StatusBadRequest, "the request is not well-formed"},
	api.CodeMismatch:  {http.StatusBadRequest, "the records do not belong together or not to this server"},
	api.CodeUnsigned:  {http.StatusUnauthorized, "the request is not signed in the required form"},
	api.CodeSignature: {http.StatusUnauthorized, "the signer is not known here or the signature does not verify"},
	api.CodeClockSkew: {http.StatusUnauthorized, "the request was signed too long ago or in the future"},
	api.CodeReplay:    {http.StatusConflict, "this request was sent before"},
	api.CodeNotFound:  {http.StatusNotFound, "there is no such thing, or it is not yours"},
	api.CodeConflict:  {http.StatusConflict, "what is stored has moved on"},
	api.CodeExists:    {http.StatusConflict, "this id is taken by other content"},
	api.CodeTooLarge:  {http.StatusRequestEntityTooLarge, "the request is too large"},
	api.CodeMediaType: {http.StatusUnsupportedMediaType, "the type or encoding of the body is not accepted"},
	api.CodeMethod:    {http.StatusMethodNotAllowed, "this path has no such method"},
	api.CodeBusy:      {http.StatusServiceUnavailable, "the server is busy"},
	api.CodeInternal:  {http.StatusInternalServerError, "the server has a fault"},
	api.CodeClosed:    {http.StatusConflict, "the epoch is closed"},
	api.CodeQuota:     {http.StatusTooManyRequests, "too much waits already"},
	api.CodeLimited:   {http.StatusTooManyRequests, "too many requests of this identity or address"},
	api.CodeFull:      {http.StatusInsufficientStorage, "the server has no space left"},
	api.CodeRange:     {http.StatusRequestedRangeNotSatisfiable, "the range is not in the document"},
	api.CodeRejected:  {http.StatusUnprocessableEntity, "a rule refuses this request"},
}

// refuse makes a problem. detail is a constant or comes from the core, whose
// messages never contain input.
func refuse(code, detail string) *problem {
	k := kinds[code]
	return &problem{Problem: api.Problem{Type: "urn:recrypt:error:" + code, Title: k.title, Status: k.status, Code: code, Detail: detail}, retryAfter: "1"}
}

// absent is the one answer for what is not there and what is not the caller's.
func absent() *problem {
	return refuse(api.CodeNotFound, "check the id, and ask its owner for access")
}

// malformedID refuses an id of a collection or key that is not in text form.
func malformedID() *problem {
	return refuse(api.CodeMalformed, "ids have 26 lower-case base32 characters")
}

// fromStatus maps what huma refuses by itself. It knows no values, so it cannot
// echo any.
func fromStatus(status int) *problem {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return refuse(api.CodeTooLarge, "")
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return refuse(api.CodeMediaType, "")
	case http.StatusNotFound:
		return absent()
	}
	if status >= 500 {
		return refuse(api.CodeInternal, "")
	}
	return refuse(api.CodeMalformed, "the body does not have the required fields; see /openapi.json")
}

// errOurs marks a fault of what this server stored or made itself, so that a
// status of the core does not read as the client's mistake.
var errOurs = errors.New("stored data")

// toProblem maps any error of a handler. The second result says whether it is a
// fault of ours that belongs into the log.
func toProblem(err error) (p *problem, fault bool) {
	var core *abi.Error
	switch {
	case errors.As(err, &p):
		return p, p.Code == api.CodeInternal
	case errors.Is(err, store.ErrUnavailable):
		p := refuse(api.CodeBusy, "the server's database does not answer; retry")
		p.retryAfter = "5"
		return p, true
	case errors.Is(err, store.ErrFull):
		return refuse(api.CodeFull, "reading goes on; tell the operator, and retry later"), true
	case errors.Is(err, errOurs):
	case errors.As(err, &core):
		return fromCore(core)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, keyring.ErrDestroyed):
		return absent(), false
	case errors.Is(err, store.ErrExists):
		return refuse(api.CodeExists, "choose a new random id"), false
	case errors.Is(err, store.ErrConflict):
		return refuse(api.CodeConflict, "read the chain again and retry"), false
	case errors.Is(err, store.ErrClosed):
		return closed(), false
	case errors.Is(err, store.ErrQuota):
		return refuse(api.CodeQuota, "wait until the owner has accepted what is there"), false
	case errors.Is(err, store.ErrReplay):
		return refuse(api.CodeReplay, "sign again with a new nonce"), false
	case errors.Is(err, store.ErrClaimed):
		return refuse(api.CodeRejected, "this Idempotency-Key was used for another request; choose a new one"), false
	case errors.Is(err, store.ErrTooMany):
		p := refuse(api.CodeBusy, "this identity has sent too many requests within an hour")
		p.retryAfter = "60"
		return p, false
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refuse(api.CodeBusy, "the request was interrupted; retry"), false
	}
	return refuse(api.CodeInternal, "retry later; the operator finds the cause in the log"), true
}

// fromCore maps the answers of the core about what a client sent.
func fromCore(err *abi.Error) (*problem, bool) {
	switch err.Status {
	case abi.StatusMalformed:
		return refuse(api.CodeMalformed, err.Message), false
	case abi.StatusMismatch:
		return refuse(api.CodeMismatch, err.Message), false
	case abi.StatusSignature:
		return refuse(api.CodeRejected, "the signature or proof of a record does not verify"), false
	case abi.StatusSuite:
		return refuse(api.CodeRejected, err.Message), false
	case abi.StatusTooLarge:
		return refuse(api.CodeTooLarge, err.Message), false
	case abi.StatusStopped:
		return refuse(api.CodeBusy, "the server is stopping; retry"), false
	}
	return refuse(api.CodeInternal, "retry later; the operator finds the cause in the log"), true
}

// writeProblem answers with p, outside huma.
func writeProblem(w http.ResponseWriter, p *problem) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", api.ContentTypeFault)
	w.WriteHeader(p.Status)
	// A fault here is the connection's: nothing is left to tell anybody.
	_ = json.NewEncoder(w).Encode(p.Problem)
}
