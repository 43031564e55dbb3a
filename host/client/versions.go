package client

import (
	"bytes"
	"context"
)

// recordStart is what every record of an identity begins with: the length of its label,
// and the label.
var recordStart = append([]byte{byte(len(identityLabel))}, identityLabel...)

const identityLabel = "recrypt-service identity v1"

// versions returns what an identity was in each of its versions, oldest first. Records
// do not name their length: where a label stands one may begin, and the core says whether
// what comes before it is whole.
func (c *Client) versions(ctx context.Context, p *person) ([]*person, error) {
	var all []*person
	for end := 1; end > 0 && uint32(len(all))+1 < p.Version; {
		next := bytes.Index(p.record[end:], recordStart)
		if next < 0 {
			break
		}
		v, err := c.openPerson(ctx, p.record[:end+next])
		switch {
		case err == nil:
			all = append(all, v)
		case !isAnswer(err):
			return nil, err
		}
		end += next + 1
	}
	if uint32(len(all))+1 != p.Version {
		return nil, mismatch("identity record: its versions cannot be told apart")
	}
	return append(all, p), nil
}
