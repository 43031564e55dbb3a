package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
)

const eventStream = "text/event-stream"

// open sends a request for a stream. The response comes with an error too, if there is one,
// for its header.
func (c *Client) open(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(req.Context(), err)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && err == nil && kind == eventStream {
		return resp, nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return resp, c.unreachable(req.Context(), err)
	}
	if err := c.decode(resp, answer, new(struct{})); err != nil {
		return resp, err
	}
	return resp, fmt.Errorf("%w: %s sent something other than a stream of events", ErrAnswer, c.base)
}

// dateOf returns a response's Date, "" without a response.
func dateOf(resp *http.Response) string {
	if resp == nil {
		return ""
	}
	return resp.Header.Get("Date")
}

// A message is one of a stream of events: what stands between two empty lines.
type message struct {
	name string // "" for none
	id   int64  // -1 for none
	data []byte // nil for none
}

// messages reads a stream of events as in the HTML standard, section 9.2, with bounds: one line
// has at most api.MaxMessage bytes, and one message as much data.
type messages struct{ lines *bufio.Reader }

func newMessages(r io.Reader) *messages {
	return &messages{bufio.NewReaderSize(r, api.MaxMessage)}
}

// next returns the next message. Comments are passed over. ErrUnreachable when the stream
// ends or breaks, ErrAnswer for what is no stream of ours.
func (m *messages) next() (*message, error) {
	out := &message{id: -1}
	empty := true
	for {
		line, err := m.lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("%w: an event is longer than agreed", ErrAnswer)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the stream of events has ended", ErrUnreachable)
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		if len(line) == 0 {
			if empty {
				continue
			}
			return out, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		empty = false // a comment alone is a sign of life too
		switch string(field) {
		case "event":
			out.name = string(value)
		case "id":
			if out.id, err = strconv.ParseInt(string(value), 10, 64); err != nil || out.id < 0 || out.id > translog.MaxTree {
				return nil, fmt.Errorf("%w: an event has an id that is no index", ErrAnswer)
			}
		case "data":
			if len(out.data) > 0 {
				out.data = append(out.data, '\n')
			}
			if out.data = append(out.data, value...); len(out.data) > api.MaxMessage {
				return nil, fmt.Errorf("%w: an event is longer than agreed", ErrAnswer)
			}
		}
	}
}
