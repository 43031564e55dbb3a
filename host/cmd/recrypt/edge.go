package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Files of an edge: unpadded base64url on one line, as runtimes of edges keep settings.
const (
	edgeSeedFile     = "edge.seed"
	edgeIdentityFile = "edge.identity"
)

// maxEdgeIdentity is more bytes than the text of any identity has.
const maxEdgeIdentity = 64 << 10

func (a *app) edgeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "edge", Short: "Make the key of an edge, which transforms in the server's place",
		Long: `Make the key of an edge. An edge transforms document keys close to readers, in the
server's place; the server decides about every opening, and seals each transform to
the edge for one minute. An edge keeps nothing. Trust it as you trust the server: with
a reader's help it could keep open what was open to that reader.`,
		Example: `  recrypt edge init --data ./edge
  recrypt serve --edge-key ./edge/edge.identity`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	var dir string
	init := &cobra.Command{
		Use: "init", Short: "Make the key and the identity of a new edge",
		Long: `Make the key and the identity of a new edge:

  DIR/edge.seed      its secret key, readable by you only: for the edge, and nobody else
  DIR/edge.identity  its public identity: for recrypt serve --edge-key

Both are one line of text. It prints the id of the edge and what to do with the files.`,
		Example: "  recrypt edge init --data ./edge",
		Args:    noArgs,
		RunE:    action(func(cmd *cobra.Command, _ []string) error { return a.initEdge(cmd.Context(), dir) }),
	}
	init.Flags().StringVar(&dir, "data", "", "`DIR` for the two files, made if it is not there")
	cmd.AddCommand(init)
	return cmd
}

func (a *app) initEdge(ctx context.Context, dir string) error {
	if dir == "" {
		return usage("say where the edge's files go: --data DIR")
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	seed, recovery := make([]byte, 32), make([]byte, 32)
	defer clear(seed)
	defer clear(recovery) // nobody keeps it: an edge that is lost is replaced by another
	rand.Read(seed)
	rand.Read(recovery)
	_, suites, err := core.Info(ctx)
	if err != nil {
		return err
	}
	record, err := core.NewIdentity(ctx, seed, recovery, suites)
	if err != nil {
		return fmt.Errorf("make the edge's identity: %w", err)
	}
	v, err := core.OpenIdentity(ctx, record)
	if err != nil {
		return fmt.Errorf("make the edge's identity: %w", err)
	}
	id, err := core.FormatID(ctx, abi.KindPerson, v.ID)
	if err != nil {
		return fmt.Errorf("make the edge's identity: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	secret, public := filepath.Join(dir, edgeSeedFile), filepath.Join(dir, edgeIdentityFile)
	if _, err := os.Lstat(secret); err == nil {
		return fmt.Errorf("%s is there already: choose another folder", printable(secret))
	}
	// The seed last, which is never replaced: what fails before can be done again.
	if err := atomicfile.WriteFile(public, appendLine(record), 0o644, true); err != nil {
		return fmt.Errorf("write the edge's identity: %w", err)
	}
	text := appendLine(seed)
	defer clear(text)
	if err := atomicfile.WriteFile(secret, text, 0o600, false); err != nil {
		return fmt.Errorf("write the edge's key: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"edge": id, "seed": secret, "identity": public})
	}
	a.printf("%s\n", id)
	a.notef("start the server with --edge-key %s\ngive %s to the edge, as a secret\n", printable(public), printable(secret))
	return nil
}

// appendLine returns a line with bytes in base64url.
func appendLine(b []byte) []byte {
	return append(base64.RawURLEncoding.AppendEncode(make([]byte, 0, base64.RawURLEncoding.EncodedLen(len(b))+1), b), '\n')
}

// edgeKeys reads the edges of a server: ids, and files with identities.
func edgeKeys(flags []string) ([]string, error) {
	var out []string
	for _, text := range flags {
		if len(text) == 62 && text[:4] == "rid1" {
			out = append(out, text)
			continue
		}
		content, err := os.ReadFile(text)
		if err != nil {
			return nil, usage("--edge-key takes the edge.identity file of an edge, or an id, rid1…: %v", err)
		}
		content = bytes.TrimSpace(content)
		if b, err := base64.RawURLEncoding.DecodeString(string(content)); err != nil || len(b) <= 32 || len(content) > maxEdgeIdentity {
			return nil, usage("--edge-key: %s is not the identity of an edge; recrypt edge init makes edge.identity", printable(text))
		}
		out = append(out, string(content))
	}
	return out, nil
}
