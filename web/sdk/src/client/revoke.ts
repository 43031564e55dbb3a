/**
 * Taking an own collection away from a reader, in two steps. First the server ends every
 * grant of the reader in the collection, destroys the transform keys and closes the epoch,
 * before it answers with a receipt, which is verified. Then one request opens the next epoch
 * for the remaining readers: what is written from then on, the reader cannot open even together
 * with the server and everything that both have kept. What was written before, they can.
 */

import type { RevokeInfo } from "../answers.js";
import type { Progress, RevokeOptions } from "../choices.js";
import { type ChainLink, extend, head, isStranded, lockChain, nextLink, type Own, openReceipt, retry } from "./chain.js";
import type { Client } from "./client.js";
import { begin, isDue } from "./collections.js";
import { failed, hasCode, refusal, ServiceError } from "./errors.js";
import { find, readOwn } from "./names.js";
import { parsePerson } from "./people.js";
import { holds, type Readers, readReaders, refs, rememberRevoked, renewBy } from "./readers.js";
import { reopen, rotateOnce } from "./rotate.js";
import * as shape from "./shape.js";
import { formatId, random, toBase64url } from "./text.js";

/** A call of {@link revokeAccess}. */
interface Withdrawal {
  readonly reader: Uint8Array;
  readonly progress: Progress | undefined;
  /** Of the last receipt, with all that was destroyed; undefined before. */
  info: RevokeInfo | undefined;
  /** A record named the reader. */
  named: boolean;
}

/**
 * Revokes a reader's access to an own collection.
 *
 * When it fails after the receipt the epoch stays closed, and calling it again, or the next
 * write into the collection, completes it. The revocation is sent whatever the server lists, so
 * that a list with gaps does not keep anybody's access alive.
 *
 * @param reader - "rid1…"
 * @throws ServiceError "receipt" if the server's receipt does not hold; "kept_grant" if the server lists
 *   a grant of the reader after it; "self"; "no_grant" if there was nothing to revoke: no key was
 *   destroyed and the newest record, verified with the list of its readers, did not name the
 *   reader. Even then the collection gets its next record (and the default one is opened if it does
 *   not exist yet), so that a grant that was sent earlier and is still on its way is refused when it
 *   arrives
 */
export async function revokeAccess(c: Client, reader: string, options: RevokeOptions = {}): Promise<RevokeInfo> {
  const { signal } = options;
  return lockChain(c, signal, async () => {
    if (reader === c.id) throw new ServiceError("self");
    const r: Withdrawal = { reader: parsePerson(c, reader), progress: options.progress, info: undefined, named: false };
    const id = await find(c, options.collection, signal);
    let info: RevokeInfo;
    try {
      info = await retry(signal, () => withdraw(c, id, r, signal));
    } catch (e) {
      const half = destroyed(r) > 0 && !hasCode(e, "kept_grant");
      throw failed(half ? "access is revoked, but opening the next epoch failed (revoke again to complete)" : "revoke", e);
    }
    if (info.destroyed === 0 && !r.named) throw new ServiceError("no_grant", `${reader} has no grant`);
    return info;
  });
}

function destroyed(r: Withdrawal): number {
  return r.info?.destroyed ?? 0;
}

/** One attempt. Each sends a revocation: what made the one before fail may have been a new grant. */
async function withdraw(c: Client, id: Uint8Array, r: Withdrawal, signal?: AbortSignal): Promise<RevokeInfo> {
  const o = await readOwn(c, id, signal);
  if (o.chain.length === 0) {
    r.info = { destroyed: 0, time: 0, server: (await c.server()).id, collection: formatId(id), epoch: 0, rotated: false, remaining: 0, suspended: 0 };
    await begin(c, o, signal);
    return r.info;
  }
  if (isStranded(head(o))) await rotateOnce(c, o, undefined, signal);
  const receipt = await revoke(c, head(o), r.reader, signal);
  const info = { ...receipt, destroyed: receipt.destroyed + destroyed(r) };
  r.info = info;
  await rememberRevoked(c, head(o), r.reader);
  const list = await readReaders(c, o, signal);
  r.named ||= holds(list.signed, r.reader);
  if (holds(list.live, r.reader)) {
    throw refusal("kept_grant", "it lists one after the receipt");
  }
  o.closed ||= list.closed;
  if (info.destroyed > 0 || r.named || isDue(c, o)) return shutOut(c, o, list, info, r, signal);
  const next = await nextLink(c, o, { readers: refs(list.live), renewBy: renewBy(list.live) });
  await extend(c, next, [], signal);
  return (r.info = { ...info, epoch: next.view.epoch, remaining: list.live.length });
}

/** Opens the next epoch for the readers who remain. */
async function shutOut(c: Client, o: Own, list: Readers, info: RevokeInfo, r: Withdrawal, signal?: AbortSignal): Promise<RevokeInfo> {
  const done = await reopen(c, o, list.live, r.progress, signal);
  r.info = { ...info, epoch: head(o).view.epoch, rotated: true, remaining: done.remaining, suspended: done.suspended };
  return r.info;
}

const receiptAnswer = shape.record({ receipt: shape.either(shape.bytes, new Uint8Array(0)), destroyed: shape.count });

/**
 * Sends a revocation and verifies the receipt. An answer that gets lost is asked for again with
 * the same revocation, which the server has no second effect of.
 */
async function revoke(c: Client, newest: ChainLink, reader: Uint8Array, signal?: AbortSignal): Promise<RevokeInfo> {
  const svc = await c.server();
  let revocation: Uint8Array;
  try {
    const id = random(16);
    revocation = c.core.newRevocation(c.seed, c.self().record, newest.record, reader, id, c.clock());
  } catch (e) {
    throw failed("make revocation", e);
  }
  const body = { revocation: toBase64url(revocation) };
  const answer = await c.insist((o) => c.call("POST", "/v1/revocations", body, o), receiptAnswer, signal);
  const { time, destroyed } = openReceipt(c, svc, revocation, answer.receipt);
  if (answer.destroyed !== destroyed) {
    throw refusal("receipt", "it states another number of destroyed keys");
  }
  return {
    destroyed, time, server: svc.id, collection: formatId(newest.view.collection), epoch: newest.view.epoch, rotated: false,
    remaining: 0, suspended: 0,
  };
}
