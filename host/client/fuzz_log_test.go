package client_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/client"
)

// FuzzDamagedLog changes one byte of one of the answers behind the ledger, an audit, the
// checkpoint and a look-up. What comes out is true or an error, and nothing that the
// client remembers keeps it from an audit without alarms afterwards.
func FuzzDamagedLog(f *testing.F) {
	x := newCast(f)
	document := encrypt(f, x.a, []byte("secret"))
	grant(f, x.a, x.bob.ID, client.GrantOptions{})
	if _, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil {
		f.Fatal(err)
	}
	honest, err := readLedger(x.a)
	if err != nil {
		f.Fatal(err)
	}
	for i := range uint32(60) {
		f.Add(uint8(i), uint8(i/4), i*53, byte(i*7), uint16(0))
	}
	f.Add(uint8(0), uint8(0), uint32(0), byte('{'), uint16(20))
	f.Fuzz(func(t *testing.T, what, which uint8, at uint32, value byte, cut uint16) {
		var asked atomic.Int32
		x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			rec := httptest.NewRecorder()
			honest.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			if asked.Add(1)-1 == int32(which%8) {
				body = damage(body, at, value, cut)
			}
			maps.Copy(w.Header(), rec.Header())
			w.Header().Del("Content-Length")
			w.WriteHeader(rec.Code)
			w.Write(body)
		})
		switch what % 4 {
		case 0:
			lines, err := readLedger(x.a)
			if err == nil && len(lines) != len(honest) {
				t.Errorf("%d lines of %d", len(lines), len(honest))
			}
			for i, l := range lines {
				if l != honest[i] {
					t.Errorf("%+v, not %+v", l, honest[i])
				}
			}
		case 1:
			if report, err := x.a.Audit(ctx, nil); err == nil && (report == nil || len(report.Alarms) != 0) || err != nil && report != nil && len(report.Alarms) == 0 {
				t.Errorf("%+v beside %v", report, err)
			}
		case 2:
			if info, err := x.a.Checkpoint(ctx); (err == nil) == (info == nil) {
				t.Errorf("%+v beside %v", info, err)
			}
		case 3:
			if digits, err := x.a.SafetyNumber(ctx, x.bob.ID); (err == nil) == (digits == "") {
				t.Errorf("%q beside %v", digits, err)
			}
		}
		x.play(nil)
		if report, err := x.a.Audit(ctx, nil); err != nil || len(report.Alarms) != 0 {
			t.Errorf("afterwards: %+v, %v", report, err)
		}
	})
}
