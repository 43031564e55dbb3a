package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// maxLogAge is how old the newest checkpoint of a log may be, or how far ahead of our
// clock, when something new is to rest on it.
const maxLogAge = 24 * time.Hour

// storeAge is how much newer a checkpoint of the same tree must be to be worth another
// write of the memory.
const storeAge = 10 * time.Minute

// Bounds of what is kept in memory: states that were verified, and checkpoints, which
// may have 16 KiB each.
const (
	maxStates = 4096
	maxOpened = 256
)

// logView is what a Client has verified of the server's log.
type logView struct {
	follow sync.Mutex // held while a checkpoint is compared with the remembered one

	mu     sync.Mutex // for the rest
	opened map[string]*translog.Checkpoint
	onTree map[abi.LogState]bool // states known to be of the one history
}

// get returns a checkpoint that was verified under this name, nil if none was.
func (v *logView) get(name string) *translog.Checkpoint {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.opened[name]
}

// put keeps a verified checkpoint.
func (v *logView) put(name string, cp *translog.Checkpoint) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opened == nil || len(v.opened) >= maxOpened {
		v.opened = map[string]*translog.Checkpoint{}
	}
	v.opened[name] = cp
}

// join notes that a state is of the one history.
func (v *logView) join(s abi.LogState) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.onTree == nil || len(v.onTree) >= maxStates {
		v.onTree = map[abi.LogState]bool{}
	}
	v.onTree[s] = true
}

// joined reports whether a state is known to be of the one history.
func (v *logView) joined(s abi.LogState) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.onTree[s]
}

// CheckpointInfo is the newest verified checkpoint of the server's log.
type CheckpointInfo struct {
	Size      int64     // leaves
	Root      string    // base64, as in the checkpoint
	Time      time.Time // when the server says that it was signed
	Witnesses []string  // those of the policy that have confirmed it
	Quorum    int       // how many of them the policy asks for, see [WitnessPolicy]; fewer: nothing is granted or deposited
}

// Checkpoint fetches the newest checkpoint of the server's log and verifies that it goes
// on from the remembered one. Unmet witness policies show in the answer, not as an error.
func (c *Client) Checkpoint(ctx context.Context) (*CheckpointInfo, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	cp, err := c.fetchCheckpoint(ctx, svc)
	if err != nil {
		return nil, err
	}
	_, quorum, err := c.witnesses(svc)
	if err != nil {
		return nil, err
	}
	return &CheckpointInfo{Size: cp.Size, Root: cp.Root.String(), Time: cp.Time, Witnesses: cp.Witnesses, Quorum: quorum}, nil
}

// fetchCheckpoint asks for the newest checkpoint and follows it.
func (c *Client) fetchCheckpoint(ctx context.Context, svc *service) (*translog.Checkpoint, error) {
	floor, err := c.knownLog(ctx, svc)
	if err != nil {
		return nil, err
	}
	note, err := c.fetch(ctx, api.PathCheckpoint, translog.MaxCheckpoint)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: it has no log", ErrNotLogged)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch checkpoint: %w", err)
	}
	return c.followNote(ctx, svc, string(note), floor)
}

// witnesses returns the policy for the server's log.
func (c *Client) witnesses(svc *service) ([]translog.Witness, int, error) {
	policy, err := c.state.Policy(svc.id)
	if err != nil {
		return nil, 0, fmt.Errorf("read the policy for witnesses: %w", err)
	}
	if policy == nil {
		return nil, 0, nil
	}
	list := make([]translog.Witness, 0, len(policy.Witnesses))
	for _, text := range policy.Witnesses {
		w, err := translog.ParseWitness(text)
		if err != nil {
			return nil, 0, fmt.Errorf("policy for witnesses: %w", err)
		}
		list = append(list, w)
	}
	return list, policy.Quorum, nil
}

// openCheckpoint verifies the signatures of a checkpoint, those of the policy's
// witnesses included.
func (c *Client) openCheckpoint(ctx context.Context, svc *service, note string) (*translog.Checkpoint, error) {
	witnesses, _, err := c.witnesses(svc)
	if err != nil {
		return nil, err
	}
	return c.openFor(ctx, svc, note, witnesses)
}

// openFor is openCheckpoint for certain witnesses, each note once.
func (c *Client) openFor(ctx context.Context, svc *service, note string, witnesses []translog.Witness) (*translog.Checkpoint, error) {
	name := fmt.Sprint(witnesses, note)
	if cp := c.log.get(name); cp != nil {
		return cp, nil
	}
	var broken error
	verify := func(key [32]byte, message, signature []byte) bool {
		err := c.core.Ed25519Verify(ctx, key[:], message, signature)
		if err != nil && !isAnswer(err) {
			broken = err
		}
		return err == nil
	}
	cp, err := translog.OpenCheckpoint([]byte(note), svc.id, svc.SigningKey, verify, witnesses)
	switch {
	case broken != nil:
		return nil, fmt.Errorf("verify checkpoint: %w", broken)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c.log.put(name, cp)
	return cp, nil
}

// knownLog returns the newest checkpoint remembered, nil if there is none.
func (c *Client) knownLog(ctx context.Context, svc *service) (*translog.Checkpoint, error) {
	note, err := c.state.Checkpoint(svc.id)
	if err != nil {
		return nil, fmt.Errorf("read the known checkpoint: %w", err)
	}
	if note == nil {
		return nil, nil
	}
	cp, err := c.openCheckpoint(ctx, svc, string(note))
	if errors.Is(err, ErrCheckpoint) {
		// With witnesses that were added since, one of which may not be good: that must not
		// lock anybody out of his memory.
		cp, err = c.openFor(ctx, svc, string(note), nil)
	}
	if err != nil {
		return nil, fmt.Errorf("known checkpoint: %w", err)
	}
	c.log.join(state(cp))
	return cp, nil
}

// followNote verifies a checkpoint and compares it with the remembered one. floor is
// what was remembered when the server was asked: the answer must not be shorter.
func (c *Client) followNote(ctx context.Context, svc *service, note string, floor *translog.Checkpoint) (*translog.Checkpoint, error) {
	cp, err := c.followHistory(ctx, svc, note, floor)
	if err != nil {
		return nil, c.explainRestart(ctx, svc, err)
	}
	return cp, nil
}

func (c *Client) followHistory(ctx context.Context, svc *service, note string, floor *translog.Checkpoint) (*translog.Checkpoint, error) {
	cp, err := c.openCheckpoint(ctx, svc, note)
	if err != nil {
		return nil, err
	}
	if floor != nil && cp.Size < floor.Size {
		return nil, fmt.Errorf("%w: %d entries, after %d", ErrOldLog, cp.Size, floor.Size)
	}
	c.log.follow.Lock()
	defer c.log.follow.Unlock()
	for {
		done, err := c.follow(ctx, svc, cp)
		if err != nil {
			return nil, err
		}
		if done {
			c.log.join(state(cp))
			return cp, nil
		}
	}
}

// follow is one attempt of followNote to remember a checkpoint.
func (c *Client) follow(ctx context.Context, svc *service, cp *translog.Checkpoint) (done bool, err error) {
	known, err := c.knownLog(ctx, svc)
	if err != nil {
		return false, err
	}
	if known == nil {
		return c.swapCheckpoint(svc, nil, cp)
	}
	if cp.Size < known.Size { // overtaken on its way
		return true, c.checkConsistency(ctx, state(cp), state(known))
	}
	if err := c.checkConsistency(ctx, state(known), state(cp)); err != nil {
		return false, err
	}
	if cp.Size == known.Size && len(cp.Witnesses) <= len(known.Witnesses) && cp.Time.Sub(known.Time) < storeAge {
		return true, nil
	}
	return c.swapCheckpoint(svc, known, cp)
}

func (c *Client) swapCheckpoint(svc *service, known, cp *translog.Checkpoint) (bool, error) {
	var old []byte
	if known != nil {
		old = known.Note
	}
	swapped, err := c.state.SwapCheckpoint(svc.id, old, cp.Note)
	if err != nil {
		return false, fmt.Errorf("remember checkpoint: %w", err)
	}
	return swapped, nil
}

// checkConsistency returns nil if the server proves that the tree of the older state is
// the beginning of that of the newer one, and ErrForked if it does not.
func (c *Client) checkConsistency(ctx context.Context, older, newer abi.LogState) error {
	if older == newer || older.Size == 0 || c.log.joined(older) && c.log.joined(newer) {
		return nil
	}
	if older.Size >= newer.Size {
		return fmt.Errorf("%w: two trees of %d entries", ErrForked, newer.Size)
	}
	path := strings.NewReplacer("{old}", strconv.FormatUint(older.Size, 10), "{new}", strconv.FormatUint(newer.Size, 10)).Replace(api.PathConsistency)
	var answer api.Consistency
	err := c.get(ctx, path, &answer)
	var refused *Error
	if errors.As(err, &refused) && refused.Status < http.StatusInternalServerError {
		return fmt.Errorf("%w: it does not prove that %d entries go on from %d: %w", ErrForked, newer.Size, older.Size, err)
	}
	if err != nil {
		return fmt.Errorf("fetch consistency proof: %w", err)
	}
	if err := translog.VerifyConsistency(int64(older.Size), older.Root, int64(newer.Size), newer.Root, hashes(answer.Proof)); err != nil {
		return fmt.Errorf("%w: %d entries do not go on from %d", ErrForked, newer.Size, older.Size)
	}
	return nil
}

// verifyLogged verifies that a leaf is in the log, by a checkpoint that belongs to the
// history that is remembered. The checkpoint is the one in l, or that of the whole answer.
// ErrNotLogged if there is no such proof.
func (c *Client) verifyLogged(ctx context.Context, leaf []byte, l *api.Logged, checkpoint string) error {
	if l == nil {
		return ErrNotLogged
	}
	if l.Checkpoint != "" {
		checkpoint = l.Checkpoint
	}
	if checkpoint == "" {
		return ErrNotLogged
	}
	svc, err := c.server(ctx)
	if err != nil {
		return err
	}
	cp, err := c.openCheckpoint(ctx, svc, checkpoint)
	if err != nil {
		return err
	}
	if !c.log.joined(state(cp)) {
		if cp, err = c.followNote(ctx, svc, checkpoint, nil); err != nil {
			return err
		}
	}
	if err := translog.VerifyInclusion(leaf, l.Index, cp.Size, cp.Root, hashes(l.Proof)); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	return nil
}

// seenCheckpoint returns the newest state of the log that is verified, nil if there is none.
func (c *Client) seenCheckpoint(ctx context.Context) *abi.LogState {
	svc, err := c.server(ctx)
	if err != nil {
		return nil
	}
	cp, err := c.knownLog(ctx, svc)
	if err != nil || cp == nil || cp.Size == 0 {
		return nil
	}
	s := state(cp)
	return &s
}

// checkSharedState compares a state of the log that somebody has put into a record with
// the history that the server shows us. ErrForked if they are not of one history: either
// the server has shown two, or the record's signer claims what never was.
func (c *Client) checkSharedState(ctx context.Context, s *abi.LogState) error {
	if s == nil || s.Size == 0 || c.log.joined(*s) {
		return nil
	}
	svc, err := c.server(ctx)
	if err != nil {
		return err
	}
	cp, err := c.knownLog(ctx, svc)
	if err == nil && (cp == nil || uint64(cp.Size) < s.Size) {
		cp, err = c.fetchCheckpoint(ctx, svc)
	}
	if err != nil {
		return err
	}
	err = c.compareShared(ctx, s, cp)
	switch {
	case err == nil:
		c.log.join(*s)
		return nil
	case errors.Is(err, ErrForked) && c.lostState(ctx, svc, s):
		return nil // and it does not become one of the one history
	}
	return c.explainRestart(ctx, svc, err)
}

// compareShared compares a state with a newer checkpoint.
func (c *Client) compareShared(ctx context.Context, s *abi.LogState, cp *translog.Checkpoint) error {
	if uint64(cp.Size) < s.Size {
		return fmt.Errorf("%w: somebody has seen %d entries, and we are shown %d", ErrForked, s.Size, cp.Size)
	}
	if err := c.checkBeginning(ctx, *s, cp); err != nil {
		return fmt.Errorf("log as somebody else has seen it: %w", err)
	}
	return nil
}

// freshLog returns nil if the newest checkpoint is recent and has the confirmations that
// the policy asks for: what is granted or written must not rest on a frozen view.
// ErrStaleLog or ErrUnwitnessed otherwise.
func (c *Client) freshLog(ctx context.Context) error {
	svc, err := c.server(ctx)
	if err != nil {
		return err
	}
	cp, err := c.knownLog(ctx, svc)
	if err != nil {
		return err
	}
	if cp != nil && c.checkFresh(svc, cp) == nil {
		return nil
	}
	if cp, err = c.fetchCheckpoint(ctx, svc); err != nil {
		return err
	}
	return c.checkFresh(svc, cp)
}

// checkFresh checks age and confirmations of a checkpoint.
func (c *Client) checkFresh(svc *service, cp *translog.Checkpoint) error {
	_, quorum, err := c.witnesses(svc)
	if err != nil {
		return err
	}
	if age := c.now().Sub(cp.Time); age.Abs() > maxLogAge {
		return fmt.Errorf("%w: it is of %s; is this computer's clock right?", ErrStaleLog, cp.Time.UTC().Format(time.RFC3339))
	}
	// Our own server's time proves nothing against it, and old cosignatures stay good for an
	// old tree.
	recent := 0
	for _, at := range cp.Confirmed {
		if c.now().Sub(at).Abs() <= maxLogAge {
			recent++
		}
	}
	if recent < quorum {
		return fmt.Errorf("%w: %d of the %d that you ask for, within a day", ErrUnwitnessed, recent, quorum)
	}
	return nil
}

// state names the tree of a checkpoint.
func state(cp *translog.Checkpoint) abi.LogState {
	return abi.LogState{Size: uint64(cp.Size), Root: cp.Root}
}

// isAnswer reports whether err is the core's verdict on what it was given.
func isAnswer(err error) bool {
	var verdict *abi.Error
	return errors.As(err, &verdict) && verdict.Status != abi.StatusInternal && verdict.Status != abi.StatusStopped
}

func hashes(proof []api.Bytes) [][]byte {
	out := make([][]byte, len(proof))
	for i, h := range proof {
		out[i] = h
	}
	return out
}
