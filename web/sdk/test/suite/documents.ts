/** Documents through the client and a real server: whole, in parts, in repositories, and in the hands of others. */

import { decrypt, decryptMany } from "../../src/client/decrypt.js";
import { peekDocument } from "../../src/client/document.js";
import { encrypt } from "../../src/client/encrypt.js";
import { grantAccess } from "../../src/client/grant.js";
import { deposit, fetchKey, newDraft, openKey } from "../../src/client/key.js";
import { decryptRange } from "../../src/client/range.js";
import { rotate } from "../../src/client/rotate.js";
import { parseId } from "../../src/client/text.js";
import { encryptedSize, seal } from "../../src/cobblestone.js";
import { type Content, toBytes } from "../../src/stream.js";
import { assert, same } from "./assert.js";
import { concat, equal, flip, fromUtf8, utf8 } from "./bytes.js";
import { bytesOf, coreOf, pattern, people, readUntilFailure, refused, somebody, type Somebody, streamOf } from "./documents_world.js";
import { type Env, group, test } from "./registry.js";

const CHUNK = 16384;
const NEEDS = { needs: ["server"] } as const;

/** A document of Alice's that Bob may read. */
async function shared(env: Env, content: Uint8Array): Promise<{ alice: Somebody; bob: Somebody; eve: Somebody; document: Uint8Array; headerLength: number }> {
  const all = await people(env);
  const { document } = await encrypt(all.alice.c, content);
  await grantAccess(all.alice.c, all.bob.id);
  const { length: headerLength } = all.alice.c.core.openHeader(document);
  return { ...all, document, headerLength };
}

/** What a reader could do who has the key: other content in the same document. */
async function forge(bob: Somebody, document: Uint8Array, headerLength: number, content: Uint8Array): Promise<Uint8Array> {
  const id = parseId((await peekDocument(bob.c.core, document)).key);
  assert.ok(id !== undefined);
  const key = await openKey(bob.c, await fetchKey(bob.c, id));
  const header = document.slice(0, headerLength);
  return concat(header, await toBytes(seal(key, header, [content]), document.length - headerLength));
}

group("documents", () => {
  test("come out as they went in, of every kind and size", async (env, step) => {
    const { alice } = await people(env);
    for (const n of [0, 1, CHUNK, 3 * CHUNK + 5, (5 << 20) + 3]) {
      const content = pattern(n);
      const kinds: [string, () => Content][] = [["bytes", () => content], ["Blob", () => new Blob([content])], ["stream", () => streamOf(content)]];
      for (const [kind, make] of kinds) {
        await step(`${n} bytes as ${kind}`, async () => {
          const seen: number[] = [];
          const sealed = await encrypt(alice.c, make() as ReadableStream<Uint8Array>, { progress: (done) => seen.push(done) });
          const document = await bytesOf(sealed.document);
          const info = await sealed.info;
          assert.equal(info.bytes, n);
          assert.equal(info.author, alice.id);
          assert.ok(n === 0 || seen.at(-1) === n);
          const input = kind === "stream" ? streamOf(document, 333_333) : kind === "Blob" ? new Blob([document]) : document;
          const opened = await decrypt(alice.c, input as ReadableStream<Uint8Array>, { from: alice.id, progress: (done, all) => { assert.ok(done <= n && all === n); } });
          same(await bytesOf(opened.content), content, "content");
          assert.deepEqual(await opened.info, info);
        });
      }
    }
  }, NEEDS);

  test("are of their kind", async (env) => {
    const { alice } = await people(env);
    const bytes = await encrypt(alice.c, pattern(5));
    const blob = await encrypt(alice.c, new Blob([pattern(5)]));
    const stream = await encrypt(alice.c, streamOf(pattern(5)));
    assert.ok(bytes.document instanceof Uint8Array && blob.document instanceof Blob && "getReader" in stream.document);
    assert.ok((await decrypt(alice.c, blob.document)).content instanceof Blob);
    await assert.rejects(encrypt(alice.c, "text" as unknown as Uint8Array), TypeError);
  }, NEEDS);

  test("open for readers, and for nobody else", async (env) => {
    const { alice, bob, eve, document } = await shared(env, utf8("for Bob"));
    const { content, info } = await decrypt(bob.c, document, { from: alice.id });
    assert.equal(fromUtf8(content), "for Bob");
    assert.equal(info.owner, alice.id);
    await refused("no_access", decrypt(eve.c, document));
    await refused("author", decrypt(bob.c, document, { from: eve.id }));
  }, NEEDS);

  test("of the command line open here, and ours there", async (env) => {
    const { alice } = await people(env);
    const cli = async (args: string[], files?: Record<string, Uint8Array>): Promise<Awaited<ReturnType<Env["cli"]>>> => {
      const done = await env.cli([...args, "--as", "clara", "--no-passphrase", "--server", alice.c.base], files);
      assert.equal(done.code, 0, `${args.join(" ")}: ${done.stderr}`);
      return done;
    };
    const made = await env.cli(["identity", "create", "clara", "--no-passphrase", "--server", alice.c.base]);
    assert.equal(made.code, 0, made.stderr);
    const id = /rid1[a-z0-9]{58}/.exec(made.stdout)?.[0];
    assert.ok(id !== undefined);
    const content = pattern(100_000);
    const { files } = await cli(["encrypt", "file.bin", "--suite", "recrypt256", "--force"], { "file.bin": content });
    const theirs = files["file.bin.recrypt"];
    assert.ok(theirs !== undefined);
    await cli(["grant", alice.id]);
    same((await decrypt(alice.c, theirs, { from: id })).content, content, "made by the command line");
    const range = await decryptRange(alice.c, new Blob([theirs]), { first: 20_000, last: 60_000 });
    same(range.content, content.slice(20_000, 60_001), "a part");
    const { document: ours } = await encrypt(alice.c, new Blob([content]));
    await grantAccess(alice.c, id);
    const opened = await cli(["decrypt", "ours.recrypt", "-o", "ours.bin", "--from", alice.id, "--force"], { "ours.recrypt": await bytesOf(ours) });
    same(opened.files["ours.bin"] ?? new Uint8Array(0), content, "made here");
  }, NEEDS);

  test("are refused when they are damaged, cut off or mixed up", async (env, step) => {
    const { alice, bob, document: d, headerLength: h } = await shared(env, pattern(3 * CHUNK + 9));
    const { document: other } = await encrypt(alice.c, pattern(3 * CHUNK + 9));
    const sealed = CHUNK + 16;
    const first = h + 56;
    const faults: [string, Uint8Array, "corrupt" | "not_document" | "no_access"][] = [
      ["a bit of a chunk", flip(d, first + sealed + 3), "corrupt"],
      ["a bit of the last tag", flip(d, -1), "corrupt"],
      ["a bit of the salt", flip(d, h + 2), "corrupt"],
      ["a bit of the author", flip(d, h - 40), "corrupt"],
      ["cut off in a chunk", d.slice(0, first + sealed + 99), "corrupt"],
      ["cut off between chunks", d.slice(0, first + 2 * sealed), "corrupt"],
      ["cut off in the header", d.slice(0, h - 1), "corrupt"],
      ["cut off behind the header", d.slice(0, h), "corrupt"],
      ["a byte appended", concat(d, new Uint8Array(1)), "corrupt"],
      ["a document appended", concat(d, d), "corrupt"],
      ["a chunk removed", concat(d.slice(0, first), d.slice(first + sealed)), "corrupt"],
      ["chunks swapped", concat(d.slice(0, first), d.slice(first + sealed, first + 2 * sealed), d.slice(first, first + sealed), d.slice(first + 2 * sealed)), "corrupt"],
      ["the header of another", concat(other.slice(0, h), d.slice(h)), "corrupt"],
      ["something else", utf8("%PDF-1.7"), "not_document"],
      ["nothing", new Uint8Array(0), "not_document"],
      ["a later version", concat(utf8("RECRYPT"), Uint8Array.of(2), d.slice(8)), "not_document"],
      ["an unknown key", flip(d, 8), "no_access"],
    ];
    for (const [name, bad, code] of faults) {
      await step(name, async () => {
        await refused(code, decrypt(bob.c, bad), "bytes:");
        await refused(code, decrypt(bob.c, new Blob([bad as Uint8Array<ArrayBuffer>])), "Blob:");
        await refused(code, (async () => {
          const { content, info } = await decrypt(bob.c, streamOf(bad));
          const { error } = await readUntilFailure(content);
          await refused(code, info, "info:");
          throw error;
        })(), "stream:");
      });
    }
  }, NEEDS);

  test("that a reader has forged fail at their end, and come as nothing else", async (env) => {
    const content = pattern(3 * CHUNK + 9);
    const { bob, document, headerLength } = await shared(env, content);
    const forged = await forge(bob, document, headerLength, new Uint8Array(content.length).fill(0x66));
    assert.equal(forged.length, document.length);
    await refused("corrupt", decrypt(bob.c, forged));
    await refused("corrupt", decrypt(bob.c, new Blob([forged as Uint8Array<ArrayBuffer>])));
    const { content: stream, info } = await decrypt(bob.c, streamOf(forged));
    const { bytes, error } = await readUntilFailure(stream);
    assert.equal(bytes, content.length);
    assert.match(String(error), /not what its author signed/);
    await refused("corrupt", info);
    // a part is not covered by the author's signature, as its description says
    assert.equal((await decryptRange(bob.c, new Blob([forged as Uint8Array<ArrayBuffer>]), { first: 7, last: 7 })).content[0], 0x66);
  }, NEEDS);

  test("whose author claims more than memory has are refused", async (env) => {
    const { alice, bob } = await people(env);
    await grantAccess(alice.c, bob.id);
    const draft = await newDraft(alice.c);
    const { collection, epoch } = draft.collection.view;
    const header = alice.c.core.newHeader({ key: draft.id, collection, epoch, author: draft.author.identity.id, server: alice.c.base });
    const document = concat(header, await toBytes(seal(draft.key, header, [pattern(9)]), encryptedSize(9)));
    await deposit(alice.c, draft, { length: encryptedSize(2 ** 50), hash: new Uint8Array(32) });
    await refused("corrupt", decrypt(bob.c, document));
    await refused("corrupt", decrypt(bob.c, new Blob([document])));
  }, NEEDS);

  test("of another server are not followed", async (env) => {
    const { bob, document, headerLength } = await shared(env, pattern(5));
    const core = await coreOf(env);
    const own = core.openHeader(document);
    const moved = (server: string): Uint8Array => concat(core.newHeader({ ...own, server }), document.slice(headerLength));
    const before = bob.asked.length;
    const away = moved("https://elsewhere.example");
    assert.equal((await peekDocument(core, away)).server, "https://elsewhere.example");
    const e = await refused("foreign_server", decrypt(bob.c, away));
    assert.match(e.message, /elsewhere\.example/);
    await refused("foreign_server", decryptRange(bob.c, new Blob([away as Uint8Array<ArrayBuffer>]), { first: 0 }));
    assert.equal(bob.asked.length, before, "something was sent");
    await refused("corrupt", decrypt(bob.c, away, { hints: ["https://Elsewhere.example:443/"] })); // its key is ours, its header is not
    await refused("corrupt", decrypt(bob.c, moved("https://elsewhere.example/below")));
    await refused("corrupt", decrypt(bob.c, moved("")));
  }, NEEDS);

  test("many, with one request", async (env) => {
    const { alice, bob, document, headerLength } = await shared(env, pattern(40_000));
    const { document: second } = await encrypt(alice.c, pattern(5));
    const blobs = [document, second, flip(document, -1), utf8("no document"), flip(second, 8), document].map((d) => new Blob([d as Uint8Array<ArrayBuffer>]));
    const before = bob.asked.length;
    const seen: number[] = [];
    const out = await decryptMany(bob.c, blobs, { from: alice.id, progress: (done) => seen.push(done) });
    assert.equal(bob.asked.slice(before).filter((a) => a.startsWith("POST")).length, 1);
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(out.map((o) => o.error === undefined ? o.info.bytes : (o.error as { code?: string }).code), [40_000, 5, "corrupt", "not_document", "no_access", 40_000]);
    same(await bytesOf(out[0]?.content ?? new Blob()), pattern(40_000), "the first");
    assert.ok(headerLength > 0);
    assert.deepEqual(await decryptMany(bob.c, []), []);
  }, NEEDS);
});

group("documents in parts", () => {
  test("every range", async (env) => {
    const content = pattern(3 * CHUNK + 100);
    const { bob, document } = await shared(env, content);
    const blob = new Blob([document as Uint8Array<ArrayBuffer>]);
    const n = content.length;
    const ranges: [number, number | undefined, number, number][] = [
      [0, 0, 0, 1], [0, undefined, 0, n], [CHUNK - 1, CHUNK, CHUNK - 1, CHUNK + 1], [n - 1, undefined, n - 1, n],
      [-1, undefined, n - 1, n], [-1e9, undefined, 0, n], [100, 1e9, 100, n], [2 * CHUNK, 3 * CHUNK - 1, 2 * CHUNK, 3 * CHUNK],
    ];
    for (const [first, last, from, to] of ranges) {
      const got = await decryptRange(bob.c, blob, last === undefined ? { first } : { first, last });
      assert.equal(got.first, from);
      same(got.content, content.slice(from, to), `${first} to ${String(last)}`);
    }
    await refused("range", decryptRange(bob.c, blob, { first: n }));
    for (const range of [{ first: 5, last: 4 }, { first: -5, last: 4 }, { first: 0.5 }, { first: Number.NaN }]) {
      await refused("malformed", decryptRange(bob.c, blob, range));
    }
  }, NEEDS);

  test("damage within counts, damage elsewhere does not", async (env) => {
    const content = pattern(4 * CHUNK);
    const { bob, document, headerLength } = await shared(env, content);
    const at = headerLength + 56 + 2 * (CHUNK + 16) + 50;
    const bad = new Blob([flip(document, at)]);
    await refused("corrupt", decryptRange(bob.c, bad, { first: 2 * CHUNK, last: 2 * CHUNK }));
    same((await decryptRange(bob.c, bad, { first: 0, last: 99 })).content, content.slice(0, 100), "elsewhere");
    await refused("corrupt", decryptRange(bob.c, new Blob([document.slice(0, at)]), { first: 2 * CHUNK, last: 2 * CHUNK }));
    await refused("corrupt", decryptRange(bob.c, new Blob([document.slice(0, headerLength + 20)]), { first: 0 }));
    await refused("not_document", decryptRange(bob.c, new Blob([]), { first: 0 }));
  }, NEEDS);

  test("of a document without content there are none", async (env) => {
    const { bob, document } = await shared(env, new Uint8Array(0));
    await refused("range", decryptRange(bob.c, new Blob([document as Uint8Array<ArrayBuffer>]), { first: 0 }));
  }, NEEDS);
});

group("documents on their way", () => {
  test("an aborted one is refused, and its source let go", async (env) => {
    const { alice, document } = await shared(env, pattern(2 << 20));
    const stop = new AbortController();
    let released = 0;
    const endless = new ReadableStream<Uint8Array>({ pull(c): void { c.enqueue(pattern(100_000)); }, cancel(): void { released++; } }, { highWaterMark: 0 });
    const { document: stream, info } = await encrypt(alice.c, endless, { signal: stop.signal, progress: (done) => { if (done > 1e6) stop.abort(); } });
    const { error } = await readUntilFailure(stream);
    assert.equal((error as { code?: string }).code, "aborted");
    await refused("aborted", info);
    assert.equal(released, 1);
    const gone = AbortSignal.abort();
    await refused("aborted", encrypt(alice.c, new Blob([pattern(5)]), { signal: gone }));
    await refused("aborted", decrypt(alice.c, document, { signal: gone }));
    const late = new AbortController();
    await refused("aborted", decrypt(alice.c, new Blob([document as Uint8Array<ArrayBuffer>]), { signal: late.signal, progress: () => { late.abort(); } }));
  }, NEEDS);

  test("nobody reads the rest", async (env) => {
    const { alice, document } = await shared(env, pattern(1 << 20));
    for (const begun of [true, false]) {
      let released = 0;
      const source = new ReadableStream<Uint8Array>({ start(c): void { c.enqueue(document.slice(0, 700_000)); }, cancel(): void { released++; } });
      const { content, info } = await decrypt(alice.c, source);
      const reader = content.getReader();
      if (begun) await reader.read();
      await reader.cancel();
      await refused("aborted", info);
      assert.equal(released, 1);
    }
  }, NEEDS);

  test("a stream whose collection moves on fails, a Blob is begun anew", async (env) => {
    const alice = await somebody(env);
    const content = pattern(100_000);
    await encrypt(alice.c, content); // makes the collection
    alice.network = async (url, init, go) => {
      if (!url.endsWith("/v1/keys")) return go();
      alice.network = undefined;
      await rotate(alice.c);
      return go(init);
    };
    const { document } = await encrypt(alice.c, new Blob([content]));
    assert.equal(alice.network, undefined);
    same(await bytesOf((await decrypt(alice.c, document)).content), content, "begun anew");
    const moving = async function* (): AsyncGenerator<Uint8Array> {
      yield content;
      await rotate(alice.c);
    };
    const pieces = moving();
    const stream = new ReadableStream<Uint8Array>({
      async pull(c): Promise<void> {
        const next = await pieces.next();
        if (next.done === true) c.close();
        else c.enqueue(next.value);
      },
    }, { highWaterMark: 0 });
    const sealed = await encrypt(alice.c, stream);
    const { error } = await readUntilFailure(sealed.document);
    assert.match((error as { code: string }).code, /^(conflict|closed_epoch)$/);
    await assert.rejects(sealed.info);
  }, NEEDS);

  test("a source that fails, fails the document", async (env) => {
    const { alice, document: good } = await shared(env, pattern(200_000));
    const failing = (): ReadableStream<Uint8Array> => new ReadableStream({ start(c): void { c.enqueue(good.slice(0, 50_000)); }, pull(c): void { c.error(new RangeError("unplugged")); } });
    const { document, info } = await encrypt(alice.c, failing());
    const { error } = await readUntilFailure(document);
    assert.ok(error instanceof RangeError);
    await assert.rejects(info, RangeError);
    const opened = await decrypt(alice.c, failing());
    assert.ok((await readUntilFailure(opened.content)).error instanceof RangeError);
    await assert.rejects(opened.info, RangeError);
    const early = new ReadableStream<Uint8Array>({ pull(c): void { c.error(new RangeError("unplugged")); } });
    await assert.rejects(decrypt(alice.c, early), RangeError);
  }, NEEDS);

  test("32 MiB through both ways at once, in little memory", async (env) => {
    const { alice } = await people(env);
    const size = 32 << 20;
    const block = pattern(1 << 20);
    let [made, taken, most] = [0, 0, 0];
    const source = new ReadableStream<Uint8Array>({
      pull(c): void {
        if (made === size) { c.close(); return; }
        c.enqueue(block.slice());
        made += block.length;
        most = Math.max(most, made - taken);
      },
    }, { highWaterMark: 0 });
    const before = heap();
    const sealed = await encrypt(alice.c, source);
    // the key is there once the stream has ended; till then its end is held back
    const parts: Blob[] = [];
    let highest = 0;
    const reader = sealed.document.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      taken += value.length;
      parts.push(new Blob([value as Uint8Array<ArrayBuffer>]));
      highest = Math.max(highest, heap() - before);
    }
    assert.equal((await sealed.info).bytes, size);
    assert.ok(most < 8 << 20, `${most} bytes were under way`);
    const opened = await decrypt(alice.c, new Blob(parts).stream());
    let place = 0;
    const out = opened.content.getReader();
    for (;;) {
      const { done, value } = await out.read();
      if (done) break;
      for (let i = 0; i < value.length; ) {
        const at = (place + i) % block.length;
        const n = Math.min(value.length - i, block.length - at);
        assert.ok(equal(value.subarray(i, i + n), block.subarray(at, at + n)), `other content behind ${place + i}`);
        i += n;
      }
      place += value.length;
      highest = Math.max(highest, heap() - before);
    }
    assert.equal(place, size);
    assert.equal((await opened.info).bytes, size);
    // elsewhere memory is counted otherwise, or given back when it pleases
    assert.ok(!/^(node|chromium)/.test(env.runtime) || highest < 100 << 20, `the heap grew by ${highest} bytes`);
  }, { ...NEEDS, timeout: 300 });
});

/** Bytes of the heap and of what hangs on it, where the engine tells; Blobs are not counted where they are elsewhere. */
function heap(): number {
  const host = globalThis as {
    process?: { memoryUsage?: () => { heapUsed: number; arrayBuffers: number } };
    performance?: { memory?: { usedJSHeapSize: number } };
  };
  const node = host.process?.memoryUsage?.();
  if (node !== undefined) return node.heapUsed + node.arrayBuffers;
  return host.performance?.memory?.usedJSHeapSize ?? 0;
}
