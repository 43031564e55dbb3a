package statespace

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// The lengths of waits and terms; the clock goes on by longer steps.
const (
	term = time.Hour
	tick = term + time.Minute
	ends = 3 * tick // nothing happens later
)

// An action is one step: a command on a device, or something that happens.
type action struct {
	name   string
	device string
	writes int // requests that write, at most
	stores int // changes of the server's store, at most
	do     func(w *world, c *client.Client) error
	lets   string  // reader whom it lets in
	may    []error // that the command may end with although nothing went wrong
}

// command makes an action of a device's command.
func command(device, name string, writes, stores int, do func(w *world, c *client.Client) error, may ...error) *action {
	return &action{name: device + " " + name, device: device, writes: writes, stores: stores, do: do, may: may}
}

// grant lets a reader in.
func grant(device, reader, how string, o client.GrantOptions) *action {
	a := command(device, "grants "+reader+how, 1, 1, func(w *world, c *client.Client) error {
		// From here on it may have been done, whatever the answer is, and also after a
		// revocation in between.
		p := pair{w.devices[device].name, reader}
		delete(w.ghost.revoked, p)
		defer func() { delete(w.ghost.revoked, p) }()
		_, err := c.Grant(ctx, w.people[reader].id, o)
		return err
	})
	a.lets = reader
	return a
}

// revoke takes a reader's access back.
func revoke(device, reader string) *action {
	return command(device, "revokes "+reader, 2, 3, func(w *world, c *client.Client) error {
		_, err := c.Revoke(ctx, w.people[reader].id, client.RevokeOptions{})
		if err == nil || errors.Is(err, client.ErrNoGrant) {
			w.ghost.revoked[pair{w.devices[device].name, reader}] = true
		}
		return err
	}, client.ErrNoGrant)
}

// rotate opens the next epoch.
func rotate(device string) *action {
	return command(device, "rotates", 1, 1, func(_ *world, c *client.Client) error {
		_, err := c.Rotate(ctx, "", nil)
		return err
	})
}

// deposit makes a key.
func deposit(device string) *action {
	return command(device, "deposits", 2, 2, func(w *world, c *client.Client) error {
		k, err := c.CreateKey(ctx)
		if err == nil {
			clear(k.Key)
			name := w.devices[device].name
			w.ghost.docs = append(w.ghost.docs, doc{owner: name, key: k.ID})
		}
		return err
	})
}

// open has a reader open every document that there is.
func open(device string) *action {
	return command(device, "opens", 0, 1, func(w *world, c *client.Client) error {
		for _, d := range w.ghost.docs {
			p := w.devices[device].name
			k, err := c.GetKey(ctx, d.key, client.OpenOptions{})
			if err != nil {
				if !errors.Is(err, client.ErrNoAccess) {
					return err
				}
				continue
			}
			clear(k.Key)
			if w.ghost.revoked[pair{d.owner, p}] {
				w.broken(p + " has opened a document of " + d.owner + " after the revocation was acknowledged")
			}
		}
		return nil
	})
}

// request asks for what is pending.
func request(device, owner string) *action {
	return command(device, "requests "+owner, 1, 1, func(w *world, c *client.Client) error {
		_, err := c.Request(ctx, w.people[owner].id)
		return err
	}, client.ErrNotFound, client.ErrNoAccess)
}

// veto ends a reader's wait.
func veto(device, reader string) *action {
	return command(device, "vetoes "+reader, 1, 1, func(w *world, c *client.Client) error {
		_, err := c.Veto(ctx, w.people[reader].id)
		return err
	}, client.ErrNotFound, client.ErrConflict)
}

// happens makes an action of nobody's.
func happens(name string, do func(w *world) error) *action {
	return &action{name: name, do: func(w *world, _ *client.Client) error { return do(w) }}
}

var (
	later = happens("the clock goes on", func(w *world) error {
		w.clock += tick
		return w.server.Sweep(ctx)
	})
	again = happens("the server starts again", (*world).restart)
)

// small are the steps of go test: few enough for a search of depth 4, each kind of fault
// among them.
func small() []step {
	revokes := revoke("a1", "dave")
	grants := grant("a2", "dave", "", client.GrantOptions{})
	return []step{
		{action: grant("a1", "carol", " for a while", client.GrantOptions{Expires: term})},
		{action: grants}, {action: revokes},
		{revokes, plan{fault: lose, at: 1}},
		{revokes, plan{fault: die, at: 1}},
		{revokes, plan{fault: crash, at: 1}},
		{revokes, plan{fault: between, at: 1, other: grants}},
		{action: later},
	}
}

// large is the alphabet of the long search.
func large() []*action {
	return []*action{
		grant("a1", "carol", "", client.GrantOptions{}), grant("a2", "carol", " for a while", client.GrantOptions{Expires: term}),
		grant("a1", "dave", " after a wait", client.GrantOptions{Pending: term}), grant("a2", "dave", "", client.GrantOptions{FromNow: true}),
		revoke("a1", "carol"), revoke("a2", "carol"), revoke("a1", "dave"), revoke("a2", "dave"),
		rotate("a1"), rotate("a2"), deposit("a1"), deposit("a2"), request("d1", "alice"), veto("a1", "dave"),
		open("c1"), open("d1"), again,
		grant("b1", "carol", "", client.GrantOptions{}), revoke("b1", "carol"), deposit("b1"),
	}
}

// A step is an action with what goes wrong.
type step struct {
	action *action
	plan   plan
}

func (s step) String() string {
	p := s.plan
	switch p.fault {
	case lose:
		if p.retry {
			return fmt.Sprintf("%s, answer %d lost, again", s.action.name, p.at)
		}
		return fmt.Sprintf("%s, answer %d lost", s.action.name, p.at)
	case die:
		return fmt.Sprintf("%s, dies before request %d", s.action.name, p.at)
	case crash:
		when := "before"
		if p.after {
			when = "after"
		}
		return fmt.Sprintf("%s, the server dies %s change %d", s.action.name, when, p.at)
	case between:
		return fmt.Sprintf("%s, and before request %d: %s", s.action.name, p.at, p.other.name)
	}
	return s.action.name
}

// steps are all actions, then all actions with all faults, and the clock at last: going
// back in time means opening the store anew. Commands meet only those of the same owner's
// other device, and readers'.
func steps(alphabet []*action) []step {
	var plain, faulty []step
	for _, a := range alphabet {
		plain = append(plain, step{a, plan{}})
		for at := range a.writes {
			faulty = append(faulty, step{a, plan{fault: lose, at: at}}, step{a, plan{fault: lose, at: at, retry: true}})
			if at > 0 {
				faulty = append(faulty, step{a, plan{fault: die, at: at}})
			}
			for _, other := range alphabet {
				if meets(a, other) {
					faulty = append(faulty, step{a, plan{fault: between, at: at, other: other}})
				}
			}
		}
		for at := range a.stores {
			if at > 0 { // before the first nothing has happened
				faulty = append(faulty, step{a, plan{fault: crash, at: at}})
			}
			faulty = append(faulty, step{a, plan{fault: crash, at: at, after: true}})
		}
	}
	return append(plain, append(faulty, step{later, plan{}})...)
}

// meets reports whether other is worth running within a.
func meets(a, other *action) bool {
	if other.device == "" || other.device == a.device || other.device == "b1" || a.device == "b1" {
		return false
	}
	return other.writes > 0 || other.device[0] != 'a'
}

// take runs one step and restarts what died.
func (w *world) take(s step) {
	p := s.plan
	w.crash.armed, w.crash.left, w.crash.after = p.fault == crash, p.at, p.after
	w.run(s.action, &p)
	w.crash.armed = false
	if w.crash.dead {
		if err := w.restart(); err != nil {
			w.broken("the server does not start again: " + err.Error())
			return
		}
	}
	if p.retry && p.hit {
		w.run(s.action, &plan{})
	}
}

// run runs an action and judges how it ends.
func (w *world) run(a *action, p *plan) {
	if a.device == "" {
		if err := a.do(w, nil); err != nil {
			w.broken(a.name + ": " + err.Error())
		}
		return
	}
	p.name, p.lets = a.name, pair{w.devices[a.device].name, a.lets}
	c := w.device(a.device, p)
	defer c.Close()
	err := a.do(w, c)
	if err == nil || w.crash.dead {
		return
	}
	for _, lie := range []error{
		client.ErrRollback, client.ErrVerification, client.ErrForked, client.ErrOldLog, client.ErrReceipt, client.ErrKeptGrant,
		client.ErrNotLogged, client.ErrLedger, client.ErrLedgerGap, client.ErrAnswer, client.ErrServerChanged,
	} {
		if errors.Is(err, lie) {
			w.broken(a.name + ": an honest server is taken for a liar: " + err.Error())
			return
		}
	}
	if p.hit || slices.ContainsFunc(a.may, func(may error) bool { return errors.Is(err, may) }) {
		return
	}
	w.broken(a.name + ": " + err.Error())
}

// open world: everybody is published, and alice has a document.
func (w *world) begin() error {
	if err := w.start(); err != nil {
		return err
	}
	for _, name := range []string{"a1", "b1", "c1", "d1"} {
		c := w.device(name, &plan{})
		err := c.Publish(ctx)
		c.Close()
		if err != nil {
			return err
		}
	}
	w.run(deposit("a1"), &plan{})
	return nil
}

var _ http.RoundTripper = (*wire)(nil)
var _ = api.PathGrants
