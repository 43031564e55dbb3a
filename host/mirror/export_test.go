package mirror

// Break makes the next attempt to write fail, as a disk does.
func (m *Mirror) Break() {
	m.write.Lock()
	defer m.write.Unlock()
	m.files.dir += "-gone"
	m.files.close()
}

// Mend undoes Break.
func (m *Mirror) Mend() {
	m.write.Lock()
	defer m.write.Unlock()
	m.files.dir = m.cfg.Dir
}

// ParseEntry is how entries are read.
func ParseEntry(b []byte) ([]byte, bool) {
	e, ok := parseEntry(b)
	if !ok {
		return nil, false
	}
	return e.encode(), true
}
