package client

import (
	"bytes"
	"container/list"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/recrypt-service/recrypt/host/api"
)

// maxKept bounds the bytes of answers that are kept.
const maxKept = 8 << 20

// keptAnswers are answers to GET as they came, under their ETags, so that the server need
// not send again what has not changed: chains of collections, lists, identities. The least
// recently used are forgotten first.
//
// A server that says "not modified" says that it would send those bytes, and no more: they
// are decoded and verified like bytes that have just come, against what is remembered. So
// there is nothing that it gains by saying so when it is not true, beyond what it gains by
// sending an old answer.
type keptAnswers struct {
	mu     sync.Mutex
	bytes  int
	recent *list.List // of *keptAnswer
	byName map[string]*list.Element
}

type keptAnswer struct {
	name, tag string
	body      []byte
}

// nameOf is under what an answer is kept: what two people are answered may differ.
func nameOf(req *http.Request, as *person) string {
	if as == nil {
		return req.URL.Path
	}
	return as.id + " " + req.URL.Path
}

// offer tells the server which answer is kept to a request, and returns it; nil if there is
// none.
func (k *keptAnswers) offer(req *http.Request, as *person) *keptAnswer {
	if req.Method != http.MethodGet {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byName[nameOf(req, as)]
	if e == nil {
		return nil
	}
	k.recent.MoveToFront(e)
	known := e.Value.(*keptAnswer)
	req.Header.Set("If-None-Match", known.tag)
	return known
}

// keep keeps an answer whose checkpoints go on from what was known, if the server allows it.
func (k *keptAnswers) keep(req *http.Request, as *person, resp *http.Response, body []byte) {
	tag := resp.Header.Get("ETag")
	if req.Method != http.MethodGet || resp.StatusCode != http.StatusOK || !isTag(tag) || len(body) > maxKept/2 ||
		strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
		return
	}
	name := nameOf(req, as)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byName == nil {
		k.recent, k.byName = list.New(), map[string]*list.Element{}
	}
	if e := k.byName[name]; e != nil {
		k.forget(e)
	}
	for k.bytes+len(body) > maxKept {
		k.forget(k.recent.Back())
	}
	k.byName[name] = k.recent.PushFront(&keptAnswer{name: name, tag: tag, body: bytes.Clone(body)})
	k.bytes += len(body)
}

// forget runs under k.mu.
func (k *keptAnswers) forget(e *list.Element) {
	old := k.recent.Remove(e).(*keptAnswer)
	delete(k.byName, old.name)
	k.bytes -= len(old.body)
}

// isTag reports whether s has the form of a strong entity tag of at most 64 characters.
func isTag(s string) bool {
	return len(s) > 2 && len(s) <= 64 && s[0] == '"' && s[len(s)-1] == '"' && isPlain(s[1:len(s)-1])
}

// isPlain reports whether s is printable ASCII without spaces and quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' {
			return false
		}
	}
	return true
}

// same returns the bytes of an answer: those that came, or, if the server says that they
// have not changed, those that are known, as if they had come. It may say so only if it
// was asked.
func (c *Client) same(resp *http.Response, answer []byte, known *keptAnswer) ([]byte, error) {
	if resp.StatusCode != http.StatusNotModified {
		return answer, nil
	}
	if known == nil || resp.Header.Get("ETag") != known.tag {
		return nil, fmt.Errorf("%w: %s says that something has not changed which it was not asked about", ErrAnswer, c.base)
	}
	resp.StatusCode = http.StatusOK
	resp.Header.Set("Content-Type", api.ContentTypeJSON)
	resp.Header.Del("ETag") // it is kept already
	return known.body, nil
}
