package server

import (
	"context"
	"errors"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/store"
)

// mirrorPatience is how long a new state of the log waits for the mirror before it is signed all
// the same.
const mirrorPatience = time.Second

// openMirror opens the mirror, if one is configured, and brings it up to date. A database that
// is older than its mirror is refused.
func (s *Server) openMirror(ctx context.Context, dir string) (err error) {
	if dir == "" {
		return nil
	}
	s.mirror, err = mirror.Open(ctx, mirror.Config{
		Dir: dir, Record: s.record, Store: s.store, Log: s.log,
		Checkpoint: func(context.Context) ([]byte, error) {
			if h := s.tree.signed.Load(); h != nil {
				return h.own, nil
			}
			return nil, nil
		},
	})
	if errors.Is(err, mirror.ErrAhead) {
		return errors.Join(ErrOlderLog, err)
	}
	return err
}

// mirrored returns once a revocation is in the mirror, if there is one. It has taken effect
// before, and sent again it is answered as soon as it is there.
func (s *Server) mirrored(ctx context.Context, v *store.Revocation) error {
	if s.mirror == nil {
		return nil
	}
	err := s.mirror.Revoked(ctx, v)
	if errors.Is(err, mirror.ErrBehind) {
		s.log.Error("a revocation has taken effect but is not in the mirror", "error", err)
		return refuse(api.CodeBusy, "the revocation has taken effect, but its copy is not yet where it survives a loss of the server; send it again for the receipt")
	}
	return err
}

// mirrorHead lets the mirror have a new state of the log before anybody sees it. A mirror that
// does not keep up holds up nobody for long.
func (s *Server) mirrorHead(ctx context.Context, size int64) {
	if s.mirror == nil || s.mirror.Size() >= size || s.mirror.Failed() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mirrorPatience)
	defer cancel()
	if err := s.mirror.Await(ctx, size); err != nil {
		s.log.Warn("a new state of the log is shown before it is in the mirror", "size", size, "error", err)
	}
}

// MirrorState tells how many leaves the mirror has, and why it does not keep up, nil if it does.
// ok is false if there is none.
func (s *Server) MirrorState() (size int64, failed error, ok bool) {
	if s.mirror == nil {
		return 0, nil, false
	}
	return s.mirror.Size(), s.mirror.Failed(), true
}

// closeMirror stops the mirror.
func (s *Server) closeMirror() {
	if s.mirror == nil {
		return
	}
	if err := s.mirror.Close(); err != nil {
		s.log.Error("close the mirror", "error", err)
	}
}
