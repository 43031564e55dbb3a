/**
 * Links: each opens one collection for who has no identity. Its fragment, which browsers do
 * not send to servers, holds the secret from which the identity of its reader is made.
 *
 *     <base URL of the server>/l#1.<owner, rid1…>.<secret, 32 bytes in base64url>[.p]
 *
 * The last part says that a passcode belongs to it, which is never in the link.
 */

import type { LinkInfo } from "../answers.js";
import type { LinkOptions, Passphrase } from "../choices.js";
import type { Core, GrantFields } from "../core.js";
import { GrantKind, IdKind, Suite } from "../ops.js";
import { extend, lockChain, nextLink } from "./chain.js";
import { Client } from "./client.js";
import { newSettings, until } from "./collections.js";
import { failed, hasCode, ServiceError, within } from "./errors.js";
import { MAX_AHEAD } from "./grant.js";
import { freshLog } from "./log.js";
import { checkNew, LINK_MARK, newTitle } from "./names.js";
import type { Person } from "./people.js";
import { type Award, makeGrants, readersOf, wipe } from "./rotate.js";
import { MemoryState } from "./state.js";
import { formatId, fromBase64url, random, toBase64url } from "./text.js";
import { normaliseURL } from "./url.js";

/** Characters of a link. */
const MAX_LINK = 2048;

/**
 * The suites of every link's reader, so that its identity follows from the link alone, whatever
 * suite the collection has.
 */
const LINK_SUITES = [Suite.Recrypt256, Suite.Recrypt480];

/** How many characters the passcode of a new link has at least: who has the link can try passcodes. */
const MIN_PASSCODE = 8;

/** What a link says. */
export interface ParsedLink {
  /** Normalised base URL. */
  readonly server: string;
  /** "rid1…" */
  readonly owner: string;
  readonly needsPasscode: boolean;
}

/** The reader that a link makes, for a {@link Client}. Overwrite the seed when done. */
export interface OpenedLink extends ParsedLink {
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** All versions. */
  readonly identity: Uint8Array;
}

function noLink(): ServiceError {
  return new ServiceError("malformed", "not a link of this service, or not all of it");
}

/**
 * Reads a link without opening it. Errors do not quote it.
 *
 * @throws ServiceError "malformed"
 */
export function parseLink(url: string): ParsedLink {
  const { server, owner, needsPasscode, secret } = readLink(url);
  secret.fill(0);
  return { server, owner, needsPasscode };
}

function readLink(url: string): ParsedLink & { secret: Uint8Array } {
  const mark = url.indexOf("/l#");
  const [version, owner = "", text = "", passcode, ...rest] = url.slice(mark + 3).split(".");
  const form = mark >= 0 && url.length <= MAX_LINK && version === "1" && rest.length === 0;
  if (!form || !/^rid1[a-z0-9]{58}$/.test(owner) || (passcode !== undefined && passcode !== "p")) throw noLink();
  const secret = fromBase64url(text);
  if (secret?.length !== 32) throw noLink();
  try {
    return { server: normaliseURL(url.slice(0, mark)), owner, needsPasscode: passcode !== undefined, secret };
  } catch {
    throw noLink();
  }
}

/**
 * Makes the identity of a link's reader, for a {@link Client}; everything is opened as by any
 * other reader, and who must be the author is up to the caller, usually the owner. Whether the
 * passcode is the right one only the server's answers tell, see {@link checkLink}.
 *
 * @param passcode - a text, taken as NFC and UTF-8, or its bytes, which are not kept; ignored if none belongs to the link
 * @throws ServiceError "passcode" if one belongs to the link and none is given; "malformed"
 */
export function openLink(core: Core, url: string, passcode?: Passphrase): OpenedLink {
  const { secret, ...link } = readLink(url);
  const given = link.needsPasscode ? bytesOf(passcode) : new Uint8Array(0);
  try {
    if (!isPerson(core, link.owner)) throw noLink();
    if (link.needsPasscode && given.length === 0) throw new ServiceError("passcode");
    return { ...link, ...linkReader(core, secret, given) };
  } catch (e) {
    throw failed("open link", e);
  } finally {
    secret.fill(0);
    given.fill(0);
  }
}

/** Returns a passcode as bytes of our own. */
function bytesOf(passcode: Passphrase | undefined): Uint8Array {
  return typeof passcode === "string" ? new TextEncoder().encode(passcode.normalize("NFC")) : (passcode?.slice() ?? new Uint8Array(0));
}

function isPerson(core: Core, id: string): boolean {
  try {
    return core.parseId(id).kind === IdKind.Person;
  } catch {
    return false;
  }
}

/** Makes the identity of a link's reader, the same every time. */
function linkReader(core: Core, secret: Uint8Array, passcode: Uint8Array): { seed: Uint8Array; identity: Uint8Array } {
  const { seed, recoverySeed } = core.linkSeed(secret, passcode);
  try {
    return { seed, identity: core.newIdentity(seed, recoverySeed, LINK_SUITES) };
  } catch (e) {
    seed.fill(0);
    throw e;
  } finally {
    recoverySeed.fill(0);
  }
}

/**
 * Checks that the identity of a client, made by {@link openLink}, is known to the server.
 *
 * @throws ServiceError "passcode" if the passcode is another one; "not_found" if the link, without one, is not of this server
 */
export async function checkLink(c: Client, link: ParsedLink, signal?: AbortSignal): Promise<void> {
  try {
    await c.lookUp(c.self().id, { signal });
  } catch (e) {
    throw hasCode(e, "not_found") && link.needsPasscode ? new ServiceError("passcode", undefined, { cause: e }) : e;
  }
}

/**
 * Makes a link: a new collection with one reader, whose identity is made from the link's
 * secret. Whoever has the link, and knows the passcode if there is one, can open what is written
 * into that collection, and nothing else. Who has the link alone can try passcodes at the cost of
 * Argon2id each, since the id of the right reader is in the public log: it has to be long. Expiry
 * and uses are kept by the server, uses per epoch: a new epoch has those that were left, while the
 * old ones keep theirs. Revoking the reader ends it.
 *
 * @throws ServiceError "malformed" for a passcode of less than 8 characters and terms that cannot be; "exists" for a title that a collection has
 */
export async function createLink(c: Client, options: LinkOptions = {}): Promise<LinkInfo> {
  const { signal, expiresIn = 0 } = options;
  const passcode = bytesOf(options.passcode);
  try {
    checkPasscode(passcode);
    return await lockChain(c, signal, async () => {
      if (!(expiresIn >= 0 && expiresIn <= MAX_AHEAD)) throw new ServiceError("malformed", "a link expires within 100 years");
      const title = newTitle(options.title ?? `link ${new Date(c.clock()).toISOString().slice(0, 19).replace("T", " ")}`);
      await checkNew(c, title, signal);
      await freshLog(c, signal);
      return within("make link", make(c, title, options, passcode));
    });
  } finally {
    passcode.fill(0);
  }
}

function checkPasscode(passcode: Uint8Array): void {
  const characters = Array.from(new TextDecoder().decode(passcode)).length;
  if (characters > 0 && characters < MIN_PASSCODE) {
    throw new ServiceError("malformed", `a passcode has ${MIN_PASSCODE} characters or more: who has the link can try short ones`);
  }
}

async function make(c: Client, title: string, options: LinkOptions, passcode: Uint8Array): Promise<LinkInfo> {
  const secret = random(32);
  try {
    const reader = await publishReader(c, secret, passcode);
    const info = await openFor(c, reader, title, options);
    const url = `${c.base}/l#1.${c.self().id}.${toBase64url(secret)}${passcode.length > 0 ? ".p" : ""}`;
    return { ...info, url, passcode: passcode.length > 0 };
  } finally {
    secret.fill(0);
  }
}

/** Makes the identity of a link's reader and publishes it, in the name of nobody else. */
async function publishReader(c: Client, secret: Uint8Array, passcode: Uint8Array): Promise<Person> {
  const svc = await c.server();
  const { seed, identity } = linkReader(c.core, secret, passcode);
  const state = new MemoryState();
  await state.pinServer(c.base, svc.record);
  let reader: Client | undefined;
  try {
    reader = new Client({ core: c.core, server: c.base, seed, identity, state, now: () => c.now(), fetch: c.fetch });
    const { id } = reader.self();
    await reader.publish();
    return await c.lookUp(id); // as everybody else, in the log
  } finally {
    reader?.close();
    seed.fill(0);
  }
}

/** Opens the collection of a link together with its grant. */
async function openFor(c: Client, reader: Person, title: string, options: LinkOptions): Promise<Omit<LinkInfo, "url" | "passcode">> {
  const { signal, uses = 0 } = options;
  if (!(Number.isInteger(uses) && uses >= 0 && uses < 2 ** 32)) throw new ServiceError("malformed", "uses are a whole number");
  const { id, set } = await newSettings(c, LINK_MARK + title, options.suite === undefined ? {} : { suite: options.suite });
  const fields: GrantFields = {
    grant: random(16), kind: GrantKind.Link, scope: [], notBefore: 0, expires: until(c, options.expiresIn), wait: 0, uses, extensions: {},
  };
  const awards: Award[] = [{ to: reader, fields }];
  const first = await nextLink(c, { id, chain: [], closed: false }, { readers: readersOf(awards), renewBy: fields.expires, settings: set });
  const made = await makeGrants(c, first, awards, undefined, signal);
  try {
    await extend(c, first, made, signal);
  } finally {
    wipe(made);
  }
  return {
    collection: formatId(id), title, reader: reader.id, grant: formatId(fields.grant),
    ...(fields.expires !== 0 && { expires: fields.expires }), ...(uses !== 0 && { uses }),
  };
}
