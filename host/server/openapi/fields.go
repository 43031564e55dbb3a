package openapi

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// A form is what the document says about a value beside its type.
type form func(schema object)

// binary: bytes in base64url, so many of them.
func binary(least, most int) form {
	return func(s object) {
		s["contentEncoding"], s["pattern"] = "base64url", formBinary
		s["minLength"], s["maxLength"] = (least*4+2)/3, (most*4+2)/3
		size := fmt.Sprintf("%d to %d bytes", least, most)
		if least == most {
			size = fmt.Sprintf("%d bytes", least)
		}
		s["description"] = strings.TrimPrefix(fmt.Sprintf("%v; %s", s["description"], size), "<nil>; ")
	}
}

// like: text of this kind.
func like(schema object) form {
	return func(s object) {
		about := s["description"]
		maps.Copy(s, schema)
		if about != nil {
			s["description"] = about
		}
	}
}

// words: free text of at most so many bytes.
func words(most int) form { return func(s object) { s["maxLength"] = most } }

// number: from 0 to most.
func number(least, most int64) form {
	return func(s object) { s["minimum"], s["maximum"] = least, most }
}

// many: at most so many of these.
func many(least, most int, of form) form {
	return func(s object) {
		s["minItems"], s["maxItems"] = least, most
		if of != nil {
			of(s["items"].(object))
		}
	}
}

// distinct: many, each once.
func distinct(least, most int, of form) form {
	return func(s object) {
		many(least, most, of)(s)
		s["uniqueItems"] = true
	}
}

// one of these words.
func oneOf(values ...any) form { return func(s object) { s["enum"] = list(values) } }

var (
	record     = binary(1, store.MaxRecord)
	hash       = binary(32, 32)
	personText = like(person("rid1…"))
	shortText  = like(idOf("thing"))
	hashText   = like(hashID)
	note       = words(translog.MaxCheckpoint)
	milli      = number(0, 1<<53-1)
	position   = number(0, translog.MaxTree)
	counted    = number(0, 1<<31-1)
	cursorForm = words(api.MaxCursor)
	plainForm  = form(func(object) {}) // a type of its own, or true and false: nothing to add
)

// fields say for each field what its values are.
var fields = map[string]form{
	"Problem.type": words(64), "Problem.title": words(128), "Problem.status": number(400, 599), "Problem.code": words(16), "Problem.detail": words(512),

	"Server.id": like(text(62, 62, formService, "the server's id", exampleLog)), "Server.record": record, "Server.version": words(128),
	"Server.engine": oneOf("wazero", "native"), "Server.suites": many(1, 8, words(16)), "Server.urls": many(1, 64, words(300)), "Server.time": milli, "Server.edges": many(1, 64, personText), "Server.restart": binary(1, translog.MaxRestart),

	"CreateIdentity.record": record, "Identity.id": personText, "Identity.version": number(0, 1<<32-1), "Identity.record": binary(0, store.MaxRecord),
	"Identity.logged": plainForm, "Identity.code": words(16),
	"LookUp.ids": distinct(0, api.MaxLookUps, personText), "Identities.identities": many(0, api.MaxLookUps, nil), "Identities.checkpoint": note,

	"Logged.index": position, "Logged.proof": many(0, 48, hash), "Logged.checkpoint": note, "Consistency.proof": many(0, 64, hash),

	"Collection.id": shortText, "Collection.owner": personText, "Collection.records": many(1, 1<<16, record), "Collection.closed": plainForm, "Collection.logged": plainForm,
	"Collections.collections": many(0, store.MaxCollections, nil), "Collections.checkpoint": note, "Collections.more": plainForm,
	"CollectionHead.id": shortText, "CollectionHead.record": record, "CollectionHead.readers": counted, "CollectionHead.closed": plainForm, "CollectionHead.logged": plainForm,

	"AcceptAuthor.author": personText, "AcceptAuthorAnswer.accepted": counted, "RefuseAuthor.author": personText, "RefuseAuthorAnswer.refused": counted,
	"Deposits.waiting": many(0, store.MaxListed, nil), "Waiting.collection": shortText, "Waiting.author": personText,
	"Waiting.keys": many(1, store.MaxWaitingShown, shortText), "Waiting.count": counted,

	"GrantAccess.collection": record, "GrantAccess.grants": many(0, api.MaxGrants, nil), "Grant.record": binary(1, api.MaxGrantRecord+store.MaxScope*16), "Grant.transformKey": binary(1, store.MaxSealed),
	"GrantAccessAnswer.collection": shortText, "GrantAccessAnswer.sequence": number(0, 1<<53-1), "GrantAccessAnswer.grants": many(0, api.MaxGrants, shortText),
	"GrantAccessAnswer.receipt": record, "GrantAccessAnswer.logged": plainForm,

	"Readers.id": shortText, "Readers.sequence": number(0, 1<<53-1), "Readers.closed": plainForm, "Readers.grants": many(0, 1<<16, nil),
	"ListGrants.issued": many(0, store.MaxListed, nil), "ListGrants.received": many(0, store.MaxListed, nil), "ListGrants.more": plainForm,
	"GrantPage.grants": many(0, api.MaxPage, nil), "GrantPage.next": cursorForm,
	"CollectionPage.collections": many(0, api.MaxPage, nil), "CollectionPage.checkpoint": note, "CollectionPage.next": cursorForm,
	"ListedGrant.id": shortText, "ListedGrant.owner": personText, "ListedGrant.reader": personText, "ListedGrant.record": record, "ListedGrant.status": plainForm,
	"ListedGrant.requested": milli, "ListedGrant.opens": milli, "ListedGrant.used": number(0, 1<<32-1), "ListedGrant.revocation": record, "ListedGrant.receipt": record,

	"Request.owner": personText, "Requested.grants": many(0, store.MaxListed, nil), "RequestedGrant.id": shortText, "RequestedGrant.collection": shortText, "RequestedGrant.opens": milli,
	"Veto.reader": personText, "Vetoed.collections": many(0, store.MaxListed, shortText),
	"RevokeAccess.revocation": record, "Receipt.receipt": record, "Receipt.destroyed": counted,

	"Ledger.entries": many(0, api.MaxLedgerPage, nil), "Ledger.next": position, "Ledger.checkpoint": note,
	"LedgerEntry.entry": binary(translog.EntrySize, translog.EntrySize), "LedgerEntry.salt": hash, "LedgerEntry.evidence": binary(0, store.MaxEvidence), "LedgerEntry.logged": plainForm,

	"CreateKey.record": record, "CreateKey.value": record, "CreateKeyAnswer.id": shortText,
	"Key.id": shortText, "Key.level": number(0, 1), "Key.value": record, "Key.record": record, "Key.collection": record, "Key.author": record, "Key.owner": record,
	"Key.grant": record, "Key.waiting": plainForm, "Key.deposited": plainForm,
	"Deposited.entry": binary(translog.EntrySize, translog.EntrySize), "Deposited.salt": hash, "Deposited.logged": plainForm, "Deposited.changed": plainForm,
	"GetKeys.keys": distinct(0, api.MaxKeys, shortText), "Keys.keys": many(0, api.MaxKeys, nil), "Keys.records": many(0, 4*api.MaxKeys, record),
	"KeyItem.id": shortText, "KeyItem.code": words(16), "KeyItem.level": number(0, 1), "KeyItem.value": record, "KeyItem.record": record,
	"KeyItem.collection": counted, "KeyItem.author": counted, "KeyItem.owner": counted, "KeyItem.grant": counted, "KeyItem.waiting": plainForm, "KeyItem.deposited": plainForm,
	"GetEdgeJobs.edge": personText, "GetEdgeJobs.keys": distinct(0, api.MaxEdgeKeys, shortText), "Keys.jobs": many(1, api.MaxEdgeKeys, record),
	"KeyItem.job": counted, "KeyItem.place": number(0, api.MaxEdgeKeys-1), "KeyItem.ticket": binary(72, 72),

	"Event.index": position, "Event.time": milli, "Event.kind": plainForm, "Event.owner": personText, "Event.collection": shortText, "Event.grant": shortText,
	"Event.actor": personText, "Event.subject": personText, "Event.key": shortText, "Event.epoch": number(0, 1<<32-1),
	"Gap.from": position, "Gap.to": position,

	"Document.id": hashText, "Document.size": number(0, 1<<53-1),
	"Upload.id": hashText, "Upload.received": number(0, 1<<53-1), "Upload.total": number(0, 1<<53-1), "Upload.complete": plainForm,
}

// describeType adds to a schema of huma's what the table says about its fields.
func (d *document) describeType(name string, t reflect.Type) {
	schema := d.schemas[name].(object)
	properties, _ := schema["properties"].(object)
	for field, value := range properties {
		f := fields[name+"."+field]
		if f == nil {
			d.missing = append(d.missing, name+"."+field)
			continue
		}
		v := value.(object)
		delete(v, "format") // int32 and int64 are bounds that are said better by numbers
		f(v)
	}
	if about := types[name]; about != "" {
		schema["description"] = about
	}
}

// types say what a type is, where its fields do not.
var types = map[string]string{
	"Problem": "An error (RFC 9457). It never contains what was sent.",
	"Event":   "The data of the messages entry and notice of watch_events. A hint: what it says is verified where it can be read.",
	"Gap":     "The data of the message gap of watch_events: notices of this part of the log are not repeated.",
	"Logged":  "The proof that something is in the server's log, by a checkpoint.",
	"Keys":    "What keys have in common is in records, and keys name it by its number there, counted from 1.",
}
