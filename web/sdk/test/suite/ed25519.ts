/**
 * Ed25519 verification: the table of decisions that the Go tests read as well,
 * and the cases of project Wycheproof, if they are there.
 */

import { Op, pack, RecryptError, Status } from "../../src/index.js";
import { assert } from "./assert.js";
import { Core } from "./boundary.js";
import { unhex } from "./bytes.js";
import { skip, test } from "./registry.js";

/** The core of the run; the check below uses it. */
let core: Core;

/** What the boundary answers to a signature given in hex. */
function verify(publicKey: string, message: string, signature: string): Status {
  try {
    core.engine.call(Op.Ed25519Verify, pack(unhex(publicKey), unhex(message), unhex(signature)));
    return Status.OK;
  } catch (e) {
    assert.ok(e instanceof RecryptError, String(e));
    return e.status;
  }
}

interface Decision {
  readonly id: string;
  readonly verdict: "accept" | "signature" | "key" | "size";
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

const verdicts = { accept: Status.OK, signature: Status.Signature, key: Status.Malformed, size: Status.Malformed } as const;

test("Ed25519: the decisions on edge cases", async (env) => {
  core = await Core.of(env);
  const decisions = await env.json<{ decisions: Decision[] }>("wasm/recrypt/recrypttest/vectors/ed25519-decisions.json");
  assert.ok(decisions.decisions.length >= 60);
  for (const d of decisions.decisions) {
    assert.equal(verify(d.publicKey, d.message, d.signature), verdicts[d.verdict], d.id);
  }
});

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: {
    readonly publicKey: { readonly pk: string };
    readonly tests: { readonly tcId: number; readonly msg: string; readonly sig: string; readonly result: string }[];
  }[];
}

test("Ed25519: Wycheproof", async (env) => {
  core = await Core.of(env);
  const folder = await env.folder("shared/vectors/wycheproof");
  const bytes = folder?.get("ed25519_test.json");
  if (bytes === undefined) skip("vectors not found; set RECRYPT_SHARED to the folder that holds vectors/wycheproof");
  const file = JSON.parse(new TextDecoder().decode(bytes)) as Wycheproof;
  let count = 0;
  for (const group of file.testGroups) {
    for (const c of group.tests) {
      count++;
      const bad = c.sig.length === 128 ? Status.Signature : Status.Malformed;
      assert.equal(verify(group.publicKey.pk, c.msg, c.sig), c.result === "valid" ? Status.OK : bad, `case ${c.tcId}`);
    }
  }
  assert.ok(count > 0 && count === file.numberOfTests, `${count} cases`);
});
