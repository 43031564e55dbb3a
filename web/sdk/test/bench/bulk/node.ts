/** The benchmark in Node: `node node.js SERVER FILE AGE`; prints what it measured as JSON. The SDK streams from file to file. */

import { createReadStream, createWriteStream, readFileSync, rmSync, statSync } from "node:fs";
import { Readable, Writable } from "node:stream";

import { connect } from "../../../src/connect.js";
import { coreBytes } from "../../paths.js";
import { type Age, age, bare, hashing, rate, type Rate } from "./measure.js";

/** What is printed. */
export interface NodeResult {
  readonly encrypt: Rate;
  readonly decrypt: Rate;
  readonly bare1: Rate;
  readonly bare32: Rate;
  readonly hashing: Rate;
  readonly age: { readonly encrypt: Rate; readonly decrypt: Rate };
  /** Heap and array buffers, bytes: the most at any time of encrypting and decrypting. */
  readonly heap: number;
  readonly resident: number;
}

const [server = "", file = "", folder = "", ageBytes = "0", bareBytes = "0"] = process.argv.slice(2);
const size = statSync(file).size;
const sealed = `${file}.recrypt`;
const opened = `${file}.opened`;

function read(path: string): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(path, { highWaterMark: 1 << 20 })) as ReadableStream<Uint8Array>;
}

function write(path: string): WritableStream<Uint8Array> {
  return Writable.toWeb(createWriteStream(path, { highWaterMark: 1 << 20 }));
}

const service = await connect({ server, wasm: coreBytes(), store: "memory" });
const { session } = await service.createIdentity({ name: "bench", passphrase: "bench" });
const peak = { heap: 0, resident: 0 };
const watch = setInterval(() => {
  const m = process.memoryUsage();
  peak.heap = Math.max(peak.heap, m.heapUsed + m.arrayBuffers);
  peak.resident = Math.max(peak.resident, m.rss);
}, 20);
const encrypt = await rate(size, async () => {
  const { document, info } = await session.encrypt(read(file));
  await document.pipeTo(write(sealed));
  await info;
});
const decrypt = await rate(size, async () => {
  const { content, info } = await session.decrypt(read(sealed));
  await content.pipeTo(write(opened));
  await info;
});
clearInterval(watch);
const at = Math.max(0, size - 100_000);
const tail = (path: string): Buffer => readFileSync(path).subarray(at);
if (size < 1 << 30 && !tail(file).equals(tail(opened))) throw new Error("another content came out");
rmSync(sealed);
rmSync(opened);
const result: NodeResult = {
  encrypt, decrypt, ...peak,
  bare1: await bare(Number(bareBytes), 1), bare32: await bare(Number(bareBytes), 32), hashing: await hashing(Number(bareBytes)),
  age: await age((await import(`${folder}/dist/index.js`)) as Age, Number(ageBytes)),
};
console.log(JSON.stringify(result));
process.exit(0);
