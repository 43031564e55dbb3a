/**
 * The runtime of Cloudflare's Workers. It compiles no WebAssembly: the module
 * is imported. The suite runs inside of a request, as everything there.
 */

import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { compiledPath, coreBytes } from "../paths.js";
import { start } from "./child.js";
import { findInstalled, FROM_NPM } from "./processes.js";
import type { Running, Runtime } from "./runtime.js";

const MAIN = `import module from "./recrypt.wasm";
import bytes from "./recrypt.bin";
export default {
  async fetch(request) {
    const plan = await request.json();
    const { post, runPlan } = await import("./dist/test/suite/index.js");
    try {
      await post(plan, "result", JSON.stringify(await runPlan(plan, { module, bytes })));
    } catch (e) {
      await post(plan, "broken", e.stack ?? String(e));
    }
    return new Response();
  },
};
`;

export const workerd: Runtime = {
  name: "workerd",
  find: () => findInstalled("WORKERD", "workerd", "@cloudflare", "bin/workerd"),
  install: FROM_NPM,
  has: ["server", "go"],
  start: async (path, plan): Promise<Running> => {
    const folder = mkdtempSync(join(tmpdir(), "recrypt-workerd-"));
    writeFileSync(join(folder, "config.capnp"), configure(folder));
    const child = start("workerd", path, ["serve", "--control-fd=3", "config.capnp"], { cwd: folder, stdio: ["ignore", "pipe", "pipe", "pipe"] });
    const stop = async (): Promise<void> => {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      const port = await Promise.race([portOf(child.stdio[3] as Readable), child.ended]);
      const asked = request({ host: "127.0.0.1", port, method: "POST" }, (answer) => answer.resume());
      asked.on("error", () => undefined); // it tells the runner itself what came of it
      asked.end(JSON.stringify(plan));
    } catch (e) {
      await stop();
      throw e;
    }
    return { ended: child.ended, stop };
  },
};

/** Copies what the suite is made of into a folder and returns a configuration that names each file as a module. */
function configure(folder: string): string {
  const compiled = ["src", "test/suite", "wasm_exec.js"];
  for (const part of compiled) cpSync(compiledPath(part), join(folder, "dist", part), { recursive: true });
  writeFileSync(join(folder, "main.js"), MAIN);
  writeFileSync(join(folder, "recrypt.wasm"), coreBytes());
  writeFileSync(join(folder, "recrypt.bin"), coreBytes());
  const scripts = readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  const modules = [
    `(name = "main.js", esModule = embed "main.js")`,
    `(name = "recrypt.wasm", wasm = embed "recrypt.wasm")`,
    `(name = "recrypt.bin", data = embed "recrypt.bin")`,
    ...scripts.map((name) => `(name = "dist/${name}", esModule = embed "dist/${name}")`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "suite", worker = (modules = [${modules.join(", ")}], compatibilityDate = "2026-11-01")),
    (name = "internet", network = (allow = ["local", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);
`;
}

/** Waits until it says on which port it listens. */
async function portOf(control: Readable): Promise<number> {
  let said = "";
  for await (const piece of control.setEncoding("utf8")) {
    said += piece as string;
    const port = /"event":"listen"[^\n]*"port":(\d+)/.exec(said)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("workerd did not say where it listens");
}
