/**
 * Repeats a transcript of calls that the native core answered, with the same
 * random stream: every response has to be the same, byte for byte.
 * RECRYPT_TRANSCRIPT names the file; `go run ./wasm/abi/abitest/transcript -out
 * FILE` writes it.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { ABI_VERSION, Engine, RecryptError, Status, text } from "../src/index.js";
import { coreBytes } from "./paths.js";
import { Stream } from "./stream.js";

/** The file, as `wasm/abi/abitest` describes it; byte strings are base64. */
interface Transcript {
  readonly version: number;
  readonly abi: number;
  readonly seed: string;
  /** The first bytes of the stream, in hex. */
  readonly stream: string;
  /** Number of bytes that all calls draw. */
  readonly drawn: number;
  readonly calls: readonly { readonly scenario: string; readonly op: number; readonly request: string | null; readonly response: string }[];
}

const path = process.env.RECRYPT_TRANSCRIPT ?? "";
const skip = existsSync(path) ? false : "RECRYPT_TRANSCRIPT names no file";

/** Returns the whole response, status byte included. */
function respond(engine: Engine, op: number, request: Uint8Array): Uint8Array {
  try {
    return Uint8Array.of(Status.OK, ...engine.call(op, request));
  } catch (e) {
    if (!(e instanceof RecryptError)) throw e;
    return Uint8Array.of(e.status, ...text(e.message));
  }
}

test("the native core's transcript, byte for byte", { skip }, async () => {
  const transcript = JSON.parse(readFileSync(path, "utf8")) as Transcript;
  assert.equal(transcript.version, 1);
  assert.equal(transcript.abi, ABI_VERSION);
  const head = new Stream(transcript.seed).take(transcript.stream.length / 2);
  assert.equal(Buffer.from(head).toString("hex"), transcript.stream);

  const stream = new Stream(transcript.seed);
  let fill: (bytes: Uint8Array) => void = (bytes) => {
    crypto.getRandomValues(bytes);
  };
  const engine = await Engine.load(coreBytes(), { random: (bytes) => { fill(bytes); } });
  fill = (bytes) => { stream.fill(bytes); };
  assert.ok(transcript.calls.length > 0);
  transcript.calls.forEach((c, i) => {
    const got = respond(engine, c.op, new Uint8Array(Buffer.from(c.request ?? "", "base64")));
    const same = Buffer.from(got).toString("base64") === c.response;
    assert.ok(same, `call ${i} (${c.scenario}, operation 0x${c.op.toString(16)}): another response, status ${got[0] ?? -1}`);
  });
  assert.equal(stream.drawn, transcript.drawn, "bytes of randomness");
});
