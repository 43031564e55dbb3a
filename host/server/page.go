package server

import (
	"io"
	"net/http"
)

// linkText is what a browser shows to who follows a link. It says nothing about the link:
// the server does not get its fragment.
const linkText = `This is a link to documents that were encrypted for whoever has it.

The part of the link after # is its secret. Browsers never send it to a server,
so this server does not know it and cannot open anything for you here. Keep the
link as you would keep a password.

To open a document that came with the link, install recrypt, run

  recrypt decrypt FILE --link -

and paste the whole link when it asks. Do not put it on the command line.
`

// linkPage answers the path of links.
func linkPage(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, linkText)
	return nil
}
