package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// ErrMirror says that a mirror and a backup are not of one history.
var ErrMirror = errors.New("mirror and backup do not belong together")

// ErrNoMirror says that a restoration was asked for without a mirror, and not said to be without.
var ErrNoMirror = errors.New("a backup alone forgets what came after it, revocations too: name the mirror")

// A Restoration brings a service back.
type Restoration struct {
	To      server.Place
	Core    abi.Client
	Mirrors []string // folders of mirrors; the longest one is used
	// Restart begins a new log, because there is neither a mirror nor a newer database; nil: the
	// old one goes on.
	Restart  *Restart
	Progress func(done int64) // rows; nil: nobody is told
}

// Restored is what a restoration has brought back.
type Restored struct {
	Summary
	Lost      int64  // grants that their owners have to make again
	Replayed  int64  // leaves that came from the mirror
	Revoked   int64  // revocations among them
	Size      int64  // leaves of the log now
	Torn      bool   // the mirror's last file ends within a frame, as after a crash
	Behind    bool   // the mirror has less than the backup
	Statement []byte // with which the log was begun anew, signed; nil: the old one goes on
}

// Restore fills an empty place with a backup, and brings in everything that a mirror has beyond it: new
// versions of identities, collection records with their grants, revocations, document keys,
// openings, and the leaves of the log, exactly as they were. It is one act: interrupted, it
// can be done again. All live grants are marked as lost; nothing that was revoked, expired or
// replaced comes back.
//
// Without a mirror the log would be older than what clients have seen, who then refuse it:
// that is ErrNoMirror, unless a new log is begun.
func Restore(ctx context.Context, r io.Reader, o Restoration) (out *Restored, err error) {
	if len(o.Mirrors) == 0 && o.Restart == nil {
		return nil, ErrNoMirror
	}
	longest, err := choose(o.Mirrors)
	if err != nil {
		return nil, err
	}
	t, err := newTarget(ctx, o.To)
	if err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	defer func() {
		if err != nil {
			t.abandon()
		}
	}()
	s := &restorer{Restoration: o, db: t.db, out: &Restored{}}
	if err := t.db.update(ctx, func(tx *sql.Tx) error { return s.restore(ctx, tx, r, longest) }); err != nil {
		return nil, err
	}
	if o.Restart != nil {
		if err := forgetCheckpoint(o.To.DataDir); err != nil {
			return nil, err
		}
	}
	return s.out, t.settle()
}

// choose returns the mirror with the most leaves.
func choose(dirs []string) (longest string, err error) {
	most := int64(-1)
	for _, dir := range dirs {
		c, err := mirror.Read(dir, 0, mirror.Visitor{})
		if err != nil {
			return "", fmt.Errorf("mirror %s: %w", dir, err)
		}
		if c.Tree.Size() > most {
			longest, most = dir, c.Tree.Size()
		}
	}
	return longest, nil
}

// A restorer is a restoration under way.
type restorer struct {
	Restoration
	db  *Database
	tx  *sql.Tx
	out *Restored
	log *translog.Grower // of the log in the database
}

func (s *restorer) restore(ctx context.Context, tx *sql.Tx, r io.Reader, from string) error {
	summary, err := fill(ctx, s.db, tx, r, nil, s.Progress)
	if err != nil {
		return err
	}
	s.tx, s.out.Summary = tx, *summary
	if summary.Kind != Backup {
		return damaged("it is not a backup, but what a migration carries")
	}
	if s.log, err = translog.NewGrower(summary.Size, summary.roots); err != nil {
		return err
	}
	// They come back by an act of their owners only, and have no sealed forms.
	if err := s.exec(ctx, "UPDATE grants SET suspended = suspended + 2 WHERE ending = 0 AND suspended < 2"); err != nil {
		return err
	}
	if from != "" {
		if err := s.replay(ctx, from); err != nil {
			return fmt.Errorf("mirror %s: %w", from, err)
		}
	}
	if s.Restart != nil {
		if err := s.restart(ctx); err != nil {
			return err
		}
	}
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM grants WHERE ending = 0 AND suspended >= 2").Scan(&s.out.Lost); err != nil {
		return s.db.wrap("count", err)
	}
	s.out.Size = s.log.Size()
	return s.db.settle(ctx, tx, s.log.Size(), s.log.Roots())
}

// replay brings in what a mirror has beyond the backup.
func (s *restorer) replay(ctx context.Context, dir string) error {
	contents, err := mirror.Read(dir, s.log.Size(), mirror.Visitor{
		Begin: func(record []byte, tree *translog.Grower) error {
			service, err := s.Core.OpenService(ctx, record)
			if err != nil {
				return fmt.Errorf("%w: the server's record in the mirror does not verify", mirror.ErrDamaged)
			}
			if s.out.Service != ([32]byte{}) && service.ID != s.out.Service {
				return fmt.Errorf("%w: they are of two servers", ErrMirror)
			}
			return s.meet(tree)
		},
		Entry: func(e *mirror.Entry, tree *translog.Grower) error {
			if e.Index < s.out.Summary.Size {
				return s.meet(tree)
			}
			if err := mirror.CheckEntry(e); err != nil {
				return err
			}
			return s.apply(ctx, e)
		},
		Receipt: func(r *mirror.Receipt) error { return s.receipt(ctx, r) },
	})
	if err != nil {
		return err
	}
	s.out.Torn = contents.Torn
	s.out.Behind = contents.Tree.Size() < s.log.Size()
	if !s.out.Behind && contents.Tree.Root() != s.log.Root() {
		return fmt.Errorf("%w: the log that came of both has another root", ErrMirror)
	}
	if s.out.Behind {
		return s.reaches(ctx, &contents.Tree)
	}
	return nil
}

// meet makes sure that the mirror's tree is that of the backup when it has as many leaves.
func (s *restorer) meet(tree *translog.Grower) error {
	if tree.Size() == s.out.Summary.Size && tree.Root() != s.out.Root {
		return fmt.Errorf("%w: their first %d leaves differ", ErrMirror, tree.Size())
	}
	return nil
}

// reaches makes sure that a mirror with less than the backup is its beginning.
func (s *restorer) reaches(ctx context.Context, tree *translog.Grower) error {
	root, err := tlog.TreeHash(tree.Size(), s.db.hashes(ctx, s.tx))
	if err == nil && root != tree.Root() {
		err = fmt.Errorf("%w: their first %d leaves differ", ErrMirror, tree.Size())
	}
	return err
}

// exec runs a statement of the transaction.
func (s *restorer) exec(ctx context.Context, query string, args ...any) error {
	_, err := s.tx.ExecContext(ctx, s.db.bind(query), args...)
	return s.db.wrap("write", err)
}
