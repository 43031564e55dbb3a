/** Chromium without a window, told what to do through a pipe (its DevTools protocol). */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import type { Plan } from "../suite/env.js";
import { start } from "./child.js";
import { findProgram, type Running, type Runtime } from "./runtime.js";

const FLAGS = [
  "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
  "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync", "--mute-audio", "--disable-dev-shm-usage",
];

/** Something like a phone's: in the machine itself, with the PRF extension, and nobody needs to touch it. */
const AUTHENTICATOR = {
  protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true,
  hasPrf: true, isUserVerified: true, automaticPresenceSimulation: true,
};

export const chromium: Runtime = browser("chromium", "page");
export const chromiumWorker: Runtime = browser("chromium-worker", "worker");

function browser(name: string, where: "page" | "worker"): Runtime {
  return {
    name,
    find: () => findProgram("CHROMIUM", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    install: "apt-get install chromium, or name it by CHROMIUM",
    has: where === "page" ? ["compile", "worker", "indexeddb", "page", "passkey", "server", "go"] : ["compile", "worker", "indexeddb", "server", "go"],
    ...(where === "worker" && { only: "^(the codec|glue|engine|the protocol|Ed25519|log|client)" }), // the page has run them all
    start: async (path, plan): Promise<Running> => {
      const profile = mkdtempSync(join(tmpdir(), "recrypt-chromium-"));
      const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
      const args = [...FLAGS, ...sandbox, `--user-data-dir=${profile}`, "about:blank"];
      const child = start(name, path, args, { stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"] });
      const stop = async (): Promise<void> => {
        await child.stop();
        rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      };
      try {
        const tools = new DevTools(child.stdio[3] as Writable, child.stdio[4] as Readable);
        await Promise.race([visit(tools, pageOf(plan, where)), child.ended]);
        return { ended: Promise.race([child.ended, tools.crashed]), stop };
      } catch (e) {
        await stop();
        throw e;
      }
    },
  };
}

/** The page that runs a plan; a domain, because addresses have no passkeys. */
export function pageOf(plan: Plan, where: "page" | "worker"): string {
  const base = plan.base.replace("127.0.0.1", "localhost");
  return `${base}/-/page.html?where=${where}#${encodeURIComponent(JSON.stringify({ ...plan, base }))}`;
}

async function visit(tools: DevTools, url: string): Promise<void> {
  const { targetId } = (await tools.ask("Target.createTarget", { url: "about:blank" })) as { targetId: string };
  const { sessionId } = (await tools.ask("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string };
  await tools.ask("Inspector.enable", {}, sessionId);
  await tools.ask("WebAuthn.enable", {}, sessionId);
  await tools.ask("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR }, sessionId);
  await tools.ask("Page.navigate", { url }, sessionId);
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Messages in JSON, each with a NUL behind it. */
class DevTools {
  readonly #to: Writable;
  readonly #waiting = new Map<number, { done: (result: unknown) => void; failed: (e: Error) => void }>();
  #last = 0;
  #crash: (e: Error) => void = () => undefined;
  /** Rejects when the page's process has died. */
  readonly crashed: Promise<never>;

  constructor(to: Writable, from: Readable) {
    this.#to = to;
    this.crashed = new Promise((_, failed) => { this.#crash = failed; });
    this.crashed.catch(() => undefined);
    to.on("error", () => undefined); // that it ended is told by the process
    let rest = "";
    from.setEncoding("utf8").on("data", (piece: string) => {
      const messages = (rest + piece).split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
  }

  async ask(method: string, params: object, sessionId?: string): Promise<unknown> {
    const id = ++this.#last;
    const answer = new Promise((done, failed) => { this.#waiting.set(id, { done, failed }); });
    this.#to.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    return answer;
  }

  #take(message: Message): void {
    if (message.method === "Inspector.targetCrashed") this.#crash(new Error("the page crashed"));
    const waiting = this.#waiting.get(message.id ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id ?? 0);
    if (message.error === undefined) waiting.done(message.result);
    else waiting.failed(new Error(message.error.message));
  }
}
