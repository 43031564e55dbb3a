/**
 * Reads the frozen vectors of `wasm/vectors`, the twin of that Go package's
 * parser. Their format is described in `wasm/vectors/README.md`.
 */

import { pack, Status } from "../../src/index.js";
import { concat, fromUtf8, unhex } from "./bytes.js";

/** Where the vectors are in the repository. */
export const FOLDER = "wasm/vectors/v1";

const FIRST_LINE = "recrypt vector 1";

/** The names of statuses in files. */
const STATUSES: Readonly<Record<string, Status>> = {
  ok: Status.OK,
  malformed: Status.Malformed,
  signature: Status.Signature,
  decrypt: Status.Decrypt,
  passphrase: Status.Passphrase,
  mismatch: Status.Mismatch,
  suite: Status.Suite,
  "too-large": Status.TooLarge,
  weak: Status.Weak,
  operation: Status.Operation,
};

/** An argument or a result. */
export interface Field {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A call of the core and what must become of it. */
export interface CallVector {
  readonly kind: "call";
  readonly name: string;
  readonly twin: string | undefined;
  readonly op: number;
  readonly args: readonly Field[];
  readonly request: Uint8Array;
  /** What the operation draws, if the vector says so. */
  readonly random: Uint8Array | undefined;
  readonly expect: Status;
  readonly results: readonly Field[];
}

/** An encrypted file and what a reader must make of it. */
export interface DocumentVector {
  readonly kind: "document";
  readonly name: string;
  readonly twin: string | undefined;
  readonly key: Uint8Array;
  readonly file: Uint8Array;
  /** "ok", or the step that fails. */
  readonly expect: string;
  /** How many bytes of plaintext may come out, and their SHA-256. */
  readonly released: number;
  readonly sha256: Uint8Array;
}

/** One vector. */
export type Vector = CallVector | DocumentVector;

interface Line {
  readonly key: string;
  readonly pieces: string[];
}

/** The files of the folder. */
export class Vectors {
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #prefix: string;
  readonly #twins = new Map<string, Vector>();

  /** @param prefix - what stands before the names of the files in those of the vectors */
  constructor(files: ReadonlyMap<string, Uint8Array>, prefix = "") {
    this.#files = files;
    this.#prefix = prefix;
  }

  /** The names of all vectors, sorted. */
  names(): string[] {
    return [...this.#files.keys()].filter((path) => path.endsWith(".txt")).map((path) => path.slice(0, -4)).sort();
  }

  /** Reads the vector of a name. */
  read(name: string): Vector {
    const vector = new Parser(this, split(fromUtf8(this.file(`${name}.txt`)))).vector();
    if (vector.name !== this.#prefix + name) throw new Error(`${name} has another name inside`);
    return vector;
  }

  /** Reads a vector that others name as their twin. */
  twin(name: string): Vector {
    const vector = this.#twins.get(name) ?? this.read(name);
    this.#twins.set(name, vector);
    return vector;
  }

  /** The bytes of a file. */
  file(path: string): Uint8Array {
    return this.#files.get(path) ?? none();
  }
}

function split(text: string): Line[] {
  const [first, ...rest] = text.split("\n");
  if (first !== FIRST_LINE || rest.pop() !== "") throw new Error("not a vector");
  const lines: Line[] = [];
  for (const line of rest) {
    if (line.startsWith("  ")) {
      const last = lines.at(-1);
      if (last === undefined) throw new Error("continuation of nothing");
      last.pieces.push(line.slice(2));
      continue;
    }
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`not a field: ${line}`);
    lines.push({ key: line.slice(0, colon), pieces: line.length > colon + 1 ? [line.slice(colon + 2)] : [] });
  }
  return lines;
}

class Parser {
  readonly #vectors: Vectors;
  readonly #lines: Line[];
  #twin: string | undefined;

  constructor(vectors: Vectors, lines: Line[]) {
    this.#vectors = vectors;
    this.#lines = lines;
  }

  vector(): Vector {
    const name = this.#need("name");
    this.#need("about");
    this.#may("suite");
    const operation = this.#need("operation");
    this.#twin = this.#may("twin");
    const common = { name, twin: this.#twin };
    const vector: Vector = operation === "document" ? { kind: "document", ...common, ...this.#document() } : { kind: "call", ...common, op: Number(operation.split(" ")[0]), ...this.#call() };
    if (this.#lines.length > 0) throw new Error(`field ${this.#lines[0]?.key ?? ""} is not expected there`);
    return vector;
  }

  #call(): Omit<CallVector, "kind" | "name" | "twin" | "op"> {
    const raw = this.#bytes("request");
    const args = this.#fields("arg ");
    const random = this.#bytes("random");
    const expect = STATUSES[this.#need("expect")];
    if (expect === undefined) throw new Error("unknown status");
    const request = raw ?? pack(...args.map((a) => a.bytes));
    return { args, request, random, expect, results: this.#fields("result ") };
  }

  #document(): Omit<DocumentVector, "kind" | "name" | "twin"> {
    const key = this.#bytes("key") ?? none();
    const file = this.#bytes("file") ?? none();
    const expect = this.#need("expect");
    return { key, file, expect, released: Number(this.#need("released")), sha256: this.#bytes("sha256") ?? none() };
  }

  #next(key: string): Line | undefined {
    return this.#lines[0]?.key === key ? this.#lines.shift() : undefined;
  }

  #may(key: string): string | undefined {
    return this.#next(key)?.pieces[0];
  }

  #need(key: string): string {
    return this.#may(key) ?? none();
  }

  #bytes(key: string): Uint8Array | undefined {
    const line = this.#next(key);
    return line && this.#value(line, key);
  }

  #fields(prefix: string): Field[] {
    const fields: Field[] = [];
    for (let line = this.#lines[0]; line?.key.startsWith(prefix) === true; line = this.#lines[0]) {
      this.#lines.shift();
      const name = line.key.slice(prefix.length);
      fields.push({ name, bytes: this.#value(line, name) });
    }
    return fields;
  }

  #value(line: Line, name: string): Uint8Array {
    return concat(...line.pieces.map((piece) => this.#piece(piece, name)));
  }

  #piece(piece: string, name: string): Uint8Array {
    if (piece.startsWith('"')) return Uint8Array.from(piece.slice(1, -1), (c) => c.charCodeAt(0));
    if (piece.startsWith("@")) return this.#reference(piece.slice(1), name);
    const [digits, count] = piece.split(" * ");
    if (!/^([0-9a-f]{2})+$/.test(digits ?? "")) throw new Error("a piece is not hexadecimal");
    const bytes = unhex(digits ?? "");
    if (count === undefined) return bytes;
    const all = new Uint8Array(bytes.length * Number(count));
    for (let at = 0; at < all.length; at += bytes.length) all.set(bytes, at);
    return all;
  }

  #reference(reference: string, name: string): Uint8Array {
    const [source = "", bounds] = reference.split(" ");
    const bytes = source === "twin" ? this.#ofTwin(name) : this.#vectors.file(`${source}.bin`);
    if (bounds === undefined) return bytes;
    const [from, to] = bounds.split(":").map(Number);
    if (from === undefined || to === undefined || !(from <= to && to <= bytes.length)) throw new Error("a reference has no good bounds");
    return bytes.subarray(from, to);
  }

  #ofTwin(name: string): Uint8Array {
    const twin = this.#vectors.twin(this.#twin ?? none());
    if (twin.twin !== undefined) throw new Error("the twin has a fault");
    if (twin.kind === "document") return name === "key" ? twin.key : twin.file;
    return twin.args.find((a) => a.name === name)?.bytes ?? none();
  }
}

function none(): never {
  throw new Error("a field is missing");
}
