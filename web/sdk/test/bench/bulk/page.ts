/** The page of the benchmark: what the driver asks it to measure. The SDK works in its worker, as it does by default. */

import { connect } from "../../../src/connect.js";
import type { Session } from "../../../src/types.js";
import { type Age, age, bare, hashing, rate, type Rate } from "./measure.js";

let session: Session | undefined;
let document_: Blob | undefined;

function input(): File {
  const file = document.querySelector("input")?.files?.item(0);
  if (file === undefined || file === null) throw new Error("no file was chosen");
  return file;
}

/** Compares some places of two Blobs. */
async function compare(a: Blob, b: Blob): Promise<void> {
  if (a.size !== b.size) throw new Error(`${b.size} bytes came of ${a.size}`);
  for (let i = 0; i <= 16; i++) {
    const at = Math.floor(((a.size - 1000) / 16) * i);
    const [x, y] = await Promise.all([a, b].map(async (blob) => new Uint8Array(await blob.slice(at, at + 1000).arrayBuffer())));
    if (x === undefined || y === undefined || x.some((byte, j) => byte !== y[j])) throw new Error(`other bytes at ${at}`);
  }
}

const bench = {
  async prepare(): Promise<void> {
    const service = await connect({ store: "memory" });
    ({ session } = await service.createIdentity({ name: "bench", passphrase: "bench" }));
    await session.decrypt((await session.encrypt(new Blob(["warm"]))).document);
  },
  async encrypt(): Promise<Rate> {
    const file = input();
    document_ = undefined;
    return rate(file.size, async () => { document_ = (await session?.encrypt(file))?.document; });
  },
  async decrypt(): Promise<Rate> {
    const file = input();
    let content = new Blob();
    const sealed = document_ ?? new Blob();
    const speed = await rate(file.size, async () => { content = (await session?.decrypt(sealed))?.content ?? content; });
    await compare(file, content);
    return speed;
  },
  bare,
  hashing,
  async age(bytes: number): Promise<{ encrypt: Rate; decrypt: Rate }> {
    const where = "/-/age.js"; // the driver puts it there
    return age((await import(where)) as Age, bytes);
  },
};

(globalThis as { bench?: typeof bench }).bench = bench;
