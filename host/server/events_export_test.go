package server

import "time"

// MaxStreams is how many live updates there may be.
const MaxStreams = maxStreams

// SetEvents makes live updates faster: their signs of life, and how often the log is read.
func (s *Server) SetEvents(beat, every time.Duration) { s.recent.beat, s.recent.every = beat, every }

// Streams is how many live updates there are.
func (s *Server) Streams() int { return s.recent.count() }

// Enter takes a place for a stream.
func (s *Server) Enter(who [32]byte) (leave func(), err error) { return s.recent.enter(who) }
