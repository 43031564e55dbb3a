/**
 * Changes one bit of the core in several places, in its constants and in its
 * code: no such copy loads. `host/engine` does the same, and more, in Go.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { Engine, RecryptError, Status } from "../src/index.js";
import { coreBytes, repoPath } from "./paths.js";

/** The text of a curve's source file. */
const source = (curve: string, file: string): string => readFileSync(repoPath(`wasm/recrypt/internal/${curve}/${file}`), "utf8");

function capture(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  assert.ok(found, `no ${pattern.source} in the source`);
  return found;
}

/** A string constant of a curve, as its bytes. */
const hex = (curve: string, name: string): Buffer => Buffer.from(capture(source(curve, "constants.go"), new RegExp(`${name} += "([0-9a-f]+)"`)));

/** The first digits of a table, one byte each, without zeros in front. Files leave out longer rows of zeros. */
function digits(curve: string, name: string): Buffer {
  const list = capture(source(curve, "constants.go"), new RegExp(`${name} = \\[\\.\\.\\.\\]int8\\{(.*)\\}`));
  const bytes = list.split(", 0, 0, 0, 0, 0")[0]?.split(", ").map((d) => Number(d) & 0xff) ?? [];
  return Buffer.from(bytes.slice(bytes.findIndex((d) => d !== 0)));
}

/** The limbs of the first field element of a table after its start, eight bytes each. */
function limbs(curve: string, start: string): Buffer {
  const text = source(curve, "ff/constants_limbs29.go");
  const list = capture(text.slice(text.indexOf(start)), /uint64\{(0x[0-9a-fx, ]*)\}/);
  const words = list.split(", ").map(BigInt);
  return Buffer.concat(words.map((w) => Buffer.from(BigUint64Array.of(w).buffer)));
}

/** The instruction that pushes -1/p modulo 2^29, as the multiplication has it. */
function montgomery(curve: string): Buffer {
  let rest = Number(capture(source(curve, "ff/fp_limbs29.go"), /fpK += (0x[0-9a-f]+)/));
  const code = [0x42];
  for (; rest >= 0x40; rest >>= 7) code.push((rest & 0x7f) | 0x80);
  return Buffer.from([...code, rest]);
}

describe("a damaged core does not load", () => {
  const core = Buffer.from(coreBytes());
  for (const [suite, curve] of [["recrypt256", "bn256"], ["recrypt480", "bn480"]] as const) {
    const places: Record<string, [Buffer, number]> = {
      "the generator of G2": [hex(curve, "generatorHex"), 40],
      "the logarithm of H": [hex(curve, "logHHex"), -1],
      "the digits of the Miller loop": [digits(curve, "loopDigits"), 1],
      "the twist": [limbs(curve, "var TwistB "), 0],
      "the map ψ": [limbs(curve, "var PsiY "), 0],
      "-1/p in the code": [montgomery(curve), 1],
    };
    for (const [name, [bytes, offset]] of Object.entries(places)) {
      test(`${suite}: ${name}`, async () => {
        const at = core.indexOf(bytes);
        assert.ok(at >= 0, "the core does not contain it");
        const copy = new Uint8Array(core);
        const place = at + (offset < 0 ? bytes.length + offset : offset);
        copy[place] = (copy[place] ?? 0) ^ 1;
        await assert.rejects(Engine.load(copy), (e: unknown) => {
          assert.ok(e instanceof RecryptError && e.status === Status.Internal, String(e));
          assert.match(e.message, new RegExp(`self-test of ${suite} failed`));
          return true;
        });
      });
    }
  }

  test("and an intact one does", async () => {
    await Engine.load(new Uint8Array(core));
  });
});
