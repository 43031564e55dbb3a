// Package protocol is what the service adds above the scheme of package recrypt:
// ids, records, requests and sealed secrets.
package protocol
