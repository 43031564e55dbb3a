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
	_, entries, _ := s.prepared.figures()
	return entries
}

// Transformed is how many transformed values are kept, and in how many bytes.
func (s *Server) Transformed() (entries, used int) {
	_, entries, used = s.transformed.figures()
	return entries, used
}

// Asking reports whether the witnesses are asked.
func (s *Server) Asking() bool {
	s.tree.mu.Lock()
	defer s.tree.mu.Unlock()
	return s.tree.asking
}

// Operations are the ids of all operations, and whether each demands a signature.
func (s *Server) Operations() map[string]bool {
	out := map[string]bool{}
	for _, rt := range s.routes {
		out[rt.operation] = rt.signed
	}
	return out
}

// SetLongest bounds answers with many keys.
func (s *Server) SetLongest(bytes int) { s.longest = bytes }

// SetPage bounds the items of a page.
func (s *Server) SetPage(items int) { s.page = items }
