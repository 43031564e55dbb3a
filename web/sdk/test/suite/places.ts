/** Reads files of vectors: both JSON schemas, told apart by what is inside. */

import { base64, concat, fromUtf8, hex, unbase64, unhex } from "./bytes.js";
import type { Env } from "./registry.js";

/** What JSON.parse gives. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * "peer" is the schema of spec section 15, "native" the hexadecimal one, "kat" and "derived" those of known answers
 * and derived values; "decisions" has a test of its own.
 */
export type Schema = "peer" | "native" | "kat" | "derived" | "decisions" | "unknown";

/** p and r of a suite (spec section 3), from u. */
export function parameters(suite: number): { p: bigint; r: bigint } {
  const u = suite === 2 ? 0x688297affda9fc13d8355a33558259n : 0x5a76ae9aec588301n;
  const r = 36n * u ** 4n + 36n * u ** 3n + 18n * u ** 2n + 6n * u + 1n;
  return { p: r + 6n * u ** 2n, r };
}

/** n of a suite: the length in bytes of a field element and of a private key. */
export function sizeOfField(suite: number): number {
  return suite === 2 ? 60 : 32;
}

/** One file of vectors. */
export class VectorFile {
  readonly name: string;
  readonly schema: Schema;
  /** Number of the suite, 0 if it cannot be told. */
  readonly suite: number;
  readonly root: Place;

  constructor(name: string, content: string) {
    const top = camelKeys(JSON.parse(content) as Json);
    if (!isObject(top)) throw new Error("not an object");
    this.name = name;
    this.schema = schemaOf(top);
    this.suite = suiteOf(top.curveBits ?? (isObject(top.about) ? (top.about.size ?? null) : null)) || suiteByLength(top, this.encoding);
    this.root = new Place(top, name, this.encoding);
  }

  /** How byte strings are written. */
  get encoding(): "hex" | "base64" {
    return this.schema === "peer" ? "base64" : "hex";
  }

  /** n: the length in bytes of a field element and of a private key. */
  get fieldSize(): number {
    return sizeOfField(this.suite);
  }

  /** The scalar that a private key of the peer acts as (spec section 5); 0 for the keys that are no use. */
  scalar(key: Uint8Array): bigint {
    const { p, r } = parameters(this.suite);
    return (toNumber(key) % p) % r;
  }

  /** Writes a scalar as a private key. */
  privateKey(scalar: bigint): Uint8Array {
    return toBytes(scalar, this.fieldSize);
  }
}

/** Returns the JSON files of a folder, or why one cannot be read. */
export async function readFolder(env: Env, folder: string): Promise<{ name: string; file?: VectorFile; error?: unknown }[]> {
  const entries = [...((await env.folder(folder)) ?? [])].filter(([entry]) => /^[^/]*\.json$/.test(entry));
  return entries.map(([entry, content]) => {
    const name = entry.slice(0, -".json".length);
    try {
      return { name, file: new VectorFile(name, fromUtf8(content)) };
    } catch (error) {
      return { name, error };
    }
  });
}

/** Returns the number that big-endian bytes mean. */
export function toNumber(bytes: Uint8Array): bigint {
  return BigInt("0x00" + hex(bytes));
}

/** Returns a number as n big-endian bytes. */
export function toBytes(value: bigint, n: number): Uint8Array {
  return unhex(value.toString(16).padStart(2 * n, "0"));
}

/** A place in a file. Its methods throw if the file does not hold what they want. */
export class Place {
  readonly #value: Json;
  readonly #at: string;
  readonly #encoding: "hex" | "base64";

  constructor(value: Json, at: string, encoding: "hex" | "base64") {
    this.#value = value;
    this.#at = at;
    this.#encoding = encoding;
  }

  fail(why: string): never {
    throw new Error(`malformed vector: ${this.#at}: ${why}`);
  }

  names(): string[] {
    return isObject(this.#value) ? Object.keys(this.#value) : this.fail("not an object");
  }

  has(key: string): boolean {
    return isObject(this.#value) && this.#value[key] !== undefined && this.#value[key] !== null;
  }

  get(key: string): Place {
    const value = isObject(this.#value) ? this.#value[key] : undefined;
    if (value === undefined) this.fail(`no ${key}`);
    return new Place(value, `${this.#at}.${key}`, this.#encoding);
  }

  list(): Place[] {
    if (!Array.isArray(this.#value)) this.fail("not a list");
    return this.#value.map((v, i) => new Place(v, `${this.#at}[${i}]`, this.#encoding));
  }

  /** The list at a key, or an empty one. */
  listAt(key: string): Place[] {
    return this.has(key) ? this.get(key).list() : [];
  }

  string(): string {
    return typeof this.#value === "string" ? this.#value : this.fail("not a string");
  }

  number(): number {
    return typeof this.#value === "number" ? this.#value : this.fail("not a number");
  }

  /** The value, if it is a truth value. */
  truth(): boolean | undefined {
    return typeof this.#value === "boolean" ? this.#value : undefined;
  }

  isObject(): boolean {
    return isObject(this.#value);
  }

  bytes(): Uint8Array {
    const text = this.string();
    const [read, write] = this.#encoding === "hex" ? [unhex, hex] : [unbase64, base64];
    const bytes = read(text);
    if (write(bytes) !== text) this.fail("badly encoded");
    return bytes;
  }

  bytesAt(key: string): Uint8Array | undefined {
    return this.has(key) ? this.get(key).bytes() : undefined;
  }

  /** A list of byte strings, one after the other. */
  joined(): Uint8Array {
    return concat(...this.list().map((p) => p.bytes()));
  }

  /** The index in "key_pairs[1]". */
  index(): number {
    const m = /^\w+\[(\d+)\]$/.exec(this.string());
    return m ? Number(m[1]) : this.fail("not a reference");
  }

  /** A name of a case, whichever way the schema writes it. */
  caseName(): string {
    for (const key of ["id", "case", "input"]) {
      const value = isObject(this.#value) ? this.#value[key] : undefined;
      if (typeof value === "string") return key === "input" ? `edge-${value}` : value;
      if (typeof value === "number") return `case-${value}`;
    }
    return this.#at;
  }

  /** A point {x, y}. */
  point(): Uint8Array {
    return concat(this.get("x").bytes(), this.get("y").bytes());
  }

  /** An encrypted value in the encoding of the boundary. */
  encryptedValue(): Uint8Array {
    const blocks = this.get("transformBlocks").list().flatMap((b) => [
      b.get("publicKey").point(),
      b.get("encryptedTempKey").bytes(),
      b.get("randomTransformPublicKey").point(),
      b.get(b.has("randomTransformEncryptedTempKey") ? "randomTransformEncryptedTempKey" : "encryptedRandomTransformTempKey").bytes(),
    ]);
    return concat(
      this.get("ephemeralPublicKey").point(),
      this.get("encryptedMessage").bytes(),
      this.get("authHash").bytes(),
      ...blocks,
      this.get("publicSigningKey").bytes(),
      this.get("signature").bytes(),
    );
  }

  /** A transform key in the encoding of the boundary. */
  transformKey(): Uint8Array {
    const rest = ["encryptedTempKey", "hashedTempKey", "publicSigningKey", "signature"];
    return concat(this.get("ephemeralPublicKey").point(), this.get("toPublicKey").point(), ...rest.map((key) => this.get(key).bytes()));
  }
}

function isObject(v: Json | undefined): v is Record<string, Json> {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

function schemaOf(top: Record<string, Json>): Schema {
  const cases = Array.isArray(top.cases);
  if (top.curveBits !== undefined && (cases || Array.isArray(top.privateKeyEdges))) return "native";
  if ((cases || Array.isArray(top.negative)) && typeof top.about !== "string") return "peer";
  if (Array.isArray(top.vectors) && typeof top.about !== "string") return "kat";
  if (isObject(top["256"]) && top["256"].gamma !== undefined) return "derived";
  return Array.isArray(top.decisions) ? "decisions" : "unknown";
}

function suiteOf(size: Json): number {
  if (size === 256 || size === "256") return 1;
  return size === 480 || size === "480" ? 2 : 0;
}

/** Guesses the suite from the first private key or public coordinate in the file. */
function suiteByLength(v: Json | undefined, encoding: "hex" | "base64"): number {
  if (Array.isArray(v)) return v.reduce<number>((suite, x) => suite || suiteByLength(x, encoding), 0);
  if (!isObject(v)) return 0;
  for (const key of ["privateKey", "privateKeyA", "x"]) {
    const value = v[key];
    const length = typeof value === "string" ? (encoding === "hex" ? unhex : unbase64)(value).length : 0;
    if (length === 32 || length === 60) return length === 32 ? 1 : 2;
  }
  return ["keys", "cases", "negative", "args", "A", "B", "encryptedValue", "ephemeralPublicKey", "publicKey"].reduce(
    (suite, key) => suite || suiteByLength(v[key], encoding),
    0,
  );
}

/** Turns private_key into privateKey in every object. */
function camelKeys(v: Json): Json {
  if (Array.isArray(v)) return v.map(camelKeys);
  if (!isObject(v)) return v;
  const camel = (key: string): string => key.replaceAll(/_+([a-z0-9])/g, (_, c: string) => c.toUpperCase());
  return Object.fromEntries(Object.entries(v).map(([key, x]) => [camel(key), camelKeys(x)]));
}
