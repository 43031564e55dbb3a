package dbfile

func isReadOnly(error) bool { return false }

// syncFolder does nothing: Windows keeps renames itself.
func syncFolder(string) error { return nil }
