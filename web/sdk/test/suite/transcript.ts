/**
 * Repeats a transcript of calls that the native core answered, with the same
 * random stream: every response has to be the same, byte for byte. The runner
 * makes it by `go run ./wasm/abi/abitest/transcript`.
 */

import { ABI_VERSION, Engine, RecryptError, Status, text } from "../../src/index.js";
import { assert } from "./assert.js";
import { base64, hex, sha256, unbase64, utf8 } from "./bytes.js";
import { test } from "./registry.js";

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

/** The first n bytes of the stream of a seed: block i, of 32 bytes, is SHA-256(seed ‖ u32be i), as in `wasm/abi/abitest`. */
async function streamOf(seed: string, n: number): Promise<Uint8Array> {
  const stream = new Uint8Array(Math.ceil(n / 32) * 32);
  const input = new Uint8Array(utf8(seed).length + 4);
  input.set(utf8(seed));
  for (let i = 0; i < stream.length / 32; i++) {
    new DataView(input.buffer).setUint32(input.length - 4, i);
    stream.set(await sha256(input), 32 * i);
  }
  return stream;
}

/** Returns the whole response, status byte included. */
function respond(engine: Engine, op: number, request: Uint8Array): Uint8Array {
  try {
    return Uint8Array.of(Status.OK, ...engine.call(op, request));
  } catch (e) {
    if (!(e instanceof RecryptError)) throw e;
    return Uint8Array.of(e.status, ...text(e.message));
  }
}

test("the native core's transcript, byte for byte", async (env) => {
  const transcript = await env.json<Transcript>("-/transcript.json");
  assert.equal(transcript.version, 1);
  assert.equal(transcript.abi, ABI_VERSION);
  const head = transcript.stream.length / 2;
  const stream = await streamOf(transcript.seed, Math.max(transcript.drawn, head) + 32);
  assert.equal(hex(stream.subarray(0, head)), transcript.stream);

  let drawn = 0;
  let fill = (bytes: Uint8Array): void => { crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>); };
  const engine = await Engine.load(await env.module(), { random: (bytes) => { fill(bytes); } });
  fill = (bytes) => {
    bytes.set(stream.subarray(drawn, drawn + bytes.length));
    drawn += bytes.length;
  };
  assert.ok(transcript.calls.length > 0);
  transcript.calls.forEach((c, i) => {
    const got = respond(engine, c.op, unbase64(c.request ?? ""));
    assert.ok(base64(got) === c.response, `call ${i} (${c.scenario}, operation 0x${c.op.toString(16)}): another response, status ${got[0] ?? -1}`);
  });
  assert.equal(drawn, transcript.drawn, "bytes of randomness");
}, { needs: ["go"] });
