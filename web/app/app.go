// Package app carries the built web app, so that the server is one file.
//
// The app is a build product and not under version control: "make app" builds it, with Node.
// The placeholder in dist keeps this package compiling without it, and is a page that says so.
package app

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

// Files returns the files of the app: index.html, what it loads from assets/, each with its
// compressed forms beside it (.br, .gz), or placeholder.html alone if the app is not part of
// this build.
func Files() fs.FS {
	sub, err := fs.Sub(files, "dist")
	if err != nil {
		panic("app: " + err.Error()) // "dist" is a valid path
	}
	return sub
}

// Built reports whether the app is part of this build.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}
