package api

// GrantPage answers list_issued_grants and list_received_grants: a part of the caller's
// grants, newest first. Grants that are made meanwhile come before the first page, so that
// who goes on by Next sees each of the others once.
type GrantPage struct {
	Grants []ListedGrant `json:"grants" doc:"at most 500"`
	Next   string        `json:"next,omitempty" doc:"cursor of the next page; empty: this is the last"`
}

// CollectionPage answers list_collections_after: a part of the caller's own collections,
// oldest first.
type CollectionPage struct {
	Collections []CollectionHead `json:"collections" doc:"at most 500"`
	Checkpoint  string           `json:"checkpoint" doc:"for all of them; empty if there are none"`
	Next        string           `json:"next,omitempty" doc:"cursor of the next page; empty: this is the last"`
}

// MaxCursor is how long a cursor may be, in characters. It is opaque, and good for the
// list that it came from.
const MaxCursor = 80
