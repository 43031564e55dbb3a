/** Our side: the module in this process, or a Go program that runs the core. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

import { Engine, Op, pack, RecryptError, Status, u8, unpack } from "../../src/index.js";
import { result } from "../../src/frame.js";
import { coreBytes } from "../paths.js";
import { type Pair, type Party, Refused, sizes } from "./party.js";
import { Stream } from "../stream.js";

/** Anything that answers calls of the boundary, with a random stream that can be chosen. */
interface Core {
  call(op: number, request: Uint8Array): Promise<Uint8Array>;
  reseed(seed: string): Promise<void>;
  close(): void;
}

const suite = u8(1);
const none = new Uint8Array(0);

/** A party that uses our core. */
export class Ours implements Party {
  readonly name: string;
  readonly #core: Core;
  readonly derivedPrivateKey?: (plaintext: Uint8Array) => Promise<Uint8Array>;

  private constructor(name: string, core: Core, derives: boolean) {
    this.name = name;
    this.#core = core;
    if (derives) this.derivedPrivateKey = (plaintext) => this.#one(DERIVE, suite, plaintext);
  }

  /** The shipped module in this JavaScript engine. */
  static async inNode(): Promise<Ours> {
    return new Ours("ours (Node)", await NodeCore.load(), false);
  }

  /** The program of the folder core, built, with one of its engines. */
  static byProgram(path: string, engine: "native" | "wazero"): Ours {
    return new Ours(`ours (${engine === "native" ? "Go" : engine})`, new Program(path, engine), engine === "native");
  }

  close(): void {
    this.#core.close();
  }

  reseed(seed: string): Promise<void> {
    return this.#core.reseed(seed);
  }

  generateKeyPair(): Promise<Pair> {
    return this.#pair(Op.GenerateKeyPair, suite);
  }

  publicKey(privateKey: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.PublicKey, suite, privateKey);
  }

  generateSigningKeyPair(): Promise<Pair> {
    return this.#pair(Op.GenerateSigningKeyPair);
  }

  generatePlaintext(): Promise<Uint8Array> {
    return this.#one(Op.GeneratePlaintext, suite);
  }

  symmetricKey(plaintext: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.DeriveSymmetricKey, suite, plaintext);
  }

  encrypt(plaintext: Uint8Array, to: Uint8Array, signer: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.Encrypt, suite, plaintext, to, signer);
  }

  transformKey(from: Uint8Array, to: Uint8Array, signer: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.TransformKey, suite, from, to, signer);
  }

  transform(value: Uint8Array, transformKey: Uint8Array, signer: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.Transform, suite, value, transformKey, signer);
  }

  decrypt(value: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.Decrypt, suite, value, privateKey);
  }

  addPublicKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.AddPublicKeys, suite, a, b);
  }

  addPrivateKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.AddPrivateKeys, suite, a, b);
  }

  subtractPrivateKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.SubtractPrivateKeys, suite, a, b);
  }

  augmentTransformKey(transformKey: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.AugmentTransformKey, suite, transformKey, privateKey);
  }

  /** They are the first bytes of our form of it. */
  transformKeyBytes(transformKey: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(transformKey.subarray(0, sizes.transformKeyBytes));
  }

  schnorrSign(privateKey: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.SchnorrSign, suite, privateKey, publicKey, message);
  }

  schnorrVerify(publicKey: Uint8Array, augmenting: Uint8Array | undefined, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#verifies(Op.SchnorrVerify, suite, publicKey, augmenting ?? none, message, signature);
  }

  ed25519Sign(privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
    return this.#one(Op.Ed25519Sign, privateKey, message);
  }

  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#verifies(Op.Ed25519Verify, publicKey, message, signature);
  }

  async #verifies(op: number, ...args: Uint8Array[]): Promise<boolean> {
    try {
      await this.#core.call(op, pack(...args));
      return true;
    } catch (e) {
      if (e instanceof RecryptError && e.status === Status.Signature) return false;
      throw e;
    }
  }

  async #run(op: number, want: number, args: readonly Uint8Array[]): Promise<Uint8Array[]> {
    try {
      return unpack(await this.#core.call(op, pack(...args)), want).map((b) => b.slice());
    } catch (e) {
      if (e instanceof RecryptError && e.status !== Status.Internal) throw new Refused(e.message, { cause: e });
      throw e;
    }
  }

  async #one(op: number, ...args: Uint8Array[]): Promise<Uint8Array> {
    const [b] = await this.#run(op, 1, args);
    return b ?? none;
  }

  async #pair(op: number, ...args: Uint8Array[]): Promise<Pair> {
    const [privateKey, publicKey] = await this.#run(op, 2, args);
    return { privateKey: privateKey ?? none, publicKey: publicKey ?? none };
  }
}

/** The module in this process. */
class NodeCore implements Core {
  readonly #engine: Engine;
  readonly #random: { stream: Stream };

  private constructor(engine: Engine, random: { stream: Stream }) {
    this.#engine = engine;
    this.#random = random;
  }

  static async load(): Promise<NodeCore> {
    const random = { stream: new Stream("start") };
    const fill = (bytes: Uint8Array): void => {
      random.stream.fill(bytes);
    };
    return new NodeCore(await Engine.load(coreBytes(), { random: fill }), random);
  }

  async call(op: number, request: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve().then(() => this.#engine.call(op, request));
  }

  reseed(seed: string): Promise<void> {
    this.#random.stream = new Stream(seed);
    return Promise.resolve();
  }

  close(): void {
    // nothing to let go of
  }
}

/** Operations of the program beside the boundary's. */
const RESEED = 0xffffffff;
const DERIVE = 0xfffffffe;

/** A Go program behind pipes; `core/main.go` describes what goes through them. */
class Program implements Core {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #received = Buffer.alloc(0);
  #waiting: { resolve: (response: Uint8Array) => void; reject: (e: Error) => void } | undefined;

  constructor(path: string, engine: string) {
    this.#child = spawn(path, ["-engine", engine], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
    for (const event of ["error", "exit"]) {
      this.#child.on(event, () => this.#waiting?.reject(new Error(`${path} -engine ${engine} ended`)));
    }
    this.#child.stdin.on("error", (e) => this.#waiting?.reject(e));
  }

  async call(op: number, request: Uint8Array): Promise<Uint8Array> {
    if (this.#waiting !== undefined) throw new Error("a call during a call");
    const response = new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#send(op, request);
    return result(await response.finally(() => (this.#waiting = undefined)));
  }

  reseed(seed: string): Promise<void> {
    this.#send(RESEED, new TextEncoder().encode(seed));
    return Promise.resolve();
  }

  close(): void {
    this.#child.stdin.end();
  }

  #send(op: number, request: Uint8Array): void {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(op, 0);
    head.writeUInt32LE(request.length, 4);
    this.#child.stdin.write(Buffer.concat([head, request]));
  }

  #deliver(): void {
    if (this.#received.length < 4) return;
    const end = 4 + this.#received.readUInt32LE(0);
    if (this.#received.length < end) return;
    const response = new Uint8Array(this.#received.subarray(4, end));
    this.#received = this.#received.subarray(end);
    this.#waiting?.resolve(response);
  }
}
