/** Runs the frozen vectors of `wasm/vectors` on the module in this engine. */

import { Op, pack, Reader, RecryptError, Status, unpack } from "../../src/index.js";
import { assert } from "./assert.js";
import { Core } from "./boundary.js";
import { equal, sha256 } from "./bytes.js";
import { type CallVector, type DocumentVector, FOLDER, Vectors } from "./frozen_files.js";
import { openPayload } from "./payload.js";
import { test } from "./registry.js";

/** Makes the call and returns what is wrong, if anything is. */
function faultOf(core: Core, v: CallVector): string | undefined {
  let frames: Uint8Array[];
  try {
    frames = unpack(v.random === undefined ? core.engine.call(v.op, v.request) : core.scripted(v.random, () => core.engine.call(v.op, v.request)));
  } catch (e) {
    if (!(e instanceof RecryptError)) throw e;
    return e.status === v.expect ? undefined : `status ${e.status} (${e.message}), want ${v.expect}`;
  }
  if (v.expect !== Status.OK) return `accepted, want status ${v.expect}`;
  if (frames.length !== v.results.length) return "another number of results";
  const wrong = v.results.find((r, i) => !equal(r.bytes, frames[i] ?? new Uint8Array(0)));
  return wrong && `result ${wrong.name} differs`;
}

/** Reads the document and returns what is wrong, if anything is. */
async function documentFault(core: Core, v: DocumentVector): Promise<string | undefined> {
  let plain: Uint8Array = new Uint8Array(0);
  let outcome = "header";
  try {
    const fields = new Reader(core.engine.call(Op.OpenHeader, pack(v.file)), 6);
    for (let i = 0; i < 5; i++) fields.bytes();
    const length = fields.u32();
    ({ plain, outcome } = await openPayload(v.key, v.file.subarray(0, length), v.file.subarray(length)));
  } catch (e) {
    if (!(e instanceof RecryptError)) throw e;
  }
  if (outcome !== v.expect) return `outcome ${outcome}, want ${v.expect}`;
  return plain.length === v.released && equal(await sha256(plain), v.sha256) ? undefined : `${plain.length} bytes came out, want ${v.released}`;
}

/** The names of vectors by their folders. */
function byFolder(names: readonly string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const name of names) {
    const folder = name.slice(0, name.lastIndexOf("/"));
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  return folders;
}

test("frozen vectors", async (env, step) => {
  const core = await Core.of(env);
  const vectors = new Vectors((await env.folder(FOLDER)) ?? assert.fail("no vectors"));
  const ops = new Set<number>();
  for (const [folder, names] of byFolder(vectors.names())) {
    const read = names.map((name) => ({ name, v: vectors.read(name) }));
    for (const { v } of read) if (v.kind === "call") ops.add(v.op);
    await step(`${folder}: ${names.length} vectors`, async () => {
      const faults: string[] = [];
      for (const { name, v } of read) {
        const fault = v.kind === "call" ? faultOf(core, v) : await documentFault(core, v);
        if (fault !== undefined) faults.push(`${name}: ${fault}`);
      }
      assert.deepEqual(faults, []);
    });
  }
  await step("there are vectors of every kind", () => {
    for (const [name, op] of Object.entries(Op)) assert.ok(ops.has(op), `no vector of ${name}`);
  });
}, { timeout: 300, sampled: true });
