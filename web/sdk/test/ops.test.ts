import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ABI_VERSION, Deposit, GrantKind, IdKind, MAX_BATCH, MAX_REQUEST, Op, RecryptError, Relation, SecretKind, Status, Suite } from "../src/index.js";
import { LeafKind } from "../src/ops.js";
import { repoPath } from "./paths.js";

const ops = readFileSync(repoPath("wasm/abi/ops.go"), "utf8");
const records = readFileSync(repoPath("wasm/abi/records.go"), "utf8");
const abi = readFileSync(repoPath("wasm/abi/abi.go"), "utf8");

/** Reads `PREFIXName = 123` lines of a Go source. */
function constants(source: string, prefix: string): Record<string, number> {
  const line = new RegExp(`^\\t${prefix}(\\w+)(?: +\\w+)? += (0x[0-9a-f]+|[0-9]+)`, "gm");
  return Object.fromEntries([...source.matchAll(line)].map((m) => [m[1] ?? "", Number(m[2])]));
}

test("the operations are those of wasm/abi/ops.go", () => {
  const want = constants(ops, "Op");
  assert.ok(Object.keys(want).length > 40);
  assert.deepEqual(Op, want);
});

test("the operations of tools/startup.mjs are those", () => {
  const script = readFileSync(repoPath("web/sdk/tools/startup.mjs"), "utf8");
  const found = [...script.matchAll(/^const ([A-Z_]+) = (0x[0-9a-f]+);$/gm)];
  assert.equal(found.length, 4);
  const byName = new Map(Object.entries(Op).map(([name, op]) => [name.toUpperCase(), op as number]));
  for (const [, name = "", op] of found) assert.equal(Number(op), byName.get(name.replaceAll("_", "")), name);
});

test("the statuses and messages are those of wasm/abi/abi.go", () => {
  const block = /StatusOK +Status = iota\n(.*?)\n\)/s.exec(abi);
  assert.ok(block?.[1]);
  const names = [...block[1].matchAll(/^\tStatus(\w+)/gm)].map((m) => m[1]);
  assert.deepEqual(Status, Object.fromEntries(["OK", ...names].map((name, i) => [name, i])));

  const messages = [...abi.matchAll(/&Error\{Status(\w+), "([^"]*)"\}/g)];
  assert.equal(messages.length, names.length);
  for (const [, name, message] of messages) {
    assert.equal(new RecryptError(Status[name as keyof typeof Status]).message, message);
  }
});

test("the other numbers are those of wasm/abi/abi.go", () => {
  assert.match(abi, new RegExp(`^const Version = ${ABI_VERSION}$`, "m"));
  assert.match(abi, /^const MaxRequest = 4 << 20$/m);
  assert.equal(MAX_REQUEST, 4 << 20);
  assert.match(abi, new RegExp(`^const MaxBatch = ${MAX_BATCH}$`, "m"));
  assert.deepEqual(IdKind, constants(abi, "Kind"));
  assert.deepEqual(SecretKind, constants(abi, "Secret"));
  assert.deepEqual(Deposit, constants(abi, "Deposit"));
  assert.deepEqual(GrantKind, constants(abi, "Grant"));
  assert.deepEqual(LeafKind, constants(abi, "Leaf"));
  assert.deepEqual(Relation, constants(records, "Relation"));
  assert.deepEqual({ 256: Suite.Recrypt256, 480: Suite.Recrypt480 }, constants(abi, "Suite"));
});
