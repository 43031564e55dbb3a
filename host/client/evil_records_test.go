package client_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestEvilIdentity: a server that answers a look-up with something else.
func TestEvilIdentity(t *testing.T) {
	x := newCast(t)
	answer := func(change func(*api.Identity)) trick {
		return alter(t, http.MethodGet, "/v1/identities/", change)
	}
	for name, change := range map[string]func(*api.Identity){
		"swapped":         func(v *api.Identity) { v.Record = x.mallet.Record },
		"swapped with id": func(v *api.Identity) { v.ID, v.Record = x.mallet.ID, x.mallet.Record },
		"key changed":     func(v *api.Identity) { v.Record = flipped(v.Record, 200) },
		"signature":       func(v *api.Identity) { v.Record = flipped(v.Record, -1) },
		"other id":        func(v *api.Identity) { v.ID = x.mallet.ID },
		"other version":   func(v *api.Identity) { v.Version = 2 },
		"twice":           func(v *api.Identity) { v.Record, v.Version = append(v.Record, v.Record...), 2 },
		"none":            func(v *api.Identity) { v.Record = nil },
		"not a record":    func(v *api.Identity) { v.Record = []byte("hello") },
	} {
		t.Run(name, func(t *testing.T) {
			x.play(answer(change))
			defer x.play(nil)
			_, record, err := x.a.LookUp(ctx, x.bob.ID)
			refused(t, record, err, client.ErrVerification)
			if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrVerification) {
				t.Errorf("granted: %v", err)
			}
		})
	}
	t.Run("older version", func(t *testing.T) {
		if err := seenNewer(x.alice.State, x.server.ID(), x.bob.ID); err != nil {
			t.Fatal(err)
		}
		_, record, err := x.a.LookUp(ctx, x.bob.ID)
		refused(t, record, err, client.ErrOldIdentity)
		if !errors.Is(err, client.ErrRollback) {
			t.Errorf("no rollback: %v", err)
		}
	})
	if v, _, err := x.b.LookUp(ctx, x.alice.ID); err != nil || v.Version != 1 {
		t.Errorf("honest look-up: %v", err)
	}
}

// TestEvilPublish: a server that keeps another record than it was given.
func TestEvilPublish(t *testing.T) {
	x := newCast(t)
	x.play(alter(t, http.MethodPost, "/v1/identities", func(v *api.Identity) { v.Record = x.mallet.Record }))
	if err := x.a.Publish(ctx); !errors.Is(err, client.ErrVerification) {
		t.Error(err)
	}
}

// TestEvilServerRecord: another server under a pinned address, and records that
// are none.
func TestEvilServerRecord(t *testing.T) {
	x := newCast(t)
	other := hosttest.NewServer(t, hosttest.Options{})
	_, otherID, otherRecord, err := x.mallet.Client(t, other.URL).Service(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x.play(alter(t, http.MethodGet, "/v1/server", func(v *api.Server) { v.ID, v.Record = otherID, otherRecord }))
	if _, _, _, err := x.alice.Client(t, x.server.URL).Service(ctx); !errors.Is(err, client.ErrServerChanged) {
		t.Errorf("another server: %v", err)
	}
	for name, change := range map[string]func(*api.Server){
		"other id":  func(v *api.Server) { v.ID = otherID },
		"signature": func(v *api.Server) { v.Record = flipped(v.Record, -1) },
		"key":       func(v *api.Server) { v.Record = flipped(v.Record, 120) },
		"empty":     func(v *api.Server) { v.Record = nil },
	} {
		x.play(alter(t, http.MethodGet, "/v1/server", change))
		stranger := hosttest.NewPerson(t, "stranger")
		if _, _, _, err := stranger.Client(t, x.server.URL).Service(ctx); !errors.Is(err, client.ErrVerification) {
			t.Errorf("%s: %v", name, err)
		}
		if pinned, _ := stranger.State.PinnedServer(x.server.URL); pinned != nil {
			t.Errorf("%s: pinned", name)
		}
	}
}

// TestEvilChain: rollbacks, gaps and forks of the owner's chain.
func TestEvilChain(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	encrypt(t, x.m, []byte("of somebody else"))
	chain := func(p *client.Client) api.Collection {
		return capture[api.Collection](t, x.evil, http.MethodGet, "/v1/collections/", func() {
			encrypt(t, p, nil)
		})
	}
	mallets := chain(x.m)
	answer := func(change func(*api.Collection)) trick {
		return alter(t, http.MethodGet, "/v1/collections/", change)
	}
	try := func(t *testing.T, trick trick, want error) {
		x.play(trick)
		defer x.play(nil)
		if _, err := x.a.Grant(ctx, x.mallet.ID, client.GrantOptions{}); !errors.Is(err, want) {
			t.Errorf("grant: %v, want %v", err, want)
		}
		if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, want) {
			t.Errorf("revoke: %v, want %v", err, want)
		}
		if _, err := x.a.CreateKey(ctx); !errors.Is(err, want) {
			t.Errorf("create key: %v, want %v", err, want)
		}
	}
	for name, tt := range map[string]struct {
		change func(*api.Collection)
		want   error
	}{
		"older":         {func(v *api.Collection) { v.Records = v.Records[:1] }, client.ErrRollback},
		"none":          {func(v *api.Collection) { v.Records = nil }, client.ErrRollback},
		"gap":           {func(v *api.Collection) { v.Records = v.Records[1:] }, client.ErrVerification},
		"swapped":       {func(v *api.Collection) { slices.Reverse(v.Records) }, client.ErrVerification},
		"signature":     {func(v *api.Collection) { v.Records[1] = flipped(v.Records[1], -1) }, client.ErrVerification},
		"other record":  {func(v *api.Collection) { v.Records[1] = mallets.Records[0] }, client.ErrVerification},
		"other's chain": {func(v *api.Collection) { *v = mallets }, client.ErrOldLog},
		"disguised":     {func(v *api.Collection) { v.Records = mallets.Records }, client.ErrVerification},
		"repeated":      {func(v *api.Collection) { v.Records = append(v.Records, v.Records[1]) }, client.ErrVerification},
	} {
		t.Run(name, func(t *testing.T) { try(t, answer(tt.change), tt.want) })
	}
	t.Run("absent", func(t *testing.T) {
		gone := api.Problem{Status: 404, Code: api.CodeNotFound, Title: "not found"}
		try(t, respond(http.MethodGet, "/v1/collections/", 404, gone), client.ErrRollback)
	})
	t.Run("fork", func(t *testing.T) { try(t, answer(forkOf(t, x)), client.ErrRollback) })
}

// forkOf lets Alice, without her memory, build another chain of the same length
// on a copy of the same server.
func forkOf(t *testing.T, x *cast) func(*api.Collection) {
	e := &evil{}
	twin := hosttest.NewServer(t, hosttest.Options{Seed: x.server.Seed, Wrap: e.wrap})
	amnesic := hosttest.PersonOf(t, "alice", x.alice.Seed)
	amnesic.Record, amnesic.ID = x.alice.Record, x.alice.ID
	a := amnesic.Publish(t, twin.URL)
	x.bob.Publish(t, twin.URL)
	x.charlie.Publish(t, twin.URL)
	grant(t, a, x.bob.ID, client.GrantOptions{})
	grant(t, a, x.charlie.ID, client.GrantOptions{})
	fork := capture[api.Collection](t, e, http.MethodGet, "/v1/collections/", func() { encrypt(t, a, nil) })
	return func(v *api.Collection) {
		if len(fork.Records) != len(v.Records) {
			t.Errorf("fork of %d records, not %d", len(fork.Records), len(v.Records))
		}
		v.Records = fork.Records
	}
}

// TestEvilReceipt: revocations that are not proven to have happened.
func TestEvilReceipt(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	earlier := capture[api.Receipt](t, x.evil, http.MethodPost, "/v1/revocations", func() {
		if _, err := x.a.Revoke(ctx, x.charlie.ID, client.RevokeOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	forged, err := core.NewService(ctx, hosttest.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]trick{
		"absent":      respond(http.MethodPost, "/v1/revocations", 200, api.Receipt{Destroyed: 1}),
		"of another":  respond(http.MethodPost, "/v1/revocations", 200, earlier),
		"other thing": respond(http.MethodPost, "/v1/revocations", 200, api.Receipt{Receipt: forged, Destroyed: 1}),
		"altered":     alter(t, http.MethodPost, "/v1/revocations", func(v *api.Receipt) { v.Receipt = flipped(v.Receipt, 100) }),
		"signature":   alter(t, http.MethodPost, "/v1/revocations", func(v *api.Receipt) { v.Receipt = flipped(v.Receipt, -1) }),
		"other count": alter(t, http.MethodPost, "/v1/revocations", func(v *api.Receipt) { v.Destroyed++ }),
		"wrong key":   forgeReceipt(t, core),
	} {
		t.Run(name, func(t *testing.T) {
			x.play(tt)
			defer x.play(nil)
			if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrVerification) || info != nil {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		x.play(respond(http.MethodPost, "/v1/revocations", 204, nil))
		defer x.play(nil)
		if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrAnswer) {
			t.Error(err)
		}
	})
}

// forgeReceipt signs a receipt for the right revocation with another key.
func forgeReceipt(t *testing.T, core abi.Client) trick {
	return on(http.MethodPost, "/v1/revocations", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		seed := hosttest.Random(32)
		var in api.RevokeAccess
		record, err := core.NewService(ctx, seed)
		if err == nil {
			err = decodeBody(r, &in)
		}
		if err != nil {
			t.Error(err)
		}
		out := api.Receipt{Destroyed: 1}
		if out.Receipt, err = core.NewReceipt(ctx, seed, record, in.Revocation, 1, 1); err != nil {
			// the core refuses to sign for another server: nothing to forge with
			out.Receipt = record
		}
		answerJSON(w, 200, out)
	})
}

// TestEvilLists: lists with grants that are not what they seem. One of our own is an
// error; one received is set apart.
func TestEvilLists(t *testing.T) {
	x := newCast(t)
	grant(t, x.m, x.charlie.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	for _, c := range []*client.Client{x.a, x.m} {
		if _, err := c.Revoke(ctx, x.charlie.ID, client.RevokeOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	grant(t, x.a, x.bob.ID, client.GrantOptions{FromNow: true})
	grant(t, x.m, x.alice.ID, client.GrantOptions{FromNow: true})
	mallets := listing(t, x.evil, x.m)
	ended := mallets.Issued[index(mallets.Issued, api.GrantRevoked)]
	bobs := listing(t, x.evil, x.b)
	own, err := json.Marshal(listing(t, x.evil, x.a))
	if err != nil {
		t.Fatal(err)
	}
	ofReceived := map[string]bool{
		"for another": true, "short": true, "other owner": true, "no owner": true, "a path as owner": true, "other reader": true,
	}
	for name, change := range map[string]func(*api.ListGrants){
		"another's":         func(v *api.ListGrants) { v.Issued[0].Record = mallets.Issued[0].Record },
		"another's with id": func(v *api.ListGrants) { v.Issued = mallets.Issued },
		"for another":       func(v *api.ListGrants) { v.Received = bobs.Received },
		"signature":         func(v *api.ListGrants) { v.Issued[0].Record = flipped(v.Issued[0].Record, -1) },
		"other id":          func(v *api.ListGrants) { v.Issued[0].ID = mallets.Issued[0].ID },
		"status":            func(v *api.ListGrants) { v.Issued[0].Status = "\x1b[31mactive" },
		"short":             func(v *api.ListGrants) { v.Received[0].Record = []byte("x") },
		"other owner":       func(v *api.ListGrants) { v.Received[0].Owner = x.charlie.ID },
		"no owner":          func(v *api.ListGrants) { v.Received[0].Owner = "" },
		"a path as owner":   func(v *api.ListGrants) { v.Received[0].Owner = "../server" },
		"other reader":      func(v *api.ListGrants) { v.Received[0].Reader = x.bob.ID },
		"issued by another": func(v *api.ListGrants) { v.Issued[0].Owner = x.mallet.ID },
		"never expires":     func(v *api.ListGrants) { v.Issued[index(v.Issued, api.GrantActive)].Status = api.GrantExpired },
		"revocation of another reader": func(v *api.ListGrants) {
			of := index(v.Issued, api.GrantRevoked)
			to := &v.Issued[1-of]
			to.Status, to.Revocation, to.Receipt = api.GrantRevoked, v.Issued[of].Revocation, v.Issued[of].Receipt
		},
		"active and revoked": func(v *api.ListGrants) { v.Issued[index(v.Issued, api.GrantRevoked)].Status = api.GrantActive },
		"receipt of another": func(v *api.ListGrants) {
			v.Issued[index(v.Issued, api.GrantRevoked)].Receipt = ended.Receipt
		},
		"revocation": func(v *api.ListGrants) {
			v.Issued[0].Status, v.Issued[0].Revocation, v.Issued[0].Receipt = api.GrantRevoked, ended.Revocation, ended.Receipt
		},
	} {
		t.Run(name, func(t *testing.T) {
			var v api.ListGrants
			if err := json.Unmarshal(own, &v); err != nil {
				t.Fatal(err)
			}
			change(&v)
			x.play(relist(v))
			defer x.play(nil)
			list, err := x.a.Grants(ctx)
			if !ofReceived[name] {
				if !errors.Is(err, client.ErrVerification) || list != nil {
					t.Errorf("%+v, %v", list, err)
				}
				return
			}
			if err != nil || len(list.Issued) != 2 || len(list.Received) != 0 || len(list.Unverified) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			if u := list.Unverified[0]; !errors.Is(u.Err, client.ErrVerification) || strings.Contains(u.Owner, "/") {
				t.Errorf("%+v", u)
			}
		})
	}
}

// index returns the place of the grant with a status.
func index(grants []api.ListedGrant, status string) int {
	return slices.IndexFunc(grants, func(g api.ListedGrant) bool { return g.Status == status })
}

// seenNewer makes a memory believe that a server has shown version 2 of an identity.
func seenNewer(state *client.MemoryState, server, id string) error {
	_, known, err := state.Identity(server, id)
	if err == nil {
		_, err = state.SwapIdentities(server, []client.ShownIdentity{{ID: id, Known: known, Version: 2}})
	}
	return err
}
