/** Chromium without a window, told what to do through a pipe: its DevTools protocol. */

import type { Readable, Writable } from "node:stream";

import { type Child, start } from "./child.js";

const FLAGS = [
  "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
  "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync", "--mute-audio", "--disable-dev-shm-usage",
];

/** Starts a browser with a profile's folder. Its protocol is on the streams 3 and 4. */
export function startBrowser(name: string, path: string, profile: string): Child {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // it does not run as root
  const args = [...FLAGS, ...sandbox, `--user-data-dir=${profile}`, "about:blank"];
  return start(name, path, args, { stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"] });
}

/** What happened: the session that tells of it, and the particulars. */
export interface DevToolsEvent {
  readonly sessionId?: string;
  readonly params?: { readonly sessionId?: string };
}

interface Message extends DevToolsEvent {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Messages in JSON, each with a NUL behind it. */
export class DevTools {
  readonly #to: Writable;
  readonly #waiting = new Map<number, { done: (result: unknown) => void; failed: (e: Error) => void }>();
  readonly #listeners = new Map<string, (event: DevToolsEvent) => void>();
  #last = 0;

  /** @param child - what {@link startBrowser} returned */
  constructor(child: Child) {
    this.#to = child.stdio[3] as Writable;
    this.#to.on("error", () => undefined); // that it ended is told by the process
    let rest = "";
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (piece: string) => {
      const messages = (rest + piece).split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
  }

  /** Sends a command, to the browser or to a session, and returns its result. */
  async ask(method: string, params: object, sessionId?: string): Promise<unknown> {
    const id = ++this.#last;
    const answer = new Promise((done, failed) => { this.#waiting.set(id, { done, failed }); });
    this.#to.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    return answer;
  }

  /** Opens an empty page and returns its session. */
  async open(): Promise<string> {
    const { targetId } = (await this.ask("Target.createTarget", { url: "about:blank" })) as { targetId: string };
    const { sessionId } = (await this.ask("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string };
    return sessionId;
  }

  /** Says who is told of a kind of events. */
  on(method: string, listener: (event: DevToolsEvent) => void): void {
    this.#listeners.set(method, listener);
  }

  #take(message: Message): void {
    if (message.method !== undefined) this.#listeners.get(message.method)?.(message);
    const waiting = this.#waiting.get(message.id ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id ?? 0);
    if (message.error === undefined) waiting.done(message.result);
    else waiting.failed(new Error(message.error.message));
  }
}
