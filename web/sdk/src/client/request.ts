/** Pending grants: asking for them begins a wait, during which their owner can veto it. */

import type { PendingInfo } from "../answers.js";
import type { SignalOptions } from "../choices.js";
import type { Client } from "./client.js";
import { mismatch, ServiceError, within } from "./errors.js";
import { parsePerson } from "./people.js";
import * as shape from "./shape.js";
import { parseId } from "./text.js";

const requested = shape.record({
  grants: shape.list(shape.record({ id: shape.text, collection: shape.text, opens: shape.whole })),
});

/**
 * Asks for what an owner has granted to us as pending: the wait begins. Asking again does not
 * start it anew. When it is over is the server's word.
 *
 * @param owner - "rid1…"
 * @throws ServiceError "not_found" if nothing is pending, "self"
 */
export async function requestAccess(c: Client, owner: string, options: SignalOptions = {}): Promise<PendingInfo[]> {
  const { signal } = options;
  check(c, owner);
  const answer = await within("request", c.insist((o) => c.call("POST", "/v1/requests", { owner }, o), requested, signal));
  return answer.grants.map((g) => {
    if (parseId(g.id) === undefined || parseId(g.collection) === undefined || g.opens <= 0) {
      throw mismatch("requested grants: they are not as agreed");
    }
    return { grant: g.id, collection: g.collection, opens: g.opens };
  });
}

/**
 * Ends the waits of a reader in all own collections. The grants stay, and asking again starts
 * the wait anew; revoking ends them.
 *
 * @param reader - "rid1…"
 * @returns the ids of the collections concerned
 * @throws ServiceError "not_found" if the reader waits for nothing; "conflict" if a wait is over already; "self"
 */
export async function veto(c: Client, reader: string, options: SignalOptions = {}): Promise<string[]> {
  const { signal } = options;
  check(c, reader);
  const vetoed = shape.record({ collections: shape.list(shape.text) });
  const answer = await within("veto", c.insist((o) => c.call("POST", "/v1/vetoes", { reader }, o), vetoed, signal));
  if (answer.collections.some((id) => parseId(id) === undefined)) throw mismatch("vetoed: something without an id");
  return answer.collections;
}

function check(c: Client, other: string): void {
  c.acting();
  if (other === c.id) throw new ServiceError("self");
  parsePerson(c, other);
}
