/**
 * Ed25519 verification: the table of decisions that the Go tests read as well,
 * and the cases of project Wycheproof, if they are there.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";

import { Op, pack, RecryptError, Status } from "../src/index.js";
import { Core } from "./core.js";
import { repoPath } from "./paths.js";

let core: Core;
before(async () => {
  core = await Core.load();
});

const unhex = (s: string): Uint8Array => new Uint8Array(Buffer.from(s, "hex"));

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

const decisions = JSON.parse(readFileSync(repoPath("wasm/recrypt/recrypttest/vectors/ed25519-decisions.json"), "utf8")) as { decisions: Decision[] };
const verdicts = { accept: Status.OK, signature: Status.Signature, key: Status.Malformed, size: Status.Malformed } as const;

test("the decisions on edge cases", () => {
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

const shared = process.env.RECRYPT_SHARED ?? repoPath("../shared");
const wycheproof = join(shared, "vectors/wycheproof/ed25519_test.json");
const skip = existsSync(wycheproof) ? false : "vectors not found; set RECRYPT_SHARED to the folder that holds vectors/wycheproof";

test("Wycheproof", { skip }, () => {
  const file = JSON.parse(readFileSync(wycheproof, "utf8")) as Wycheproof;
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
