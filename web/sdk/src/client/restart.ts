/**
 * What a server states that has lost its log and begun it anew. That it has signed the
 * statement is verified; whether it is true, nobody can tell who did not keep the old log.
 * Going on with the new log is a decision for a person, which the command line takes.
 */

import { concat } from "../frame.js";
import type { Client, ServerRecord } from "./client.js";
import { hasCode, ServiceError, refusal } from "./errors.js";
import { printable, sha256 } from "./text.js";
import { fetchFile } from "./transport.js";

/** Bytes of a statement. */
const MAX_RESTART = 1 << 10;

/** Stands in the signed text where a checkpoint has its size; greater than that of any tree. */
const RESTART_SIZE = "4611686018427387904";

const FORM = new RegExp(
  "^recrypt-service log restart v1\n(?<origin>[!-~]+)\n(?<size>0|[1-9][0-9]{0,15}) [A-Za-z0-9+/]{43}=\n" +
    "(?<carried>0|[1-9][0-9]{0,15})\n(?<time>0|[1-9][0-9]{0,11})\n(?<reason>[^\n]+)\n\n(?<signature>[A-Za-z0-9+/]{86}==)\n$",
);

/** What a server has signed about its log. */
interface Restart {
  readonly size: number;
  readonly carried: number;
  /** Unix seconds. */
  readonly time: number;
  readonly reason: string;
}

/**
 * Returns "log_restarted" in place of an error about another history, if the server states that
 * it has begun its log anew; otherwise the error.
 */
export async function explainRestart(c: Client, svc: ServerRecord, e: unknown): Promise<Error> {
  const error = e instanceof Error ? e : new ServiceError("internal", undefined, { cause: e });
  if (!hasCode(error, "old_log", "forked_log")) return error;
  const r = await restartOf(c, svc).catch(() => undefined);
  if (r === undefined) return error;
  const day = new Date(r.time * 1000).toISOString().slice(0, 10);
  const what = `"${printable(r.reason)}" (stated on ${day}; of ${r.size} entries ${r.carried} are there again)`;
  return refusal("log_restarted", what, { cause: error });
}

/** Fetches and verifies the statement; undefined if it is none of this server. */
async function restartOf(c: Client, svc: ServerRecord): Promise<Restart | undefined> {
  const statement = new TextDecoder("utf-8", { fatal: true }).decode(await fetchFile(c, "/log/restart", MAX_RESTART));
  const { origin, size, carried, time, reason, signature } = FORM.exec(statement)?.groups ?? {};
  if (origin !== svc.id || signature === undefined || reason === undefined) return undefined;
  const lines = statement.slice(0, statement.lastIndexOf("\n\n") + 1);
  const root = btoa(String.fromCharCode(...(await sha256(new TextEncoder().encode(lines)))));
  const covered = concat(new TextEncoder().encode(`${svc.id}\n${RESTART_SIZE}\n${root}\n`));
  const raw = Uint8Array.from(atob(signature), (ch) => ch.charCodeAt(0));
  if (!c.core.ed25519Verify(svc.service.signingKey, covered, raw)) return undefined;
  return { size: Number(size), carried: Number(carried), time: Number(time), reason };
}
