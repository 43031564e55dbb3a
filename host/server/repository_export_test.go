package server

import "time"

// SetPatience says how long the document repository waits for a piece, and in all for a request
// that stores.
func (s *Server) SetPatience(stall, all time.Duration) {
	s.documents.stall, s.documents.patience = stall, all
}

// Slots of the document repository.
const (
	MaxUploads   = maxUploads
	MaxDownloads = maxDownloads
	OfOne        = ofOne
)
