/**
 * Grants as they are listed, for people to look at: each verified, its status the server's
 * word, backed by a verified receipt where one is given. A grant received that does not
 * verify is set apart with the reason: strangers and their records must not take the list
 * away. One of our own that does not verify is an error. A server can leave grants out
 * without saying so; who reads an epoch is certain by `readers` alone.
 */

import type { GrantInfo, GrantList, GrantStatus, UnverifiedGrant } from "../answers.js";
import type { ListOptions } from "../choices.js";
import { equal, type Grant, type GrantFields, type Revocation } from "../core.js";
import { GrantKind } from "../ops.js";
import type { Client, ServerRecord } from "./client.js";
import { checkAborted, isKind, isVerdict, mismatch, unverified, within } from "./errors.js";
import { checkSharedState } from "./log.js";
import { eachPage } from "./pages.js";
import { formatPerson, lookUp, parsePerson, type Person } from "./people.js";
import * as shape from "./shape.js";
import { formatId, parseId } from "./text.js";

/** A verified grant of a list, with what the server says of it. */
export interface Listed {
  readonly grant: Grant;
  /** "rid1…" */
  readonly owner: string;
  /** "rid1…" */
  readonly reader: string;
  /** As the server says. */
  readonly status: GrantStatus;
  /** By our clock, whatever the server says. */
  readonly expired: boolean;
  /** Verified; undefined if there is none. */
  readonly revocation: Revocation | undefined;
  /** These three as the server says; times in Unix ms. */
  readonly requested: number;
  readonly opens: number;
  readonly used: number;
}

/** A grant as lists have it. */
export const listedGrant = shape.record({
  id: shape.text,
  owner: shape.text,
  reader: shape.text,
  record: shape.either(shape.bytes, new Uint8Array(0)),
  status: shape.text,
  requested: shape.either(shape.whole, 0),
  opens: shape.either(shape.whole, 0),
  used: shape.either(shape.count, 0),
  revocation: shape.either(shape.bytes, new Uint8Array(0)),
  receipt: shape.either(shape.bytes, new Uint8Array(0)),
});

/** A grant as lists have it. */
export type ListedGrant = shape.Shaped<typeof listedGrant>;

/**
 * Reports whether a grant has not ended, as the server says: whether it can be used now does
 * not matter.
 */
export function isLive(l: Pick<Listed, "status">): boolean {
  return l.status !== "expired" && l.status !== "revoked" && l.status !== "replaced";
}

/** Returns a status if a grant with these terms can have it. */
function plausible(status: string, v: Grant): GrantStatus | undefined {
  switch (status) {
    case "active":
    case "suspended":
    case "lost":
    case "revoked":
    case "replaced":
      return status;
    case "later":
      return v.notBefore !== 0 ? status : undefined;
    case "waiting":
      return v.kind === GrantKind.Pending ? status : undefined;
    case "used":
      return v.uses !== 0 ? status : undefined;
    case "expired":
      return v.expires !== 0 ? status : undefined;
  }
  return undefined;
}

/** Verifies a listed grant of owner, and its receipt if it has one. */
export function openListed(c: Client, svc: ServerRecord, owner: Person, g: ListedGrant): Listed {
  let v: Grant;
  try {
    v = c.core.openGrant(owner.record, undefined, { grant: g.record });
  } catch (e) {
    throw unverified("grant", e);
  }
  if (!equal(v.service, svc.service.id) || !equal(v.owner, owner.identity.id) || formatId(v.grant) !== g.id) {
    throw mismatch("grant: it belongs elsewhere");
  }
  const reader = formatPerson(c, v.reader);
  if (g.owner !== owner.id || g.reader !== reader) throw mismatch("grant: it is listed under other names");
  const status = plausible(g.status, v);
  if (status === undefined) throw mismatch("grant: it cannot have the status that it is listed with");
  const revocation = openRevoked(c, svc, owner, v, g);
  return {
    grant: v, owner: owner.id, reader, status, expired: v.expires !== 0 && v.expires <= c.clock(), revocation,
    requested: g.requested, opens: g.opens, used: g.used,
  };
}

/** Verifies that revocation and receipt of a listed grant are about it. */
function openRevoked(c: Client, svc: ServerRecord, owner: Person, v: Grant, g: ListedGrant): Revocation | undefined {
  if (g.revocation.length === 0 && g.receipt.length === 0) return undefined;
  let r: Revocation;
  try {
    r = c.core.openRevocation(owner.record, g.revocation);
  } catch (e) {
    throw unverified("revocation", e);
  }
  const same = equal(r.reader, v.reader) && equal(r.collection, v.collection) && equal(r.service, svc.service.id);
  if (!same || g.status !== "revoked") throw mismatch("revocation: it belongs to another grant");
  if (g.receipt.length === 0) return r; // the server was interrupted; asking again finishes it
  try {
    c.core.openReceipt(svc.record, g.revocation, g.receipt);
  } catch (e) {
    throw unverified("receipt", e);
  }
  return r;
}

/** Puts a listed grant into words. */
export function describe(l: Listed): GrantInfo {
  let status = l.status;
  if (isLive(l) && l.expired) status = "expired";
  if (status === "revoked" && l.revocation === undefined) status = "replaced";
  return {
    ...describeGrant(l.grant, l.owner, l.reader), status,
    ...(l.grant.uses !== 0 && { used: l.used }),
    ...(l.requested > 0 && { requested: l.requested, opens: Math.max(l.opens, 0) }),
  };
}

const KINDS = { [GrantKind.Direct]: "direct", [GrantKind.Pending]: "pending", [GrantKind.Link]: "link" } as const;

/** Puts a grant into words, an active one. */
export function describeGrant(g: GrantFields & Pick<Grant, "collection" | "epoch">, owner: string, reader: string): GrantInfo {
  return {
    id: formatId(g.grant), reader, owner, collection: formatId(g.collection), title: "", epoch: g.epoch, status: "active",
    kind: (KINDS as Record<number, GrantInfo["kind"]>)[g.kind] ?? "direct",
    ...(g.notBefore !== 0 && { notBefore: g.notBefore }),
    ...(g.expires !== 0 && { expires: g.expires }),
    documents: g.scope.map(formatId),
    ...(g.wait !== 0 && { wait: g.wait }),
    ...(g.uses !== 0 && { uses: g.uses }),
  };
}

const grantPage = shape.record({ grants: shape.list(listedGrant), next: shape.either(shape.text, "") });

/** One line of the list of grants: a grant, or one received that does not verify. */
export type GrantEntry =
  | { readonly received: boolean; readonly grant: GrantInfo; readonly unverified?: never }
  | { readonly received: boolean; readonly grant?: never; readonly unverified: UnverifiedGrant };

/**
 * Calls each for every grant that the own identity has issued, newest first, and then for each
 * that it has received. It reads page by page and keeps none, so that memory does not grow
 * with the list; grants that are made meanwhile may be missing.
 *
 * @returns whether the limit has cut something off
 */
export async function eachGrant(c: Client, options: ListOptions, each: (e: GrantEntry) => void | Promise<void>): Promise<boolean> {
  c.acting();
  const svc = await c.server();
  const owners = new Map<string, Person | Error>();
  const entries = {
    issued: (g: ListedGrant): Promise<GrantEntry> => Promise.resolve(issued(c, svc, g)),
    received: (g: ListedGrant): Promise<GrantEntry> => received(c, svc, g, owners),
  };
  let done = 0;
  let more = false;
  for (const list of ["issued", "received"] as const) {
    let n = 0;
    await eachPage(`/v1/grants/${list}/`, async (path) => {
      const page = grantPage(await within("list grants", c.call("GET", path, undefined, { signal: options.signal })));
      for (const g of page.grants) {
        if (options.limit !== undefined && ++n > options.limit) {
          more = true;
          return undefined;
        }
        checkAborted(options.signal);
        await each(await entries[list](g));
        done++;
      }
      options.progress?.(done);
      return { next: page.next, count: page.grants.length };
    });
  }
  return more;
}

/** Returns the grants issued and received, newest first. */
export async function grants(c: Client, options: ListOptions = {}): Promise<GrantList> {
  const list = { issued: [] as GrantInfo[], received: [] as GrantInfo[], unverified: [] as UnverifiedGrant[] };
  const more = await eachGrant(c, options, (e) => {
    if (e.unverified !== undefined) list.unverified.push(e.unverified);
    else list[e.received ? "received" : "issued"].push(e.grant);
  });
  return { ...list, more };
}

/** Verifies a grant that we have issued. */
function issued(c: Client, svc: ServerRecord, g: ListedGrant): GrantEntry {
  const me = c.self();
  try {
    return { received: false, grant: describe(openListed(c, svc, me, g)) };
  } catch (e) {
    if (!isKind(e, "verification") || me.identity.since <= 1) throw e;
    return { received: false, unverified: setApart(c, g, e) }; // by an overridden version?
  }
}

/** Verifies a grant to us, or sets it apart. */
async function received(c: Client, svc: ServerRecord, g: ListedGrant, owners: Map<string, Person | Error>): Promise<GrantEntry> {
  try {
    return { received: true, grant: describe(await openReceived(c, svc, g, owners)) };
  } catch (e) {
    if (!isVerdict(e)) throw e;
    return { received: true, unverified: setApart(c, g, e) };
  }
}

/** Keeps of a grant that does not verify the names that have their form. */
function setApart(c: Client, g: ListedGrant, error: Error): UnverifiedGrant {
  return { id: parseId(g.id) === undefined ? "" : g.id, owner: isPerson(c, g.owner) ? g.owner : "", error };
}

function isPerson(c: Client, id: string): boolean {
  try {
    parsePerson(c, id);
    return true;
  } catch {
    return false;
  }
}

/**
 * Verifies a grant to us. Who issued it is looked up by the name that the server gives, once
 * per owner: the grant is then verified with the identity found, so that another name gains
 * nothing.
 */
async function openReceived(c: Client, svc: ServerRecord, g: ListedGrant, owners: Map<string, Person | Error>): Promise<Listed> {
  let owner = owners.get(g.owner);
  if (owner === undefined) {
    if (!isPerson(c, g.owner)) throw mismatch("grant: it does not say who issued it");
    try {
      owner = await lookUp(c, g.owner);
    } catch (e) {
      owner = e as Error;
    }
    owners.set(g.owner, owner);
  }
  if (owner instanceof Error) throw owner;
  const l = openListed(c, svc, owner, g);
  if (!equal(l.grant.reader, c.self().identity.id)) throw mismatch("grant: it is for somebody else");
  await checkSharedState(c, l.grant.extensions.checkpoint);
  return l;
}
