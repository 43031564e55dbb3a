/** Documents in repositories and on other web servers, with networks that break, change and lie. */

import { decrypt } from "../../src/client/decrypt.js";
import { encrypt } from "../../src/client/encrypt.js";
import { grantAccess } from "../../src/client/grant.js";
import { decryptRange } from "../../src/client/range.js";
import { download, upload } from "../../src/client/repository.js";
import { toBase32 } from "../../src/client/text.js";
import { joined, WebDocument } from "../../src/client/web_document.js";
import { assert, same } from "./assert.js";
import { concat, flip, sha256 } from "./bytes.js";
import { json } from "./cast.js";
import { bytesOf, type Network, pattern, people, readUntilFailure, refused, somebody, type Somebody, streamOf } from "./documents_world.js";
import { type Env, group, test } from "./registry.js";

const NEEDS = { needs: ["server"] } as const;
const PART = 8 << 20;

/** Alice's document for Bob on the server. */
async function stored(env: Env, content: Uint8Array): Promise<{ alice: Somebody; bob: Somebody; document: Uint8Array<ArrayBuffer>; url: string; id: string }> {
  const { alice, bob } = await people(env);
  const document = await bytesOf((await encrypt(alice.c, content)).document);
  await grantAccess(alice.c, bob.id);
  const { url, id } = await upload(alice.c, new Blob([document]));
  return { alice, bob, document, url, id };
}

/** The first byte that a request asks for; undefined if it asks for all. */
function asksFrom(init: RequestInit): number | undefined {
  const range = new Headers(init.headers).get("range");
  return range === null ? undefined : Number(/^bytes=(\d+)-/.exec(range)?.[1]);
}

/** An answer whose content ends, or breaks, after n bytes. */
async function broken(response: Response, n: number, fault?: Error): Promise<Response> {
  const head = new Uint8Array(await response.arrayBuffer()).slice(0, n);
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(c): void {
      if (!sent) { c.enqueue(head); sent = true; }
      else if (fault === undefined) c.close();
      else c.error(fault);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}

/** Does something for requests of documents alone. */
const onDocuments = (network: Network): Network => (url, init, go) => (url.includes("/v1/documents/") ? network(url, init, go) : go());

group("repository", () => {
  test("keeps a document, once, under the hash of what it is", async (env) => {
    const { alice } = await people(env);
    const { document } = await encrypt(alice.c, new Blob([pattern(300_000)]));
    const seen: (number | undefined)[] = [];
    const first = await upload(alice.c, document, { progress: (done, all) => seen.push(done, all) });
    const bytes = await bytesOf(document);
    assert.deepEqual(first, { id: toBase32(await sha256(bytes)), url: `${alice.c.base}/v1/documents/${first.id}`, bytes: bytes.length, existed: false });
    assert.deepEqual(seen, [bytes.length, bytes.length]);
    assert.equal((await upload(alice.c, document)).existed, true);
    const got = await download(alice.c, first.id);
    same(await bytesOf(got), bytes, "by id");
    same(await bytesOf(await download(alice.c, first.url)), bytes, "by URL");
    same(await bytesOf((await decrypt(alice.c, got)).content), pattern(300_000), "opened");
  }, NEEDS);

  test("takes documents only, and gives none that it does not have", async (env) => {
    const { alice } = await people(env);
    await refused("not_document", upload(alice.c, new Blob(["text"])));
    await refused("not_document", upload(alice.c, new Blob([])));
    await refused("not_found", download(alice.c, "a".repeat(52)));
    for (const id of ["", "short", "A".repeat(52), `https://elsewhere.example/v1/documents/${"a".repeat(52)}`, `${"a".repeat(52)}?x`]) {
      await refused("malformed", download(alice.c, id), id);
    }
  }, NEEDS);

  test("goes on with what was interrupted", async (env) => {
    const { alice } = await people(env);
    const { document: blob } = await encrypt(alice.c, new Blob([pattern(2 * PART + 12_345)]));
    const document = await bytesOf(blob);
    let puts = 0;
    alice.network = (_url, init, go) => {
      if (init.method === "PUT" && ++puts === 2) return Promise.reject(new TypeError("cable pulled"));
      return go();
    };
    const stop = new AbortController();
    await refused("aborted", upload(alice.c, blob, { signal: stop.signal, progress: (done) => { if (done >= PART) stop.abort(); } }));
    puts = 0;
    const seen: number[] = [];
    const { id, existed } = await upload(alice.c, blob, { progress: (done) => seen.push(done) });
    assert.equal(existed, false);
    assert.deepEqual([...new Set(seen)], [PART, 2 * PART, document.length]);
    assert.equal(puts, 3, "the third part was sent twice, the first not again");
    alice.network = undefined;
    same(await bytesOf(await download(alice.c, id)), document, "as a whole");
    assert.equal((await upload(alice.c, blob)).existed, true);
  }, { ...NEEDS, timeout: 240 });

  test("is told what is wrong by a server that is none", async (env) => {
    const { alice } = await people(env);
    const { document } = await encrypt(alice.c, new Blob([pattern(5)]));
    const answer = (status: number, body: unknown, type = "application/json"): Network => () =>
      Promise.resolve(new Response(JSON.stringify(body), { status, headers: { "content-type": type } }));
    alice.network = answer(200, { id: "a".repeat(52), size: 5 });
    await refused("answer", upload(alice.c, document));
    alice.network = answer(404, { code: "not_found", title: "not found" }, "application/problem+json");
    await refused("no_repository", upload(alice.c, document));
    alice.network = answer(507, { code: "full", title: "no space left" }, "application/problem+json");
    assert.match((await refused("repository", upload(alice.c, document))).message, /no space left/);
    alice.network = answer(422, { code: "mismatch", title: "other bytes" }, "application/problem+json");
    await refused("changed", upload(alice.c, document));
    alice.network = undefined;
    const { document: parts } = await encrypt(alice.c, new Blob([pattern(PART)]));
    alice.network = answer(200, { id: "a".repeat(52), received: 7, total: 5, complete: false });
    await refused("answer", upload(alice.c, parts));
    for (const [what, far] of [["nothing of it", [0]], ["now more, now less of it", [PART, 0]]] as const) {
      let asked = 0;
      alice.network = (url) => {
        if (++asked > 100) assert.fail(`${what}: it goes on for ever`);
        return Promise.resolve(json({ id: url.split("/")[5], received: far[asked % far.length], total: parts.size, complete: false }));
      };
      await refused("answer", upload(alice.c, parts), what);
    }
    alice.network = undefined;
  }, NEEDS);

  test("keeps nothing where it is turned off", async (env) => {
    const { alice } = await people(env);
    alice.network = onDocuments(() => Promise.resolve(new Response("404 page not found", { status: 404, headers: { "content-type": "text/plain" } })));
    await refused("not_found", download(alice.c, "a".repeat(52)));
    alice.network = undefined;
  }, NEEDS);

  test("that gives another document is found out", async (env) => {
    const { alice, id, document } = await stored(env, pattern(70_000));
    alice.network = onDocuments(async (_url, _init, go) => {
      const response = await go();
      return new Response(flip(new Uint8Array(await response.arrayBuffer()), 60_000), { status: 200 });
    });
    await refused("wrong_document", download(alice.c, id));
    alice.network = undefined;
    assert.ok(document.length > 60_000);
  }, NEEDS);
});

group("documents of the web", () => {
  test("only what is needed of a range is fetched", async (env) => {
    const content = pattern(40 * 16384);
    const { bob, url } = await stored(env, content);
    let fetched = 0;
    bob.network = onDocuments(async (_url, init, go) => {
      const response = await go();
      assert.equal(response.status, 206);
      fetched += Number(response.headers.get("content-length"));
      assert.ok(new Headers(init.headers).get("if-range") === null);
      return response;
    });
    for (const [first, last] of [[100, 199], [20 * 16384 - 5, 20 * 16384 + 4], [-10, undefined]] as const) {
      fetched = 0;
      const { content: part, first: at } = await decryptRange(bob.c, url, { first, last });
      same(part, content.slice(at, last === undefined ? undefined : last + 1), "range");
      assert.ok(fetched <= 392 + 2 * 16400, `${fetched} bytes`);
    }
    bob.network = undefined;
    await refused("range", decryptRange(bob.c, url, { first: content.length }));
  }, NEEDS);

  test("servers without ranges are read from the beginning, as far as needed", async (env) => {
    const content = pattern(40 * 16384);
    const { bob, url, document } = await stored(env, content);
    let [requests, read] = [0, 0];
    bob.network = onDocuments(() => {
      requests++;
      const body = streamOf(document, 10_000).pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ transform(piece, c): void { read += piece.length; c.enqueue(piece); } }));
      return Promise.resolve(new Response(body, { status: 200 }));
    });
    const { content: part } = await decryptRange(bob.c, url, { first: 5 * 16384, last: 5 * 16384 + 9 });
    same(part, content.slice(5 * 16384, 5 * 16384 + 10), "range");
    assert.equal(requests, 1);
    assert.ok(read < 10 * 16384, `${read} bytes were read`);
    bob.network = undefined;
  }, NEEDS);

  test("a download that breaks off goes on where it was", async (env) => {
    const { alice, url, id, document } = await stored(env, pattern(500_000));
    for (const fault of [undefined, new TypeError("terminated")]) {
      const from: (number | undefined)[] = [];
      alice.network = onDocuments(async (_url, init, go) => {
        from.push(asksFrom(init));
        const response = await go();
        return from.length < 3 ? broken(response, 100_000, fault) : response;
      });
      same(await bytesOf(await download(alice.c, id)), document, "put together");
      assert.deepEqual(from, [undefined, 100_000, 200_000]);
      from.length = 0;
      const web = new WebDocument(alice.c.fetch, url);
      same(await joined(web.open()), document, "as a stream");
      assert.equal(web.size, document.length);
    }
    alice.network = onDocuments(async (_url, init, go) => (asksFrom(init) === undefined ? broken(await go(), 100_000) : Promise.reject(new TypeError("no route"))));
    const stop = new AbortController();
    setTimeout(() => { stop.abort(); }, 400);
    await refused("aborted", download(alice.c, id, { signal: stop.signal }));
    alice.network = onDocuments(async (_url, init, go) => (asksFrom(init) === undefined ? broken(await go(), 100_000) : new Response("gone", { status: 410 })));
    await refused("fetch", download(alice.c, id));
    alice.network = undefined;
  }, NEEDS);

  test("a document that was changed meanwhile is noticed", async (env) => {
    const { bob, url, id } = await stored(env, pattern(200_000));
    const tagged = (tag: string): Network => onDocuments(async (_url, init, go) => {
      const response = await go();
      const headers = new Headers(response.headers);
      headers.set("etag", asksFrom(init) === undefined || asksFrom(init) === 0 ? '"first"' : tag);
      return new Response(response.body, { status: response.status, headers });
    });
    bob.network = tagged('"second"');
    await refused("changed", decryptRange(bob.c, url, { first: 100_000 }));
    bob.network = tagged('"first"');
    assert.equal((await decryptRange(bob.c, url, { first: 199_999 })).content.length, 1);
    const steady = tagged('"second"');
    bob.network = async (u, init, go) => {
      const response = await steady(u, init, go);
      return u.includes("/v1/documents/") && asksFrom(init) === undefined ? broken(response, 50_000) : response;
    };
    await refused("changed", download(bob.c, id));
    bob.network = undefined;
  }, NEEDS);

  test("answers that are not what was asked for are refused", async (env, step) => {
    const { bob, url, document } = await stored(env, pattern(200_000));
    const partial = (range: string, body: Uint8Array<ArrayBuffer>, type = "application/octet-stream"): Network =>
      onDocuments(() => Promise.resolve(new Response(body, { status: 206, headers: { "content-range": range, "content-type": type } })));
    const n = document.length;
    const start = document.slice(0, 392);
    const lies: [string, Network, "fetch" | "corrupt"][] = [
      ["another range", partial(`bytes 1-392/${n}`, start), "fetch"],
      ["more than was asked for", partial(`bytes 0-999/${n}`, document.slice(0, 1000)), "fetch"],
      ["less", partial(`bytes 0-99/${n}`, document.slice(0, 100)), "fetch"],
      ["an end before the end", partial("bytes 0-391/100", start), "fetch"],
      ["no range", partial("", start), "fetch"],
      ["several", partial(`bytes 0-391/${n}`, start, "multipart/byteranges; boundary=x"), "fetch"],
      ["less than announced", partial(`bytes 0-391/${n}`, start.slice(0, 300)), "fetch"],
      ["status 500", onDocuments(() => Promise.resolve(new Response("no", { status: 500 }))), "fetch"],
      ["other bytes", onDocuments(async (_u, init, go) => {
        const response = await go();
        if (asksFrom(init) === 0) return response;
        return new Response(flip(new Uint8Array(await response.arrayBuffer()), 20_000), { status: 206, headers: response.headers });
      }), "corrupt"],
      ["no answer", onDocuments(() => Promise.reject(new TypeError("fetch failed"))), "fetch"],
    ];
    for (const [name, network, code] of lies) {
      await step(name, async () => {
        bob.network = network;
        const e = await refused(code, decryptRange(bob.c, url, { first: 150_000 }));
        assert.ok(!e.message.includes(url), "the URL may be a secret");
      });
    }
    bob.network = undefined;
    for (const bad of ["ftp://host/file", "file:///etc/passwd", "nothing", "javascript:1", "data:,x"]) {
      await refused("malformed", decryptRange(bob.c, bad, { first: 0 }), bad);
    }
  }, NEEDS);

  test("a stream from the web is opened as it comes", async (env) => {
    const content = pattern(700_000);
    const { bob, url } = await stored(env, content);
    const response = await fetch(url);
    assert.ok(response.body !== null);
    const opened = await decrypt(bob.c, response.body);
    same(await bytesOf(opened.content), content, "content");
    const cut = new WebDocument(bob.c.fetch, url).open();
    const first = await cut.next();
    await cut.return();
    assert.ok(first.done !== true);
    const { error } = await readUntilFailure((await decrypt(bob.c, streamOf(concat(first.value.subarray(0, 20_000))))).content);
    assert.equal((error as { code?: string }).code, "corrupt");
  }, NEEDS);

  test("a new identity stores without having documents of its own", async (env) => {
    const { document } = await stored(env, pattern(9));
    const somebodyElse = await somebody(env);
    assert.equal((await upload(somebodyElse.c, new Blob([document]))).existed, true);
  }, NEEDS);
});
