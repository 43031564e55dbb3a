/** Keys at rest: the kit on paper, sealing by passphrase, wraps by passkeys, and places that keep what was sealed. */

import type { State } from "../../src/client/state.js";
import { Remembered } from "../../src/client/remembered.js";
import { Core } from "../../src/core.js";
import { Engine } from "../../src/engine.js";
import { checkBackup, readBackup, writeBackup } from "../../src/keystore/backup.js";
import { Database } from "../../src/keystore/database.js";
import { IndexedDBKeyStore } from "../../src/keystore/indexeddb.js";
import { type KeyEntry, type KeyStore, KeyStoreError, type KeyStoreErrorCode } from "../../src/keystore/keystore.js";
import { MapRows, MemoryKeyStore } from "../../src/keystore/memory.js";
import { type PasskeyOutput, unwrapSeeds, wrapSeeds } from "../../src/keystore/passkey.js";
import { openSecret, passphraseBytes, sealSecret } from "../../src/keystore/passphrase.js";
import { type Kit, kitCode, kitLines, parseKit } from "../../src/kit.js";
import { SecretKind } from "../../src/ops.js";
import { assert, same } from "./assert.js";
import { concat, flip, indexOf, unbase64, utf8 } from "./bytes.js";
import { type Env, group, test } from "./registry.js";

/** A kit of `host/kit/testdata`, or texts that are none. */
interface KitVector {
  readonly name: string;
  readonly kind?: number;
  readonly suites?: readonly number[];
  readonly id?: string;
  readonly secret?: string;
  readonly server?: string;
  readonly owner?: string;
  readonly made?: string;
  readonly lines?: readonly string[];
  readonly code?: string;
  readonly texts?: readonly string[];
  readonly bad?: readonly string[];
  readonly error?: string;
}

/** The floor of the core, so that tests do not take long. */
const FLOOR = { memory: 19456, passes: 2 };

/** What an error must be. */
const failure = (code: KeyStoreErrorCode): ((e: unknown) => boolean) => (e) => e instanceof KeyStoreError && e.code === code;

const bytes = (n: number, first: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: n }, (_, i) => (first + i) & 0xff);

const loadCore = async (env: Env): Promise<{ core: Core; engine: Engine }> => {
  const engine = await Engine.load(await env.module());
  return { core: new Core(engine), engine };
};

group("kit", () => {
  test("vectors", async (env, step) => {
    for (const v of await env.json<KitVector[]>("host/kit/testdata/kits.json")) await step(v.name, () => checkKit(v));
  });

  test("what cannot be written", async () => {
    const good: Kit = { kind: SecretKind.Seed, suites: [1], id: bytes(32, 1), secret: bytes(32, 2), server: "https://a.example", name: "a", made: Date.UTC(2027, 1, 1) };
    await kitLines(good);
    const bad: Partial<Kit>[] = [
      { kind: SecretKind.Service }, { suites: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, { id: bytes(31, 1) }, { secret: bytes(33, 1) },
      { server: "a".repeat(101) }, { name: "a".repeat(65) }, { name: "é".repeat(33) }, { name: "a\nb" }, { name: "a\u202eb" },
      { made: Date.UTC(1999, 11, 31) }, { made: Date.UTC(2180, 0, 1) }, { made: NaN },
    ];
    for (const b of bad) await assert.rejects(kitLines({ ...good, ...b }), TypeError, JSON.stringify(Object.keys(b)));
  });

  test("hostile texts", async () => {
    for (const text of ["A".repeat((64 << 10) + 1), `1. ${"0".repeat(28)}\n`.repeat(17), "\ud800".repeat(28), "1.\n2.\n3."]) {
      await assert.rejects(parseKit(text), failure("kit"));
    }
  });
});

async function checkKit(v: KitVector): Promise<void> {
  for (const text of v.bad ?? []) {
    const said = (e: unknown): boolean => failure("kit")(e) && (e as Error).message.includes(v.error ?? "?");
    await assert.rejects(parseKit(text), said, text.slice(0, 60));
  }
  if (v.kind === undefined) return;
  const kit: Kit = {
    kind: v.kind, suites: v.suites ?? [], id: unbase64(v.id ?? ""), secret: unbase64(v.secret ?? ""), server: v.server ?? "",
    name: v.owner ?? "", made: Date.parse(`${v.made ?? ""}T00:00:00Z`),
  };
  const lines = await kitLines(kit);
  assert.deepEqual(lines, v.lines);
  assert.equal(kitCode(lines), v.code);
  assert.deepEqual(await kitLines({ ...kit, made: kit.made + 86399_999 }), v.lines, "only the day counts");
  for (const text of [...(v.texts ?? []), lines.join("\n"), v.code ?? ""]) assert.deepEqual(await parseKit(text), kit);
}

group("passphrase", () => {
  test("seals and opens", async (env) => {
    const { core } = await loadCore(env);
    const secret = bytes(32, 5);
    const passphrase = passphraseBytes("pâssword", "weak");
    const sealed = sealSecret(core, passphrase, SecretKind.Seed, secret, FLOOR);
    same(openSecret(core, passphrase, SecretKind.Seed, sealed), secret, "secret");
    same(openSecret(core, passphraseBytes("pa\u0302ssword", "passphrase"), SecretKind.Seed, sealed), secret, "typed another way");
    same(openSecret(core, passphraseBytes(utf8("pa\u0302ssword"), "passphrase"), SecretKind.Seed, sealed), secret, "as bytes");
    assert.throws(() => openSecret(core, utf8("password"), SecretKind.Seed, sealed), failure("passphrase"));
    assert.throws(() => openSecret(core, passphrase, SecretKind.Recovery, sealed), failure("damaged"));
    for (let at = 0; at < sealed.length; at += 7) {
      assert.throws(() => openSecret(core, passphrase, SecretKind.Seed, flip(sealed, at)), KeyStoreError, `byte ${at}`);
    }
    assert.throws(() => openSecret(core, passphrase, SecretKind.Seed, sealed.subarray(1)), failure("damaged"));
    const open = core.sealSeed(new Uint8Array(0), SecretKind.Seed, secret, 0, 0);
    assert.throws(() => openSecret(core, passphrase, SecretKind.Seed, open), failure("damaged"), "one that needs none in its place");
  });

  test("never below the floor", async (env) => {
    const { core } = await loadCore(env);
    const seal = (memory: number, passes: number) => () => sealSecret(core, utf8("p"), SecretKind.Seed, bytes(32, 1), { memory, passes });
    assert.throws(seal(19455, 2), failure("weak"));
    assert.throws(seal(19456, 1), failure("weak"));
    assert.throws(seal(0, 0), failure("weak"));
    assert.throws(seal(65537, 2), RangeError);
    assert.throws(() => sealSecret(core, new Uint8Array(0), SecretKind.Seed, bytes(32, 1), { memory: 0, passes: 0 }), failure("weak"));
  });

  test("unusable ones", () => {
    for (const p of ["", new Uint8Array(0), "a".repeat(1025), "\ud800", Uint8Array.of(0xff)]) {
      assert.throws(() => passphraseBytes(p, "weak"), failure("weak"));
      assert.throws(() => passphraseBytes(p, "passphrase"), failure("passphrase"));
    }
    assert.equal(passphraseBytes("a".repeat(1024), "weak").length, 1024);
  });
});

group("passkey wraps", () => {
  const id = `rid1${"q".repeat(58)}`;
  const said = (): PasskeyOutput => ({ credential: bytes(20, 9), input: bytes(32, 40), output: bytes(32, 80) });

  test("wraps and opens", async () => {
    for (const seeds of [{ seed: bytes(32, 1) }, { seed: bytes(32, 1), recovery: bytes(32, 2) }]) {
      const first = said();
      const wrap = await wrapSeeds(first, id, seeds);
      assert.ok(first.output.every((b) => b === 0), "what the authenticator said is overwritten");
      const again = said();
      assert.deepEqual(await unwrapSeeds(again, id, [wrap]), seeds);
      assert.ok(again.output.every((b) => b === 0));
      assert.notDeepEqual((await wrapSeeds(said(), id, seeds)).sealed, wrap.sealed, "twice the same");
    }
  });

  test("nothing else opens it", async () => {
    const wrap = await wrapSeeds(said(), id, { seed: bytes(32, 1) });
    const other = { ...said(), output: bytes(32, 81) };
    await assert.rejects(unwrapSeeds(other, id, [wrap]), failure("passkey"), "another output");
    await assert.rejects(unwrapSeeds(said(), id.replace("q", "p"), [wrap]), failure("passkey"), "another identity's");
    await assert.rejects(unwrapSeeds({ ...said(), credential: bytes(20, 10) }, id, [wrap]), failure("passkey"), "another credential");
    await assert.rejects(unwrapSeeds({ ...said(), output: bytes(16, 1) }, id, [wrap]), failure("passkey"), "a short output");
    await assert.rejects(unwrapSeeds(said(), id, []), failure("passkey"), "none");
    const relabelled = { ...wrap, credential: bytes(20, 10) };
    await assert.rejects(unwrapSeeds({ ...said(), credential: bytes(20, 10) }, id, [relabelled]), failure("passkey"), "relabelled");
    for (let at = 0; at < wrap.sealed.length; at += 5) {
      await assert.rejects(unwrapSeeds(said(), id, [{ ...wrap, sealed: flip(wrap.sealed, at) }]), failure("passkey"), `byte ${at}`);
    }
    await assert.rejects(unwrapSeeds(said(), id, [{ ...wrap, nonce: flip(wrap.nonce, 0) }]), failure("passkey"));
  });
});

group("backup file", () => {
  const seed = bytes(32, 1);
  const backup = {
    name: "alice", id: `rid1${"q".repeat(58)}`, server: "https://a.example/<&>\u2028", serverId: `rsv1${"q".repeat(58)}`,
    record: bytes(100, 3), seed: bytes(90, 4), recovery: bytes(90, 5), state: { heads: { x: { sequence: 1, hash: "AA" } } },
  };

  test("comes back", async () => {
    const text = await writeBackup(backup, seed);
    assert.ok(!/[<&\u2028]/.test(text));
    const read = readBackup(text);
    await checkBackup(read, seed);
    const { content, check, ...rest } = read;
    assert.ok(content.length > 0 && check.length === 32);
    assert.deepEqual(rest, backup);
    await assert.rejects(checkBackup(read, bytes(32, 2)), failure("backup"), "of another seed");
  });

  test("changed, or none", async () => {
    const text = await writeBackup(backup, seed);
    for (const [old, with_] of [["alice", "alicf"], ['"sequence":1', '"sequence":0'], ["rid1", "rid2"], ['"state"', '"stbte"']] as const) {
      const changed = text.replace(old, with_);
      assert.notEqual(changed, text);
      await assert.rejects(Promise.resolve().then(() => checkBackup(readBackup(changed), seed)), failure("backup"), old);
    }
    for (const none of ["", "{}", "null", text.slice(0, -3), `${text}x`, text.replace("identity v1", "identity v2"), text.replace("{", "[")]) {
      assert.throws(() => readBackup(none), failure("backup"), none.slice(0, 30));
    }
  });
});

/** An entry for tests of stores, in which nothing has to open. */
const entry = (name: string, first: number, more: Partial<KeyEntry> = {}): KeyEntry => ({
  id: `rid1${name}`, name, server: "https://a.example", serverId: "rsv1a", record: bytes(200, first), seed: bytes(90, first + 1),
  recovery: bytes(90, first + 2), wraps: [{ credential: bytes(16, 1), input: bytes(32, 2), nonce: bytes(12, 3), sealed: bytes(48, 4) }],
  created: 1_800_000_000_000, revision: 0, ...more,
});

/** What every store does. */
async function checkStore(store: KeyStore): Promise<void> {
  assert.deepEqual(await store.list(), []);
  assert.equal(await store.get("rid1alice"), undefined);
  const [alice, bob] = [entry("alice", 1), entry("bob", 50)];
  await store.put(alice);
  await store.put(bob);
  assert.deepEqual(await store.get("rid1alice"), alice);
  assert.deepEqual((await store.list()).sort((a, b) => (a.id < b.id ? -1 : 1)), [alice, bob]);
  await assert.rejects(store.put(alice), failure("exists"));
  await assert.rejects(store.put(entry("alice", 9, { id: "rid1other" })), failure("exists"), "the name is taken");
  await assert.rejects(store.put({ ...bob, name: "alice", revision: 1 }), failure("exists"), "renamed to a name that is taken");
  await assert.rejects(store.put(entry("carol", 9, { revision: 1 })), failure("not_found"));
  const next = { ...alice, record: bytes(300, 1), revision: 1 };
  await store.put(next);
  await assert.rejects(store.put({ ...alice, record: bytes(301, 1), revision: 1 }), failure("conflict"), "another tab was faster");
  assert.deepEqual(await store.get("rid1alice"), next);
  const races = await Promise.allSettled([2, 2, 2].map((revision) => store.put({ ...alice, revision })));
  assert.equal(races.filter((r) => r.status === "fulfilled").length, 1, "one of three at once wins");
  await store.state("rid1alice").pinServer("https://a.example", bytes(10, 1));
  await store.state("rid1bob").pinServer("https://a.example", bytes(10, 2));
  await store.remove("rid1alice");
  await store.remove("rid1alice");
  assert.equal(await store.get("rid1alice"), undefined);
  assert.equal(await store.state("rid1alice").pinnedServer("https://a.example"), undefined, "what it remembered is gone");
  same((await store.state("rid1bob").pinnedServer("https://a.example")) ?? bytes(0, 0), bytes(10, 2), "the other's");
}

/** What every state does; `state` is empty. */
async function checkState(state: State): Promise<void> {
  const [name, hash, owner] = [bytes(16, 1), bytes(32, 2), bytes(32, 3)];
  assert.equal(await state.head(name), undefined);
  await state.setHead(name, 5, hash);
  await state.setHead(name, 4, bytes(32, 9));
  await state.setHead(name, 5, bytes(32, 9));
  assert.deepEqual(await state.head(name), { sequence: 5, hash });
  await state.setEpochHead(owner, name, 1, 7, hash);
  await state.setEpochHead(owner, name, 1, 6, owner);
  assert.deepEqual(await state.epochHead(owner, name, 1), { sequence: 7, hash });
  assert.equal(await state.epochHead(hash, name, 1), undefined);
  assert.equal(await state.epochHead(owner, name, 2), undefined);

  const shown = (id: string, records: Uint8Array, known?: Uint8Array): { id: string; version: number; records: Uint8Array; known: Uint8Array | undefined } => ({ id, version: 1, records, known });
  assert.equal(await state.swapIdentities("rsv1a", [shown("rid1b", bytes(9, 1)), shown("rid1a", bytes(9, 2))]), true);
  assert.equal(await state.swapIdentities("rsv1a", [shown("rid1c", bytes(9, 3)), shown("rid1a", bytes(9, 4))]), false, "known already");
  assert.equal(await state.identity("rsv1a", "rid1c"), undefined, "all or none");
  assert.equal(await state.swapIdentities("rsv1a", [shown("rid1a", bytes(9, 4), bytes(9, 2))]), true);
  assert.deepEqual(await state.identity("rsv1a", "rid1a"), { id: "rid1a", version: 1, records: bytes(9, 4) });
  assert.deepEqual((await state.identities("rsv1a")).map((s) => s.id), ["rid1a", "rid1b"]);
  assert.deepEqual(await state.identities("rsv1"), []);

  assert.equal(await state.swapCheckpoint("rsv1a", undefined, bytes(20, 1)), true);
  assert.equal(await state.swapCheckpoint("rsv1a", undefined, bytes(20, 2)), false);
  const swaps = await Promise.all([3, 4, 5, 6].map((n) => state.swapCheckpoint("rsv1a", bytes(20, 1), bytes(20, n))));
  assert.equal(swaps.filter(Boolean).length, 1, "one of four at once wins");
  const won = swaps.indexOf(true) + 3;
  same((await state.checkpoint("rsv1a")) ?? bytes(0, 0), bytes(20, won), "checkpoint");

  await state.setConfirmed("rid1a", bytes(32, 7));
  await state.setCompared("rid1a", bytes(32, 8));
  same((await state.confirmed("rid1a")) ?? bytes(0, 0), bytes(32, 7), "confirmed");
  same((await state.compared("rid1a")) ?? bytes(0, 0), bytes(32, 8), "compared");
  await state.setPolicy("rsv1a", { quorum: 1, witnesses: ["a+1+b"] });
  assert.deepEqual(await state.policy("rsv1a"), { quorum: 1, witnesses: ["a+1+b"] });
  await state.setPolicy("rsv1a", undefined);
  assert.equal(await state.policy("rsv1a"), undefined);
}

group("key store in memory", () => {
  test("keeps entries", () => checkStore(new MemoryKeyStore()));
  test("keeps what is remembered", () => checkState(new MemoryKeyStore().state("rid1a")));
  test("hands out copies", async () => {
    const store = new MemoryKeyStore();
    await store.put(entry("alice", 1));
    (await store.get("rid1alice"))?.seed?.fill(0);
    assert.deepEqual((await store.get("rid1alice"))?.seed, bytes(90, 2));
  });
});

group("remembered", () => {
  test("goes from device to device", async () => {
    const one = new Remembered(new MapRows());
    await checkState(one);
    const dumped = JSON.parse(JSON.stringify(await one.dump())) as Record<string, unknown>;
    const other = new Remembered(new MapRows());
    await other.load(dumped);
    assert.deepEqual(await other.dump(), dumped);
    assert.deepEqual(await other.head(bytes(16, 1)), { sequence: 5, hash: bytes(32, 2) });
    assert.deepEqual(await other.identity("rsv1a", "rid1a"), { id: "rid1a", version: 1, records: bytes(9, 4) });
    const kept = { marks: { rsv1a: "AAEC" }, restarts: { rsv1a: "AAEC" }, versions: { "rsv1a/rid1a": 2 }, unknown: { x: 1 } };
    await other.load(kept);
    const { marks, restarts } = await other.dump();
    assert.deepEqual({ marks, restarts }, { marks: kept.marks, restarts: kept.restarts }, "what the command line keeps");
  });

  test("refuses what is damaged", async () => {
    const bad: unknown[] = [
      null, [], "x", { heads: [] }, { heads: { a: { sequence: -1, hash: "AA" } } }, { heads: { a: { sequence: 1, hash: "AA" } } },
      { servers: { a: "!" } }, { servers: { a: 1 } }, { checkpoints: { a: 1 } }, { policies: { a: { quorum: 1, witnesses: [1] } } },
      { identities: { a: { version: 1.5, records: "AA" } } },
    ];
    for (const b of bad) {
      const state = new Remembered(new MapRows());
      await assert.rejects(state.load(b), TypeError, JSON.stringify(b));
      assert.deepEqual(await state.dump(), {}, "nothing was taken over");
    }
  });
});

/** Deletes a database of a test. */
function drop(name: string): Promise<void> {
  return new Promise((done, failed) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = (): void => { done(); };
    request.onerror = (): void => { failed(new Error("the database was not deleted")); };
  });
}

group("key store in IndexedDB", () => {
  const needs = { needs: ["indexeddb" as const] };

  const inStore = async (work: (store: IndexedDBKeyStore, name: string) => Promise<void>): Promise<void> => {
    const name = `test ${Math.random()}`;
    const store = new IndexedDBKeyStore(name);
    try {
      await work(store, name);
    } finally {
      store.close();
      await drop(name);
    }
  };

  test("keeps entries", () => inStore(checkStore), needs);
  test("keeps what is remembered", () => inStore((store) => checkState(store.state("rid1a"))), needs);

  test("two tabs", () => inStore(async (one, name) => {
    const other = new IndexedDBKeyStore(name);
    await one.put(entry("alice", 1));
    assert.deepEqual(await other.list(), [entry("alice", 1)]);
    await other.put(entry("alice", 3, { revision: 1 }));
    await assert.rejects(one.put(entry("alice", 5, { revision: 1 })), failure("conflict"));
    const name2 = bytes(16, 1);
    await Promise.all([1, 2, 3, 4, 5, 6].map((n) => (n % 2 === 0 ? one : other).state("rid1alice").setHead(name2, n, bytes(32, n))));
    assert.equal((await one.state("rid1alice").head(name2))?.sequence, 6);
    other.close();
    await assert.rejects(other.list(), failure("unavailable"));
    assert.equal((await one.list()).length, 1);
  }), needs);

  test("survives its end", () => inStore(async (store, name) => {
    await store.put(entry("alice", 1));
    await drop(name); // as another tab or the browser does: the connection gives way
    assert.deepEqual(await store.list(), []);
    await store.put(entry("alice", 1));
    assert.equal((await store.list()).length, 1);
  }), needs);

  test("a newer version of the page", () => inStore(async (store, name) => {
    await store.put(entry("alice", 1));
    const newer = await new Promise<IDBDatabase>((done) => {
      const request = indexedDB.open(name, 2);
      request.onsuccess = (): void => { done(request.result); };
    });
    await assert.rejects(store.list(), (e) => failure("unavailable")(e) && (e as Error).message.includes('reload'));
    newer.close();
  }), needs);

  test("kept from opening by another tab", () => inStore(async (store, name) => {
    const rude = await new Promise<IDBDatabase>((done) => {
      const request = indexedDB.open(name, 1); // gives way to nobody
      request.onsuccess = (): void => { done(request.result); };
    });
    const deleting = drop(name);
    await assert.rejects(store.list(), (e) => failure("unavailable")(e) && (e as Error).message.includes('other tabs'));
    rude.close();
    await deleting;
  }), needs);

  test("damaged entries", () => inStore(async (store, name) => {
    await store.put(entry("alice", 1));
    const db = new Database(name);
    for (const bad of [{ id: "rid1x" }, { ...entry("bob", 1), record: "x" }, { ...entry("carol", 1), wraps: [1] }]) {
      await db.run("identities", "readwrite", (s) => { s.put(bad); return Promise.resolve(); });
      await assert.rejects(store.get(bad.id), failure("damaged"));
    }
    db.close();
    assert.deepEqual((await store.list()).map((e) => e.name), ["alice"]);
    await store.put(entry("dave", 4));
    await store.remove("rid1x");
  }), needs);

  test("a transaction happens or does not", () => inStore(async (store, name) => {
    await store.put(entry("alice", 1));
    const db = new Database(name);
    await assert.rejects(db.run("identities", "readwrite", async (s) => {
      s.clear();
      await Promise.resolve();
      throw new RangeError("no");
    }), RangeError);
    assert.equal((await store.list()).length, 1);
    db.close();
  }), needs);

  test("copied to another profile (H4)", (env) => inStore(async (store) => {
    const { core } = await loadCore(env);
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const sealed = sealSecret(core, utf8("correct"), SecretKind.Seed, seed, FLOOR);
    const wrap = await wrapSeeds({ credential: bytes(16, 1), input: bytes(32, 2), output: bytes(32, 3) }, "rid1alice", { seed });
    await store.put(entry("alice", 1, { seed: sealed, wraps: [wrap] }));
    const [copied] = await store.list(); // all that is in the database
    assert.ok(copied !== undefined);
    const all = concat(copied.record, copied.seed ?? bytes(0, 0), copied.recovery ?? bytes(0, 0), ...copied.wraps.flatMap((w) => Object.values(w) as Uint8Array[]));
    assert.equal(indexOf(all, seed), -1, "the seed is not in it");
    assert.throws(() => openSecret(core, utf8("guess"), SecretKind.Seed, copied.seed ?? all), failure("passphrase"));
    await assert.rejects(unwrapSeeds({ credential: bytes(16, 1), input: bytes(32, 2), output: bytes(32, 4) }, "rid1alice", copied.wraps), failure("passkey"));
  }), needs);
});

group("without IndexedDB", () => {
  test("says so", async (env) => {
    if (env.has.has("indexeddb")) return;
    await assert.rejects(new IndexedDBKeyStore().list(), failure("unavailable"));
  });
});
