package client

import (
	"bytes"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/fuzztest"
)

func TestMessages(t *testing.T) {
	m := newMessages(strings.NewReader("retry: 2000\n: hello\nid: 4\n\nid: 5\r\nevent: entry\r\ndata: {}\r\n\r\nevent:x\ndata:a\ndata: b\nother: 1\nlonely\n\ndata: cut off\n"))
	for i, want := range []message{{"", 4, nil}, {"entry", 5, []byte("{}")}, {"x", -1, []byte("a\nb")}} {
		got, err := m.next()
		if err != nil || got.name != want.name || got.id != want.id || !bytes.Equal(got.data, want.data) {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
	if got, err := m.next(); err == nil {
		t.Errorf("what was cut off was taken: %+v", got)
	}
}

// FuzzEventStream: whatever comes, the reader stays within its bounds and ends.
func FuzzEventStream(f *testing.F) {
	f.Add([]byte("id: 5\nevent: entry\ndata: {}\n\n"))
	f.Add([]byte(": x\r\n\r\nid: -1\n\n"))
	f.Add([]byte("data\ndata:\ndata: \n\n\n\nid:9999999999999999999\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var messages int
		fuzztest.Within(t, 8*len(stream)+64<<10, func() {
			for m := newMessages(bytes.NewReader(stream)); ; messages++ {
				got, err := m.next()
				if err != nil {
					if got != nil {
						t.Error("a message beside an error")
					}
					return
				}
				if got.id < -1 || len(got.data) > api.MaxMessage || bytes.ContainsAny([]byte(got.name), "\n") {
					t.Errorf("%+v", got)
				}
			}
		})
		if messages > len(stream) {
			t.Error("more messages than bytes")
		}
	})
}
