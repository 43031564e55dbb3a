package client

import "github.com/recrypt-service/recrypt/host/httpsig"

// NormaliseURL returns the one form of a server's URL, see httpsig.NormaliseURL.
func NormaliseURL(raw string) (string, error) { return httpsig.NormaliseURL(raw) }
