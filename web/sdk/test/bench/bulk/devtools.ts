/** A page in Chromium with its workers, through the DevTools protocol: runs code, and says how large the heaps are. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Child } from "../../runner/child.js";
import { DevTools, startBrowser } from "../../runner/devtools.js";

interface Heap {
  readonly usedSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
}

/** Highest sizes in bytes while something ran. */
export interface Peak {
  /** JavaScript heaps of the page and its workers, with the buffers behind arrays, WebAssembly's memory included. */
  heap: number;
  /** Resident memory of the page's process, with the browser's own copies of what is under way. */
  resident: number;
}

/** A browser with one page. */
export class Browser {
  readonly #child: Child;
  readonly #profile: string;
  readonly #tools: DevTools;
  readonly #sessions = new Set<string>();
  #page = "";
  #pid = 0;

  private constructor(child: Child, profile: string) {
    this.#child = child;
    this.#profile = profile;
    this.#tools = new DevTools(child);
    this.#tools.on("Target.attachedToTarget", ({ sessionId, params }) => {
      if (params?.sessionId !== undefined && sessionId !== undefined) this.#sessions.add(params.sessionId);
    });
    this.#tools.on("Target.detachedFromTarget", ({ params }) => this.#sessions.delete(params?.sessionId ?? ""));
  }

  /** Starts a browser and opens a page. */
  static async open(program: string, url: string): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), "recrypt-bench-"));
    const child = startBrowser("chromium", program, profile);
    const browser = new Browser(child, profile);
    await Promise.race([browser.#visit(url), child.ended]);
    return browser;
  }

  /** Version of the browser. */
  async version(): Promise<string> {
    return ((await this.#tools.ask("Browser.getVersion", {})) as { product: string }).product;
  }

  /** Runs an expression in the page and returns what its promise comes to. */
  async run<T>(expression: string): Promise<T> {
    const asked = this.#tools.ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true }, this.#page);
    const { result, exceptionDetails } = (await Promise.race([asked, this.#child.ended])) as {
      result: { value: T }; exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Chooses a file in the page's input. */
  async choose(path: string): Promise<void> {
    const { root } = (await this.#tools.ask("DOM.getDocument", {}, this.#page)) as { root: { nodeId: number } };
    const { nodeId } = (await this.#tools.ask("DOM.querySelector", { nodeId: root.nodeId, selector: "input" }, this.#page)) as { nodeId: number };
    await this.#tools.ask("DOM.setFileInputFiles", { files: [path], nodeId }, this.#page);
  }

  /** Runs an expression and measures memory meanwhile, twenty times a second. */
  async watched(expression: string): Promise<{ value: number; peak: Peak }> {
    const peak: Peak = { heap: 0, resident: 0 };
    const stop = new AbortController();
    const watching = (async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const now = await this.#memory();
        peak.heap = Math.max(peak.heap, now.heap);
        peak.resident = Math.max(peak.resident, now.resident);
        await new Promise((done) => setTimeout(done, 50));
      }
    })();
    try {
      return { value: await this.run<number>(expression), peak };
    } finally {
      stop.abort();
      await watching;
    }
  }

  /** Lets the heaps of the page and its workers be cleaned. */
  async collect(): Promise<void> {
    await Promise.all([...this.#sessions].map((id) => this.#tools.ask("HeapProfiler.collectGarbage", {}, id)));
  }

  async close(): Promise<void> {
    await this.#child.stop();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #visit(url: string): Promise<void> {
    const sessionId = await this.#tools.open();
    this.#page = sessionId;
    this.#sessions.add(sessionId);
    await this.#tools.ask("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, sessionId);
    await this.#tools.ask("Page.enable", {}, sessionId);
    await this.#tools.ask("Page.navigate", { url }, sessionId);
    while (!(await this.run<boolean>("globalThis.bench !== undefined"))) await new Promise((done) => setTimeout(done, 50));
    const { processInfo } = (await this.#tools.ask("SystemInfo.getProcessInfo", {})) as { processInfo: { type: string; id: number; cpuTime: number }[] };
    this.#pid = processInfo.filter((p) => p.type === "renderer").sort((a, b) => b.cpuTime - a.cpuTime)[0]?.id ?? 0;
  }

  async #memory(): Promise<Peak> {
    const heaps = await Promise.all([...this.#sessions].map((id) => this.#tools.ask("Runtime.getHeapUsage", {}, id).catch(() => ({ usedSize: 0 })) as Promise<Heap>));
    const heap = heaps.reduce((sum, h) => sum + h.usedSize + (h.embedderHeapUsedSize ?? 0) + (h.backingStorageSize ?? 0), 0);
    return { heap, resident: residentOf(this.#pid) };
  }
}

/** Resident memory of a process in bytes, 0 where that is not told. */
function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
