package server

// Starve takes everything out of the budgets for bodies and answers; feed puts it
// back.
func (s *Server) Starve() (feed func()) {
	bodies, unsent := s.bodies.left.Swap(0), s.unsent.left.Swap(0)
	return func() {
		s.bodies.left.Add(bodies)
		s.unsent.left.Add(unsent)
	}
}

// Held is how many bytes the budgets for bodies and answers have given out.
func (s *Server) Held() int64 {
	return maxBodies + maxUnsent - s.bodies.left.Load() - s.unsent.left.Load()
}

// Prepared is how many transform keys are kept prepared.
func (s *Server) Prepared() int {
	s.prepared.mu.Lock()
	defer s.prepared.mu.Unlock()
	return s.prepared.recent.Len()
}
