/**
 * A server of which a test has the key: it can sign and prove whatever an evil server could.
 * It knows identities and has a log, and does nothing else. The tree and its proofs are made
 * here from RFC 9162 alone, by which the core's verification is checked at the same time.
 */

import { concat } from "../../src/frame.js";
import { type Core, MemoryState } from "../../src/index.js";
import { Client, type ClientConfig } from "../../src/client/client.js";
import { fromBase64url, random, sha256, toBase64url } from "../../src/client/text.js";
import { LeafKind, Suite } from "../../src/ops.js";
import { coreOf, json } from "./cast.js";
import { utf8 } from "./bytes.js";
import type { Env } from "./registry.js";

/** The URL of every shadow; nothing listens there. */
export const SHADOW_URL = "http://shadow.example";

/** Somebody whose identity a shadow shows. */
export interface Shown {
  readonly id: string;
  readonly seed: Uint8Array;
  readonly record: Uint8Array;
}

/** Somebody who confirms checkpoints. */
export interface Witness {
  readonly name: string;
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Verifier key, as in C2SP tlog-cosignature. */
  readonly key: string;
}

/** Answers of a shadow to one request: an object of JSON. */
export type Answer = Record<string, unknown>;

/** See the module comment. */
export class Shadow {
  readonly core: Core;
  readonly seed: Uint8Array = random(32);
  readonly record: Uint8Array;
  readonly id: string;
  readonly leaves: Uint8Array[] = [];
  /** What the newest checkpoint says of its time, Unix ms. */
  time: () => number = Date.now;
  /** Who confirms it. */
  witnesses: Witness[] = [];
  /** Statement about a log that was begun anew. */
  restart: string | undefined;
  /** Changes answers before they are sent; returns one to send in place of it. */
  lie: ((path: string, answer: Answer) => Promise<Response | undefined> | Response | undefined) | undefined;
  /** Replaces the checkpoint in every answer. */
  note: ((honest: string) => string) | undefined;
  readonly #shown = new Map<string, { record: Uint8Array; version: number; index: number }>();

  private constructor(core: Core) {
    this.core = core;
    this.record = core.newService(this.seed);
    this.id = core.formatId(2, core.openService(this.record).id);
  }

  static async make(env: Env): Promise<Shadow> {
    return new Shadow(await coreOf(env));
  }

  /** A shadow with the same key and identities, and another leaf at an index of its log. */
  forked(at: number): Shadow {
    const other = Object.assign(new Shadow(this.core), { seed: this.seed, record: this.record, id: this.id });
    other.leaves.push(...this.leaves.map((leaf, i) => (i === at ? new Uint8Array(64) : leaf)));
    for (const [id, entry] of this.#shown) other.#shown.set(id, entry);
    return other;
  }

  /** Makes somebody and puts the identity into the log. */
  someone(suites: readonly number[] = [Suite.Recrypt256]): Shown {
    const seed = random(32);
    const record = this.core.newIdentity(seed, random(32), suites);
    return { seed, record, id: this.publish(record) };
  }

  /** Puts the newest version of an identity into the log, and shows it from now on. */
  publish(record: Uint8Array): string {
    const v = this.core.openIdentity(record);
    const id = this.core.formatId(1, v.id);
    const index = this.leaves.push(this.core.logLeaf(LeafKind.Identity, v.id, v.version, record)) - 1;
    this.#shown.set(id, { record, version: v.version, index });
    return id;
  }

  /** A client of this server. */
  client(of?: Pick<Shown, "seed" | "record">, more: Partial<ClientConfig> = {}): Client {
    const own = of === undefined ? {} : { seed: of.seed, identity: of.record };
    return new Client({ core: this.core, server: SHADOW_URL, state: new MemoryState(), fetch: this.fetch, ...own, ...more });
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const text = init?.body instanceof Uint8Array ? new TextDecoder().decode(init.body) : "{}";
    const honest = await this.#answer(pathname, JSON.parse(text) as Answer);
    if (honest instanceof Response) return honest;
    return (await this.lie?.(pathname, honest)) ?? json(honest, typeof honest.status === "number" ? honest.status : 200);
  };

  async #answer(path: string, body: Answer): Promise<Answer | Response> {
    const [, , a = "", b = "", older = "", newer = ""] = path.split("/");
    if (path === "/v1/server") return { id: this.id, record: toBase64url(this.record) };
    if (path === "/log/checkpoint") return new Response(await this.checkpoint());
    if (path === "/log/restart" && this.restart !== undefined) return new Response(this.restart);
    if (path === "/v1/identities/lookup") {
      const all = await Promise.all((body.ids as string[]).map((id) => this.identity(id))); // of one size, if nobody comes meanwhile
      return { identities: all.map((v) => ({ ...v, logged: { ...(v.logged as Answer), checkpoint: "" } })), checkpoint: await this.checkpoint() };
    }
    if (path === "/v1/identities") {
      return this.identity(this.publish(fromBase64url(body.record as string) ?? new Uint8Array(0)));
    }
    if (a === "identities" && this.#shown.has(b)) return this.identity(b);
    if (a === "log" && b === "consistency" && Number(newer) <= this.leaves.length) {
      return { proof: (await this.consistency(Number(older), Number(newer))).map(toBase64url) };
    }
    return { status: 404, code: "not_found", title: "not found" };
  }

  /** What get_identity answers. */
  async identity(id: string): Promise<Answer> {
    const shown = this.#shown.get(id);
    if (shown === undefined) return { id, code: "not_found" };
    return { id, version: shown.version, record: toBase64url(shown.record), logged: await this.logged(shown.index) };
  }

  /** Proves that the leaf with an index is in the log as it is now. */
  async logged(index: number): Promise<Answer> {
    const size = this.leaves.length; // which may grow meanwhile
    const proof = await this.inclusion(index, 0, size);
    return { index, proof: proof.map(toBase64url), checkpoint: await this.checkpoint(size) };
  }

  /** Returns a signed checkpoint: of the log as it is, or of its first leaves. */
  async checkpoint(size: number = this.leaves.length): Promise<string> {
    const root = btoa(String.fromCharCode(...(await this.root(0, size))));
    const body = `${this.id}\n${size}\n${root}\n`;
    const { signingKey } = this.core.openService(this.record);
    const sign = (text: string): Uint8Array => this.core.signCheckpoint(this.seed, this.record, text);
    const seconds = Math.floor(this.time() / 1000);
    let note = `${body}\n${await line(this.id, 1, signingKey, sign(body))}`;
    note += await line(this.id, 4, signingKey, concat(stamp(seconds), sign(cosigned(seconds, body))));
    for (const w of this.witnesses) {
      const signature = this.core.ed25519Sign(w.privateKey, utf8(cosigned(seconds, body)));
      note += await line(w.name, 4, w.publicKey, concat(stamp(seconds), signature));
    }
    return this.note?.(note) ?? note;
  }

  /** Makes a witness. */
  async witness(name: string): Promise<Witness> {
    const { privateKey, publicKey } = this.core.recrypt(Suite.Recrypt256).generateEd25519KeyPair();
    const hash = Array.from(await keyHash(name, 4, publicKey), (b) => b.toString(16).padStart(2, "0")).join("");
    return { name, privateKey, publicKey, key: `${name}+${hash}+${base64(concat(Uint8Array.of(4), publicKey))}` };
  }

  /** The root of the leaves from one index to another (RFC 9162 section 2.1.1). */
  async root(from: number, to: number): Promise<Uint8Array> {
    if (from === to) return sha256();
    if (to - from === 1) return sha256(Uint8Array.of(0), this.leaves[from] ?? new Uint8Array(0));
    const k = from + half(to - from);
    return sha256(Uint8Array.of(1), await this.root(from, k), await this.root(k, to));
  }

  /** The inclusion proof of a leaf (section 2.1.3.1). */
  async inclusion(index: number, from: number, to: number): Promise<Uint8Array[]> {
    if (to - from === 1) return [];
    const k = from + half(to - from);
    if (index < k) return [...(await this.inclusion(index, from, k)), await this.root(k, to)];
    return [...(await this.inclusion(index, k, to)), await this.root(from, k)];
  }

  /** The consistency proof of two sizes (section 2.1.4.1). */
  async consistency(older: number, newer: number): Promise<Uint8Array[]> {
    return older === newer ? [] : this.#subproof(older, 0, newer, true);
  }

  async #subproof(older: number, from: number, to: number, whole: boolean): Promise<Uint8Array[]> {
    if (older === to) return whole ? [] : [await this.root(from, to)];
    const k = from + half(to - from);
    if (older <= k) return [...(await this.#subproof(older, from, k, whole)), await this.root(k, to)];
    return [...(await this.#subproof(older, k, to, false)), await this.root(from, k)];
  }
}

/** The largest power of two below n. */
function half(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

function cosigned(seconds: number, body: string): string {
  return `cosignature/v1\ntime ${seconds}\n${body}`;
}

function stamp(seconds: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(seconds));
  return out;
}

async function keyHash(name: string, algorithm: number, key: Uint8Array): Promise<Uint8Array> {
  return (await sha256(utf8(`${name}\n`), Uint8Array.of(algorithm), key)).slice(0, 4);
}

async function line(name: string, algorithm: number, key: Uint8Array, signature: Uint8Array): Promise<string> {
  return `\u2014 ${name} ${base64(concat(await keyHash(name, algorithm, key), signature))}\n`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
