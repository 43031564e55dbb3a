/**
 * Changes one bit of the core in several places, in its constants and in its
 * code: no such copy loads. `host/engine` does the same, and more, in Go.
 */

import { Engine, RecryptError, Status } from "../../src/index.js";
import { assert } from "./assert.js";
import { concat, flip, indexOf, utf8 } from "./bytes.js";
import { type Env, test } from "./registry.js";

/** The texts of a curve's source files. */
interface Sources {
  readonly constants: string;
  readonly limbs: string;
  readonly multiplication: string;
}

async function sourcesOf(env: Env, curve: string): Promise<Sources> {
  const [constants, limbs, multiplication] = await Promise.all(
    ["constants.go", "ff/constants_limbs29.go", "ff/fp_limbs29.go"].map((file) => env.text(`wasm/recrypt/internal/${curve}/${file}`)),
  );
  return { constants: constants ?? "", limbs: limbs ?? "", multiplication: multiplication ?? "" };
}

function capture(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  assert.ok(found, `no ${pattern.source} in the source`);
  return found;
}

/** A string constant of a curve, as its bytes. */
const digitsOfHex = (s: Sources, name: string): Uint8Array => utf8(capture(s.constants, new RegExp(`${name} += "([0-9a-f]+)"`)));

/** The first digits of a table, one byte each, without zeros in front. Files leave out longer rows of zeros. */
function digits(s: Sources, name: string): Uint8Array {
  const list = capture(s.constants, new RegExp(`${name} = \\[\\.\\.\\.\\]int8\\{(.*)\\}`));
  const bytes = list.split(", 0, 0, 0, 0, 0")[0]?.split(", ").map((d) => Number(d) & 0xff) ?? [];
  return Uint8Array.from(bytes.slice(bytes.findIndex((d) => d !== 0)));
}

/** The limbs of the first field element of a table after its start, eight bytes each. */
function limbs(s: Sources, start: string): Uint8Array {
  const list = capture(s.limbs.slice(s.limbs.indexOf(start)), /uint64\{(0x[0-9a-fx, ]*)\}/);
  const words = list.split(", ").map(BigInt);
  return concat(...words.map((w) => new Uint8Array(BigUint64Array.of(w).buffer)));
}

/** The instruction that pushes -1/p modulo 2^29, as the multiplication has it. */
function montgomery(s: Sources): Uint8Array {
  let rest = Number(capture(s.multiplication, /fpK += (0x[0-9a-f]+)/));
  const code = [0x42];
  for (; rest >= 0x40; rest >>= 7) code.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...code, rest);
}

/** Places of a curve in the module: bytes to look for, and which of them to damage. */
function placesOf(s: Sources): Record<string, [Uint8Array, number]> {
  return {
    "the generator of G2": [digitsOfHex(s, "generatorHex"), 40],
    "the logarithm of H": [digitsOfHex(s, "logHHex"), -1],
    "the digits of the Miller loop": [digits(s, "loopDigits"), 1],
    "the twist": [limbs(s, "var TwistB "), 0],
    "the map ψ": [limbs(s, "var PsiY "), 0],
    "-1/p in the code": [montgomery(s), 1],
  };
}

test("a damaged core does not load", async (env, step) => {
  const core = await env.wasm();
  for (const [suite, curve] of [["recrypt256", "bn256"], ["recrypt480", "bn480"]] as const) {
    for (const [name, [bytes, offset]] of Object.entries(placesOf(await sourcesOf(env, curve)))) {
      await step(`${suite}: ${name}`, async () => {
        const at = indexOf(core, bytes);
        assert.ok(at >= 0, "the core does not contain it");
        const copy = flip(core, at + (offset < 0 ? bytes.length + offset : offset));
        await assert.rejects(Engine.load(copy), (e: unknown) => {
          assert.ok(e instanceof RecryptError && e.status === Status.Internal, String(e));
          assert.match(e.message, new RegExp(`self-test of ${suite} failed`));
          return true;
        });
      });
    }
  }
  await step("and an intact one does", async () => { await Engine.load(core); });
}, { needs: ["compile"], sampled: true });
