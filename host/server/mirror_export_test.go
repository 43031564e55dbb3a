package server

import "context"

// BreakMirror makes the mirror fail until the server starts again.
func (s *Server) BreakMirror() {
	s.mirror.Close()
	_ = s.mirror.CatchUp(context.Background(), nil)
}
