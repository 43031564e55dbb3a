/**
 * Locking leaves no seed behind: not in the memory of any instance of the core, and not in any array that is still
 * reachable in this process, of whomever. What engines have copied and not collected, and what is in registers,
 * cannot be seen from here, and is not promised.
 */

import assert from "node:assert/strict";
import inspector from "node:inspector";
import test from "node:test";

import { MemoryKeyStore } from "../src/keystore/memory.js";
import { parseKit } from "../src/kit.js";
import { Engine } from "../src/engine.js";
import { onPage } from "../src/page.js";
import { LocalService } from "../src/service.js";
import { coreBytes } from "./paths.js";
import { isBuilt, Service } from "./runner/service.js";
import { Site } from "./runner/site.js";

/** Asks the inspector of this very process. */
class Heap {
  readonly #session = new inspector.Session();

  constructor() {
    this.#session.connect();
  }

  /** Returns in how many buffers of reachable objects of a class some bytes are. They are given masked, so that the question is not an answer. */
  async count(of: "Uint8Array" | "WebAssembly.Memory", masked: string): Promise<number> {
    const prototype = await this.#post<{ result: { objectId: string } }>("Runtime.evaluate", { expression: `${of}.prototype` });
    const { objects } = await this.#post<{ objects: { objectId: string } }>("Runtime.queryObjects", { prototypeObjectId: prototype.result.objectId });
    const { result } = await this.#post<{ result: { value: number } }>("Runtime.callFunctionOn", {
      objectId: objects.objectId, functionDeclaration: `function(masked) { return (${search.toString()})(this, masked); }`,
      arguments: [{ value: masked }], returnByValue: true,
    });
    await this.#post("Runtime.releaseObject", { objectId: objects.objectId });
    assert.equal(typeof result.value, "number", JSON.stringify(result));
    return result.value;
  }

  close(): void {
    this.#session.disconnect();
  }

  #post<T>(method: string, params: object): Promise<T> {
    return new Promise((done, failed) => {
      this.#session.post(method, params, (e: Error | null, result?: unknown) => {
        if (e === null) done(result as T);
        else failed(e);
      });
    });
  }
}

/** Counts the buffers of objects in which bytes are, which are given as hexadecimal digits of their complement. */
function search(objects: readonly (Uint8Array | WebAssembly.Memory)[], masked: string): number {
  const wanted = masked.match(/../g) ?? [];
  let found = 0;
  const real = objects.filter((one) => ArrayBuffer.isView(one) || one instanceof WebAssembly.Memory); // prototypes have no buffer
  for (const buffer of new Set(real.filter((one) => one !== WebAssembly.Memory.prototype).map((one) => one.buffer))) {
    const bytes = new Uint8Array(buffer);
    const first = 255 - parseInt(wanted[0] ?? "", 16);
    for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
      if (!wanted.every((digits, i) => bytes[at + i] === 255 - parseInt(digits, 16))) continue;
      found++;
      break;
    }
  }
  return found;
}

const mask = (bytes: Uint8Array): string => Array.from(bytes, (b) => (255 - b).toString(16).padStart(2, "0")).join("");

/** Keeps the memories of all instances from now on, so that none is gone before it was looked at. */
function keepMemories(): WebAssembly.Memory[] {
  const memories: WebAssembly.Memory[] = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]): WebAssembly.Instance {
      const made = new target(module, imports);
      memories.push(made.exports.memory as WebAssembly.Memory);
      return made;
    },
  });
  return memories;
}

test("locking leaves no seed in memory", { skip: !isBuilt() && "no bin/recrypt: run make build" }, async () => {
  const memories = keepMemories();
  const heap = new Heap();
  const site = await Site.start();
  const server = new Service(site);
  try {
    const passphrase = "correct horse battery staple";
    const inner = new LocalService({ engine: await Engine.load(coreBytes()), server: await server.url([]), store: new MemoryKeyStore() });
    const service = onPage(inner);
    const stretching = { memory: 19456, passes: 2 };
    const { session, kit = [] } = await service.createIdentity({ name: "alice", passphrase, stretching, kit: true });
    const { secret } = await parseKit(kit.join("\n"));
    const seed = mask(secret);
    secret.fill(0);
    const phrase = mask(new TextEncoder().encode(passphrase).subarray(0, 20));
    const hits = async (needle: string): Promise<number> =>
      (await heap.count("Uint8Array", needle)) + (await heap.count("WebAssembly.Memory", needle));

    assert.ok((await hits(seed)) > 0, "the seed of an open session is found");
    await session.lock();
    assert.equal(await hits(seed), 0, "after making and locking");

    const again = await service.unlock("alice", { passphrase });
    const { document } = await again.encrypt(new TextEncoder().encode("text"));
    await again.decrypt(document);
    (await again.createSymKey()).key.fill(0);
    await again.changePassphrase("another one", passphrase);
    await again.collections();
    assert.ok((await hits(seed)) > 0, "the seed of an open session is found");
    const busy = again.encrypt(new Blob([new Uint8Array(1 << 20)])).catch(() => undefined);
    await again.lock();
    await busy;
    assert.equal(await hits(seed), 0, "after unlocking, working and locking in mid-work");
    await assert.rejects(service.unlock("alice", { passphrase: "wrong" }));
    assert.equal(await hits(phrase), 0, "the passphrase as bytes");

    const open = await service.unlock("alice", { passphrase: "another one" });
    assert.ok((await hits(seed)) > 0);
    service.close();
    assert.equal(await hits(seed), 0, "after closing");
    assert.equal(open.identity.name, "alice");
    assert.ok(memories.length > 3, "instances were looked at");
  } finally {
    heap.close();
    await server.stop();
    site.close();
  }
});
