/** Cobblestone-256 over WebCrypto: known answers, every fault, every way in and out. */

import { type Pieces, encryptedSize, HEADER_SIZE, open, openRange, openStream, plaintextSize, seal, sealStream, section, StreamError, type StreamFault } from "../../src/cobblestone.js";
import { derive } from "../../src/chunks.js";
import { PayloadHash } from "../../src/client/payload.js";
import { Sha256 } from "../../src/sha256.js";
import { Input, toBlob, toBytes, toStream } from "../../src/stream.js";
import { assert, same } from "./assert.js";
import { concat, equal, flip, hex, sha256, unhex } from "./bytes.js";
import { group, skip, test } from "./registry.js";

const CHUNK = 16384;
const SEALED = CHUNK + 16;
const key = new Uint8Array(32).fill(7);
const context = new TextEncoder().encode("test");

/** Bytes that differ between chunks. */
function pattern(n: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = i * 7 + (i >> 8) + (i >> 16);
  return out;
}

/** Cuts into pieces, each in a buffer of its own that is overwritten when the next is asked for. */
function* cut(bytes: Uint8Array, step: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.slice(at, at + step);
    yield piece;
    piece.fill(0xee);
  }
}

/** What came out, and the fault that ended it. */
async function drain(pieces: Pieces): Promise<{ got: Uint8Array; fault?: StreamFault }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const piece of pieces) parts.push(piece);
    return { got: concat(...parts) };
  } catch (e) {
    if (!(e instanceof StreamError)) throw e;
    return { got: concat(...parts), fault: e.code };
  }
}

async function encrypt(message: Uint8Array, step = message.length): Promise<Uint8Array<ArrayBuffer>> {
  const { got, fault } = await drain(seal(key, context, cut(message, Math.max(1, step))));
  assert.equal(fault, undefined);
  return concat(got);
}

/** The part of a Wycheproof file that is used. */
interface VectorFile {
  readonly algorithm: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly { readonly tests: readonly Vector[] }[];
}

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly ctx: string;
  /** zlib */
  readonly ct: string;
  readonly msgLength: number;
  readonly msgSha512: string;
  readonly result: string;
  readonly flags: readonly string[];
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function check(v: Vector): Promise<void> {
  const stream = await inflate(unhex(v.ct));
  const [k, ctx] = [unhex(v.key), unhex(v.ctx)];
  const { got, fault } = await drain(open(k, ctx, [stream]));
  for (const step of [1000, SEALED]) {
    const again = await drain(open(k, ctx, cut(stream, step)));
    assert.equal(again.fault, fault, "the fault depends on the sizes of pieces");
    same(again.got, got, "what comes out in other pieces");
  }
  const whole = hex(new Uint8Array(await crypto.subtle.digest("SHA-512", concat(got)))) === v.msgSha512;
  if (v.result === "valid") {
    assert.equal(fault, undefined);
    assert.ok(got.length === v.msgLength && whole, "another message");
    same((await drain(seal(k, ctx, cut(got, 999_999), stream.slice(0, 24)))).got, stream, "encrypted again");
    return;
  }
  assert.ok(fault !== undefined, "accepted");
  const atHeader = stream.length < HEADER_SIZE || fault === "key" || fault === "key_size";
  assert.equal(atHeader, v.flags.includes("HeaderFailure"), "refused at the header");
  if (v.flags.includes("PartialPlaintext")) assert.ok(got.length === v.msgLength && whole, `released ${got.length} bytes`);
  else assert.equal(got.length, 0, "released bytes");
}

group("cobblestone", () => {
  test("frozen vectors", async (env, step) => {
    const file = await env.json<VectorFile>("host/cobblestone/testdata/frozen.json");
    const vectors = file.testGroups.flatMap((g) => g.tests);
    assert.ok(vectors.length > 0 && vectors.length === file.numberOfTests);
    for (const v of vectors) await step(`${v.tcId}`, () => check(v));
  });

  test("all Wycheproof vectors", async (env, step) => {
    const folder = await env.folder("shared/vectors/wycheproof");
    const raw = folder?.get("c2sp_chunked_encryption_aes_256_gcm_test.json");
    if (raw === undefined) skip("the files of Wycheproof are not here");
    const file = JSON.parse(new TextDecoder().decode(raw)) as VectorFile;
    assert.equal(file.algorithm, "Cobblestone-256");
    const vectors = file.testGroups.flatMap((g) => g.tests);
    assert.ok(vectors.length >= 30 && vectors.length === file.numberOfTests);
    for (const v of vectors) await step(`${v.tcId}`, () => check(v));
  });

  test("every length around a boundary", async () => {
    for (const n of [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 100, (1 << 20) - 56 - 65 * 16, 2 ** 20, 130 * CHUNK]) {
      const message = pattern(n);
      for (const step of [CHUNK - 1, 1 << 24]) {
        const stream = await encrypt(message, step);
        assert.equal(stream.length, encryptedSize(n));
        assert.equal(plaintextSize(stream.length), n);
        same((await drain(open(key, context, cut(stream, step)))).got, message, `${n} bytes`);
      }
    }
  });

  test("sizes belong to each other", () => {
    const valid = new Map<number, number>();
    for (let n = 0; n < 2 * CHUNK; n++) valid.set(encryptedSize(n), n);
    for (let size = -2; size < HEADER_SIZE + 2 * SEALED; size++) {
      let got: number | undefined;
      try {
        got = plaintextSize(size);
      } catch (e) {
        assert.ok(e instanceof StreamError && e.code === "length");
      }
      assert.equal(got, valid.get(size), `${size}`);
    }
    assert.throws(() => plaintextSize(Number.NaN), StreamError);
    assert.throws(() => plaintextSize(2 ** 60), StreamError);
  });

  test("tampering", async (_, step) => {
    const message = pattern(2 * CHUNK + 10);
    const [s, other] = [await encrypt(message), await encrypt(message)];
    const [a, b, c] = [s.slice(HEADER_SIZE, HEADER_SIZE + SEALED), s.slice(HEADER_SIZE + SEALED, HEADER_SIZE + 2 * SEALED), s.slice(HEADER_SIZE + 2 * SEALED)];
    const h = s.slice(0, HEADER_SIZE);
    const faults: [string, Uint8Array, number, StreamFault][] = [
      ["removed first", concat(h, b, c), 0, "chunk"],
      ["removed middle", concat(h, a, c), CHUNK, "chunk"],
      ["removed last", concat(h, a, b), 2 * CHUNK, "truncated"],
      ["duplicated", concat(h, a, a, b, c), CHUNK, "chunk"],
      ["swapped", concat(h, b, a, c), 0, "chunk"],
      ["appended short", concat(s, c), 2 * CHUNK, "chunk"],
      ["appended full", concat(s, a), 2 * CHUNK, "chunk"],
      ["appended byte", concat(s, new Uint8Array(1)), 2 * CHUNK, "chunk"],
      ["only the header", h, 0, "truncated"],
      ["cut in a tag", s.slice(0, -1), 2 * CHUNK, "chunk"],
      ["cut to a short tag", s.slice(0, HEADER_SIZE + 2 * SEALED + 15), 2 * CHUNK, "truncated"],
      ["cut in a chunk", s.slice(0, HEADER_SIZE + SEALED + 99), CHUNK, "chunk"],
      ["cut in the header", s.slice(0, HEADER_SIZE - 1), 0, "truncated"],
      ["empty", new Uint8Array(0), 0, "truncated"],
      ["header of another stream", concat(other.slice(0, HEADER_SIZE), s.slice(HEADER_SIZE)), 0, "chunk"],
      ["salt of another stream", concat(other.slice(0, 24), s.slice(24)), 0, "key"],
      ["chunk of another stream", concat(h, a, other.slice(HEADER_SIZE + SEALED)), CHUNK, "chunk"],
      ["bit of a salt", flip(s, 3), 0, "key"],
      ["bit of a commitment", flip(s, 30), 0, "key"],
      ["bit of a chunk", flip(s, HEADER_SIZE + SEALED + 7), CHUNK, "chunk"],
      ["bit of the last tag", flip(s, -1), 2 * CHUNK, "chunk"],
    ];
    for (const [name, stream, released, fault] of faults) {
      await step(name, async () => {
        for (const size of [1 << 24, 5000]) {
          const got = await drain(open(key, context, cut(stream, size)));
          assert.equal(got.fault, fault);
          same(got.got, message.slice(0, released), "released");
        }
      });
    }
  });

  test("every byte of a short stream, every length", async () => {
    const s = await encrypt(new TextEncoder().encode("message"));
    for (let i = 0; i < s.length; i++) {
      for (const bad of [flip(s, i), s.slice(0, i)]) {
        const { got, fault } = await drain(open(key, context, [bad]));
        assert.ok(fault !== undefined && got.length === 0, `at ${i}`);
      }
    }
  });

  test("wrong key and context", async () => {
    const s = await encrypt(pattern(5));
    const cases: [Uint8Array, Uint8Array, StreamFault][] = [
      [flip(key, 31), context, "key"],
      [key, new Uint8Array(0), "key"],
      [key, concat(context, new Uint8Array(1)), "key"],
      [key.slice(1), context, "key_size"],
      [new Uint8Array(0), context, "key_size"],
      [new Uint8Array(33), context, "key_size"],
    ];
    for (const [k, ctx, fault] of cases) assert.equal((await drain(open(k, ctx, [s]))).fault, fault);
    assert.equal((await drain(seal(key.slice(1), context, [s]))).fault, "key_size");
  });

  test("salts differ", async () => {
    assert.ok(!equal((await encrypt(pattern(1))).slice(0, 24), (await encrypt(pattern(1))).slice(0, 24)));
  });

  test("2^38 chunks and no more", async () => {
    const { chunks } = await derive(key, new Uint8Array(24), context, "encrypt", 2 ** 38 - 1);
    const { chunks: first } = await derive(key, new Uint8Array(24), context, "encrypt", 2 ** 32 - 1);
    await Promise.all([chunks.seal(pattern(1)), first.seal(pattern(1)), first.seal(pattern(1))]);
    assert.throws(() => chunks.seal(pattern(1)), StreamError);
    const { chunks: reader } = await derive(key, new Uint8Array(24), context, "decrypt", 2 ** 32);
    const { chunks: writer } = await derive(key, new Uint8Array(24), context, "encrypt", 2 ** 32);
    const { chunks: zero } = await derive(key, new Uint8Array(24), context, "decrypt", 0);
    const sealed = new Uint8Array(await writer.seal(pattern(9)));
    assert.equal((await reader.open(sealed)).byteLength, 9);
    await assert.rejects(zero.open(sealed), StreamError);
  });
});

group("cobblestone ranges", () => {
  const size = 4 * CHUNK + 77;
  const message = pattern(size);

  async function range(stream: Uint8Array, first: number, length: number, step = 1 << 24): Promise<{ got: Uint8Array; fault?: StreamFault }> {
    const { offset, length: n } = section(first, length, size);
    return drain(openRange(key, context, cut(stream.subarray(offset, offset + n), step), { start: stream.slice(0, HEADER_SIZE), first, length }));
  }

  test("every pair of edges", async () => {
    const stream = await encrypt(message);
    const edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5, size - 1, size];
    for (const first of edges) {
      for (const end of edges) {
        if (first >= end) continue;
        for (const step of [1 << 24, 7777]) {
          const { got, fault } = await range(stream, first, end - first, step);
          assert.equal(fault, undefined);
          same(got, message.slice(first, end), `${first} to ${end}`);
        }
      }
    }
  });

  test("sections", () => {
    const n = 10 * CHUNK + 5;
    assert.deepEqual(section(0, 1, n), { offset: HEADER_SIZE, length: SEALED });
    assert.deepEqual(section(CHUNK - 1, 2, n), { offset: HEADER_SIZE, length: 2 * SEALED });
    assert.deepEqual(section(CHUNK, CHUNK, n), { offset: HEADER_SIZE + SEALED, length: SEALED });
    assert.deepEqual(section(10 * CHUNK, 5, n), { offset: HEADER_SIZE + 10 * SEALED, length: 21 });
    assert.deepEqual(section(0, n, n), { offset: HEADER_SIZE, length: encryptedSize(n) - HEADER_SIZE });
    for (const [first, length] of [[-1, 1], [0, 0], [0, -1], [n, 1], [0, n + 1], [1, n], [2 ** 52, 2 ** 52], [0.5, 1], [Number.NaN, 1]] as const) {
      assert.throws(() => section(first, length, n), StreamError);
    }
  });

  test("damage", async (_, step) => {
    const s = await encrypt(pattern(3 * CHUNK));
    const chunk = (k: number): Uint8Array<ArrayBuffer> => s.slice(HEADER_SIZE + k * SEALED, HEADER_SIZE + (k + 1) * SEALED);
    const start = s.slice(0, HEADER_SIZE);
    const cases: [string, Uint8Array, { start?: Uint8Array; key?: Uint8Array; context?: Uint8Array; first: number; length: number }, StreamFault][] = [
      ["bit", flip(chunk(1), 100), { first: CHUNK, length: 10 }, "chunk"],
      ["other place", chunk(2), { first: CHUNK, length: 10 }, "chunk"],
      ["order", concat(chunk(1), chunk(0)), { first: CHUNK, length: 2 * CHUNK }, "chunk"],
      ["cut chunk", chunk(1).slice(0, 1000), { first: CHUNK, length: 10 }, "chunk"],
      ["missing chunk", chunk(1), { first: CHUNK, length: CHUNK + 1 }, "truncated"],
      ["nothing", new Uint8Array(0), { first: CHUNK, length: 1 }, "truncated"],
      ["beyond the end", chunk(3), { first: 3 * CHUNK, length: 1 }, "truncated"],
      ["context", chunk(1), { context: pattern(3), first: CHUNK, length: 1 }, "key"],
      ["key", chunk(1), { key: flip(key, 0), first: CHUNK, length: 1 }, "key"],
      ["start", chunk(1), { start: start.slice(1), first: CHUNK, length: 1 }, "truncated"],
      ["negative", chunk(1), { first: -1, length: 1 }, "range"],
      ["empty", chunk(1), { first: 0, length: 0 }, "range"],
      ["far away", chunk(1), { first: 2 ** 53 - 1, length: 1 }, "range"],
    ];
    for (const [name, part, o, fault] of cases) {
      await step(name, async () => {
        const { fault: got } = await drain(openRange(o.key ?? key, o.context ?? context, [part], { start: o.start ?? start, first: o.first, length: o.length }));
        assert.equal(got, fault);
      });
    }
  });
});

group("cobblestone streams", () => {
  test("as pairs of streams", async () => {
    const message = pattern(3 * 2 ** 20 + 5);
    const sealed = new Blob([message]).stream().pipeThrough(sealStream(key, context));
    const bytes = new Uint8Array(await new Response(sealed).arrayBuffer());
    assert.equal(bytes.length, encryptedSize(message.length));
    const opened = new Blob([bytes]).stream().pipeThrough(openStream(key, context));
    same(new Uint8Array(await new Response(opened).arrayBuffer()), message, "round trip");
    const { offset, length } = section(40_000, 100_000, message.length);
    const part = new Blob([bytes.slice(offset, offset + length)]).stream().pipeThrough(openStream(key, context, { start: bytes.slice(0, HEADER_SIZE), first: 40_000, length: 100_000 }));
    same(new Uint8Array(await new Response(part).arrayBuffer()), message.slice(40_000, 140_000), "range");
  });

  test("a fault comes after what precedes it", async () => {
    const stream = flip(await encrypt(pattern(5 * CHUNK)), -1);
    const reader = new Blob([stream]).stream().pipeThrough(openStream(key, context)).getReader();
    let released = 0;
    await assert.rejects(async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        released += value.length;
      }
    }, StreamError);
    assert.equal(released, 5 * CHUNK);
  });

  test("only bytes", async () => {
    const words = new ReadableStream<unknown>({ start(c): void { c.enqueue("text"); c.close(); } }) as ReadableStream<Uint8Array>;
    await assert.rejects(toBytes(new Input(words.pipeThrough(sealStream(key, context))).pieces(), 1), TypeError);
    assert.throws(() => new Input("text" as unknown as Uint8Array), TypeError);
  });

  test("a source that fails, fails what is made of it", async () => {
    const failing = (): ReadableStream<Uint8Array> => {
      let n = 0;
      return new ReadableStream({ pull(c): void { if (n++ === 3) c.error(new RangeError("no more")); else c.enqueue(pattern(9999)); } });
    };
    await assert.rejects(toBlob(seal(key, context, new Input(failing()).pieces())), RangeError);
    await assert.rejects(toBytes(open(key, context, new Input(failing()).pieces()), 5), StreamError);
  });

  test("who stops reading stops the source", async () => {
    for (const begun of [true, false]) {
      let cancelled: unknown;
      const endless = new ReadableStream<Uint8Array>({ pull(c): void { c.enqueue(pattern(70_000)); }, cancel(reason): void { cancelled = reason ?? true; } });
      const reader = endless.pipeThrough(sealStream(key, context)).getReader();
      if (begun) await reader.read();
      await reader.cancel("enough");
      for (let i = 0; i < 100 && cancelled === undefined; i++) await new Promise((done) => setTimeout(done, 5));
      assert.equal(cancelled, "enough");
    }
  });

  test("a source that is silent does not hold up who cancels", async () => {
    const cancelled: unknown[] = [];
    const silent = new ReadableStream<Uint8Array>({ cancel(reason): void { cancelled.push(reason); } });
    const reader = silent.pipeThrough(openStream(key, context)).getReader();
    const read = reader.read();
    await reader.cancel();
    assert.equal((await read).done, true);
    for (let i = 0; i < 100 && cancelled.length === 0; i++) await new Promise((done) => setTimeout(done, 5));
    assert.equal(cancelled.length, 1);
  });

  test("a signal ends reading of every kind", async () => {
    const kinds = [pattern(2 ** 22), new Blob([pattern(2 ** 22)]), new ReadableStream<Uint8Array>()];
    for (const content of kinds) {
      const stop = new AbortController();
      const reading = toBlob(seal(key, context, new Input(content, stop.signal).pieces()));
      stop.abort(new RangeError("stopped"));
      await assert.rejects(reading, RangeError);
    }
  });

  test("peeking consumes nothing, in any pieces", async () => {
    const message = pattern(5 * 2 ** 20);
    const stream = (step: number): ReadableStream<Uint8Array> => toStream((async function* (): AsyncGenerator<Uint8Array, void, undefined> { await Promise.resolve(); yield* cut(message, step); })());
    for (const content of [message, new Blob([message]), stream(100), stream(2 ** 22)]) {
      const input = new Input(content);
      same(await input.peek(336), message.slice(0, 336), "peeked");
      same(await input.peek(10), message.slice(0, 10), "peeked again");
      same(await toBytes(input.pieces(200), message.length - 200), message.slice(200), "the rest");
    }
    assert.equal((await new Input(new Uint8Array(3)).peek(10)).length, 3);
  });
});

group("hashes", () => {
  test("SHA-256 in pieces is that of WebCrypto", async () => {
    const message = pattern(3 * 2 ** 20 + 17);
    for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, message.length]) {
      for (const step of [1, 63, 64, 100_000]) {
        if (n > 10_000 && step === 1) continue;
        const hash = new Sha256();
        for (const piece of cut(message.subarray(0, n), step)) hash.update(piece);
        same(hash.digest(), await sha256(message.slice(0, n)), `${n} bytes by ${step}`);
      }
    }
  });

  test("payload hashes", async () => {
    for (const n of [0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 9]) {
      const message = pattern(n);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < n; at += 2 ** 20) pieces.push(await sha256(message.slice(at, at + 2 ** 20)));
      const want = await sha256(...pieces);
      for (const step of [300_001, 2 ** 20, 2 ** 24]) {
        const hash = new PayloadHash();
        for (const piece of cut(message, step)) await hash.add(piece);
        const got = await hash.end();
        assert.equal(got.length, n);
        same(got.hash, want, `${n} bytes by ${step}`);
      }
    }
  });
});
