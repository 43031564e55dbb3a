package client

import "errors"

var errNotYet = errors.New("not offered yet")
