package client

import "context"

// GrantMany grants the default collection to many readers with one record.
func GrantMany(ctx context.Context, c *Client, ids []string) error {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	id, err := c.find(ctx, "")
	if err != nil {
		return err
	}
	w, err := c.writable(ctx, id)
	if err != nil {
		return err
	}
	persons, err := c.lookUpMany(ctx, ids)
	if err != nil {
		return err
	}
	var awards []award
	for _, id := range ids {
		a := award{to: persons[id]}
		if a.to.err != nil {
			return a.to.err
		}
		a.fields.Kind = 1
		copy(a.fields.Grant[:], a.to.ID[:]) // random enough
		awards = append(awards, a)
	}
	next, err := c.nextLink(ctx, w, change{readers: readersOf(awards)})
	if err != nil {
		return err
	}
	made, grants, err := c.makeGrants(ctx, next, awards, nil)
	defer wipe(made)
	if err != nil {
		return err
	}
	_, err = c.extend(ctx, next, made, grants)
	return err
}
