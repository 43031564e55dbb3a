package client

import "context"

// LookUpMany is lookUpMany with what became of each: the version, or the error.
func LookUpMany(ctx context.Context, c *Client, ids []string) (versions map[string]uint32, errs map[string]error, err error) {
	found, err := c.lookUpMany(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	versions, errs = map[string]uint32{}, map[string]error{}
	for id, p := range found {
		if p.err != nil {
			errs[id] = p.err
		} else {
			versions[id] = p.Version
		}
	}
	return versions, errs, nil
}
