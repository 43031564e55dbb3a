package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// grantFlags are the flags of grant as they are given.
type grantFlags struct {
	collection, expires, notBefore, pending string
	documents                               []string
	all, fromNow, link                      bool
	uses                                    uint32
	passcode                                bool
	passcodeFile                            string
}

func (a *app) grantCommand() *cobra.Command {
	f := &grantFlags{}
	cmd := &cobra.Command{
		Use: "grant READER | grant --link", Short: "Let a reader open your documents, those to come included",
		Long: `Let a reader open your documents: those that exist and those you encrypt later.
READER is a nickname (recrypt contact add) or an id. Granting again replaces the
earlier grant, for example to change when it expires.

A grant is for one collection: "default", or the one that --collection names by title
or id; --all is for all of them. It covers every epoch so far; with --from-now only
the documents to come.

With --pending the reader first has to ask (recrypt request), then waits so long, and
in that time you can say no (recrypt veto): for emergencies and inheritance.

With --link the reader is whoever has the printed URL: somebody without an account.
Each link has a collection of its own; encrypt into it with --collection. The URL is a
secret, printed once. A passcode (8 characters or more) is told by another way: who has
the URL can try passcodes at the cost of Argon2id each, so choose a long one. --uses
counts per epoch: rotating the link's collection gives the new epoch as many again,
while what is left for the old ones remains.

All these limits are kept by the server: a server that breaks its word, together with
the reader, opens everything of the epochs that the grant covers. What a reader
has opened, he has.`,
		Example: `  recrypt grant bob
  recrypt grant dr-lee --expires 30d
  recrypt grant family --collection "Lab results" --from-now
  recrypt grant auditor --document letter.pdf.recrypt --document scan.png.recrypt
  recrypt grant sister --pending 72h
  recrypt grant --link --expires 7d --uses 3 --passcode`,
		Args: cobra.ArbitraryArgs,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			if f.link {
				return a.grantLink(cmd.Context(), args, f)
			}
			if len(args) != 1 {
				return usage("%s takes a READER, or --link", cmd.CommandPath())
			}
			return a.grant(cmd.Context(), args[0], f)
		}),
	}
	a.suiteFlag(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.collection, "collection", "", "`C`, a title or an id (default: your default collection; with --link: the title of the link's)")
	fs.StringVar(&f.expires, "expires", "", "when the grant ends, from now or from --not-before: `30d`, 12h, 2w (default: never); kept by the server")
	fs.StringVar(&f.notBefore, "not-before", "", "when it starts: from now (`2h`, 3d) or a date (2027-01-31, 2027-01-31T08:00:00Z); kept by the server")
	fs.StringArrayVar(&f.documents, "document", nil, "only this document: `ID|FILE"+suffix+"`, may be repeated; kept by the server")
	fs.StringVar(&f.pending, "pending", "", "the reader has to ask and then wait so long: `72h`; kept by the server")
	fs.BoolVar(&f.all, "all", false, "all your collections but those of links")
	fs.BoolVar(&f.fromNow, "from-now", false, "only documents of the present epoch and later ones, none of older epochs")
	fs.BoolVar(&f.link, "link", false, "print a link for people without an account")
	fs.Uint32Var(&f.uses, "uses", 0, "with --link: `N` openings per epoch, then no more (default: any number); kept by the server")
	fs.BoolVar(&f.passcode, "passcode", false, "with --link: ask for a passcode that the link needs")
	fs.StringVar(&f.passcodeFile, "passcode-file", "", "with --link: the passcode is the first line of `FILE`")
	return cmd
}

// longest is the longest time that a flag takes, as the server does.
const longest = 100 * 365 * 24 * time.Hour

// parseDuration reads a duration with days and weeks; empty is 0.
func parseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	d, err := time.ParseDuration(s)
	if unit != 0 {
		var n float64
		n, err = strconv.ParseFloat(s[:len(s)-1], 64)
		d = time.Duration(n * float64(unit))
	}
	if err != nil || d < time.Second || d > longest {
		return 0, usage("a time such as 12h, 30d or 2w is needed")
	}
	return d, nil
}

// parseInstant reads when something starts: a time from now, or a date.
func parseInstant(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			if !t.After(now) || t.After(now.Add(longest)) {
				return time.Time{}, usage("that date is over, or more than a hundred years away")
			}
			return t, nil
		}
	}
	d, err := parseDuration(s)
	if err != nil {
		return time.Time{}, usage("a time from now such as 12h or 3d, or a date such as 2027-01-31, is needed")
	}
	return now.Add(d), nil
}

// options reads the flags for a reader with an identity.
func (f *grantFlags) options() (o client.GrantOptions, err error) {
	o = client.GrantOptions{Collection: f.collection, FromNow: f.fromNow, All: f.all}
	if o.Expires, err = parseDuration(f.expires); err != nil {
		return o, fmt.Errorf("--expires: %w", err)
	}
	if o.Pending, err = parseDuration(f.pending); err != nil {
		return o, fmt.Errorf("--pending: %w", err)
	}
	if o.NotBefore, err = parseInstant(f.notBefore, time.Now()); err != nil {
		return o, fmt.Errorf("--not-before: %w", err)
	}
	switch {
	case f.all && f.collection != "":
		return o, usage("--all and --collection exclude each other")
	case len(f.documents) > 0 && (f.all || f.pending != ""):
		return o, usage("--document goes neither with --all nor with --pending")
	case f.uses > 0 || f.passcode || f.passcodeFile != "":
		return o, usage("--uses and --passcode go with --link")
	}
	return o, nil
}

// scope finds the documents of --document: key ids, or encrypted files whose headers say
// their ids and collection.
func (a *app) scope(ctx context.Context, f *grantFlags, o *client.GrantOptions) error {
	for _, d := range f.documents {
		if _, err := api.ParseID(d); err == nil {
			o.Documents = append(o.Documents, d)
			continue
		}
		header, err := a.peek(ctx, d)
		if err != nil {
			return fmt.Errorf("--document %s: %w", printable(d), err)
		}
		if o.Collection == "" {
			o.Collection = header.Collection
		} else if f.collection == "" && o.Collection != header.Collection {
			return usage("the documents are of different collections: make a grant for each")
		}
		o.Documents = append(o.Documents, header.Key)
	}
	return nil
}

// peek reads the header of an encrypted file.
func (a *app) peek(ctx context.Context, file string) (*client.DocumentHeader, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	return client.Peek(ctx, core.Caller, bufio.NewReaderSize(r, 4<<10))
}

func (a *app) grant(ctx context.Context, reader string, f *grantFlags) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	if err := a.scope(ctx, f, &o); err != nil {
		return err
	}
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(reader)
	if err != nil {
		return err
	}
	bar := a.counter("granting")
	defer bar.done()
	o.Progress = bar.steps
	var made []client.GrantInfo
	if o.All {
		made, err = s.GrantAll(ctx, id, o)
	} else {
		var one *client.GrantInfo
		if one, err = s.Grant(ctx, id, o); err == nil {
			made = []client.GrantInfo{*one}
		}
	}
	bar.done()
	if err != nil {
		return fmt.Errorf("grant %s: %w", name(s.store.Nickname(id), id), err)
	}
	return a.printGranted(s, id, made, &o)
}

// printGranted says what was granted.
func (a *app) printGranted(s *session, id string, made []client.GrantInfo, o *client.GrantOptions) error {
	switch {
	case a.json && o.All:
		return a.printJSON(map[string]any{"grants": grantsJSON(made)})
	case a.json:
		return a.printJSON(grantJSON(made[0]))
	case len(made) == 0:
		a.printf("there is no collection yet to grant %s\n", name(s.store.Nickname(id), id))
		return nil
	}
	what := "the documents of " + s.identity.Name
	switch title := made[0].Title; {
	case o.All:
		what += ", all of " + count(len(made), "collection")
	case len(o.Documents) > 0:
		what = count(len(o.Documents), "document") + " of " + s.identity.Name
	case title != "":
		what += " in “" + printable(title) + "”"
	}
	when := "may now open"
	if !made[0].NotBefore.IsZero() {
		when = "may open, from " + stamp(made[0].NotBefore) + ","
	} else if o.Pending > 0 {
		when = "may ask for (recrypt request) and " + span(o.Pending) + " later open"
	}
	until := ""
	if !made[0].Expires.IsZero() {
		until = " until " + stamp(made[0].Expires)
	}
	if o.FromNow {
		until += ", from the present epoch on"
	}
	a.printf("%s %s %s%s\n", name(s.store.Nickname(id), id), when, what, until)
	return nil
}
