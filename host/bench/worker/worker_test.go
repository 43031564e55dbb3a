package worker

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	calls := 0
	find := func(op, suite string) (Operation, error) {
		switch op {
		case "sleep":
			return func() error { calls++; time.Sleep(time.Millisecond); return nil }, nil
		case "fail":
			return func() error { return errors.New("it failed") }, nil
		}
		return nil, errors.New("no " + op + " of " + suite)
	}
	orders := `{"op":"sleep","suite":"a","ns":5000000}
{"op":"fail","suite":"a","ns":1}
{"op":"other","suite":"b","ns":1}
{"op":"sleep","suite":"a","ns":0}
`
	var out strings.Builder
	if err := Serve(strings.NewReader(orders), &out, "sleeper 1", find); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(out.String()))
	var hello Hello
	if err := decoder.Decode(&hello); err != nil || hello.About != "sleeper 1" {
		t.Fatalf("%+v %v", hello, err)
	}
	var answers [4]Answer
	for i := range answers {
		if err := decoder.Decode(&answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	if a := answers[0]; a.Error != "" || a.Calls < 1 || a.Calls > 5 || a.NS < 5e6 || a.NS/a.Calls < 1e6 {
		t.Errorf("sleep: %+v", a)
	}
	if answers[1] != (Answer{Error: "it failed"}) || answers[2] != (Answer{Error: "no other of b"}) {
		t.Errorf("errors: %+v", answers[1:3])
	}
	if a := answers[3]; a.Calls != 1 {
		t.Errorf("no time: %+v", a)
	}
	if want := int(answers[0].Calls+answers[3].Calls) + 2; calls != want {
		t.Errorf("%d calls, want %d", calls, want)
	}
}

func TestServeMalformed(t *testing.T) {
	var out strings.Builder
	err := Serve(strings.NewReader("not JSON\n"), &out, "x", nil)
	if err == nil || !strings.Contains(err.Error(), "read an order") {
		t.Error(err)
	}
}
