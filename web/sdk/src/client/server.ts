/** The record of the server, which is pinned when it is first met. */

import { IdKind } from "../ops.js";
import { equal, type ServiceRecord } from "../records.js";
import type { Client } from "./client.js";
import { mismatch, refusal, unverified, within } from "./errors.js";
import * as shape from "./shape.js";
import type { CallOptions } from "./transport.js";

/** A verified server record. */
export interface ServerRecord {
  /** "rsv1…" */
  readonly id: string;
  readonly service: ServiceRecord;
  readonly record: Uint8Array;
  /** Ids of the edges that may transform in the server's place, as it says. */
  readonly edges: readonly string[];
}

const answerShape = shape.record({ id: shape.text, record: shape.bytes, edges: shape.list(shape.text) });

/** Asks for the server's record, verifies it, and compares it with what is remembered for the URL. */
export async function fetchServer(c: Client, options: Pick<CallOptions, "signal">): Promise<ServerRecord> {
  const answer = answerShape(await c.get("/v1/server", options));
  const s = { ...openServer(c, answer.record), edges: answer.edges };
  if (answer.id !== s.id) throw mismatch("server record: it has another id than the server claims");
  return pin(c, s);
}

/** Verifies a server record. */
export function openServer(c: Client, record: Uint8Array): ServerRecord {
  try {
    const service = c.core.openService(record);
    return { id: c.core.formatId(IdKind.Service, service.id), service, record, edges: [] };
  } catch (e) {
    throw unverified("server record", e);
  }
}

/** Remembers a server for the URL, or compares it with the one that is remembered, which is returned. */
async function pin(c: Client, s: ServerRecord): Promise<ServerRecord> {
  const record = await c.state.pinnedServer(c.base);
  if (record === undefined) {
    await c.state.pinServer(c.base, s.record);
    return s;
  }
  const pinned = await within("pinned server record", Promise.resolve().then(() => openServer(c, record)));
  if (!equal(pinned.service.id, s.service.id)) {
    throw refusal("server_changed", `${c.base} was ${pinned.id} and is ${s.id}; ask its operator before you trust it`);
  }
  return { ...pinned, edges: s.edges };
}
