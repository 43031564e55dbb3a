// Package deploy holds what it takes to run a server for others: a unit for systemd, an
// image, an example with PostgreSQL, proxies in front, and what to watch. It has no code but
// its tests, which check that these files fit the server: that every setting exists,
// that every metric is told and has the labels that are asked for, and that the pages are
// current. README.md leads from nothing to a service.
package deploy
