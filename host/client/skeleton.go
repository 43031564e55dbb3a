package client

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

var errNotYet = errors.New("not offered yet")

// A Link is what a link says and makes.
type Link struct {
	Server, Owner  string // base URL; rid1…
	NeedsPasscode  bool
	Seed, Identity []byte // of the link's reader; nil after [ParseLink]
	secret         []byte
}

func ParseLink(url string) (*Link, error) { return nil, errNotYet }

func OpenLink(ctx context.Context, core abi.Client, url string, passcode []byte) (*Link, error) {
	return nil, errNotYet
}

func (c *Client) GrantAll(ctx context.Context, reader string, o GrantOptions) ([]GrantInfo, error) {
	return nil, errNotYet
}
func (c *Client) GrantLink(ctx context.Context, o LinkOptions) (*LinkInfo, error) {
	return nil, errNotYet
}
func (c *Client) CreateCollection(ctx context.Context, title string, o CollectionOptions) (*CollectionInfo, error) {
	return nil, errNotYet
}
func (c *Client) ChangeCollection(ctx context.Context, name string, o CollectionOptions, title *string) (*CollectionInfo, error) {
	return nil, errNotYet
}
func (c *Client) Collections(ctx context.Context) ([]CollectionInfo, error) { return nil, errNotYet }
func (c *Client) OpenCollections(ctx context.Context, owner string) ([]CollectionInfo, error) {
	return nil, errNotYet
}
func (c *Client) Rotate(ctx context.Context, name string, progress func(done, all int)) (*RotateInfo, error) {
	return nil, errNotYet
}
func (c *Client) Request(ctx context.Context, owner string) ([]PendingInfo, error) {
	return nil, errNotYet
}
func (c *Client) Veto(ctx context.Context, reader string) ([]string, error) { return nil, errNotYet }
func (c *Client) Deposits(ctx context.Context) ([]DepositInfo, error)       { return nil, errNotYet }
func (c *Client) AcceptAuthor(ctx context.Context, collection, author string) (int, error) {
	return 0, errNotYet
}
func (c *Client) Regrant(ctx context.Context, progress func(done, all int)) (*RegrantInfo, error) {
	return nil, errNotYet
}
func (c *Client) DepositKey(ctx context.Context, o KeyOptions) (*KeyInfo, error) {
	return nil, errNotYet
}
