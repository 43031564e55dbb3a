/** What the tests share: a real server with documents of its own, and people in browsers of their own. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test as base, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";

export const PASSPHRASE = "bavo-tilu-moka-zido-pura";

/** A running server. */
export interface Server {
  readonly url: string;
}

/** The program whose server and command line are played with. */
export function binary(): string {
  return process.env.RECRYPT_BINARY ?? join(import.meta.dirname, "../../../bin/recrypt");
}

/** Starts a server on a folder of its own. */
export async function startServer(...more: string[]): Promise<Server & { stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "recrypt-app-"));
  const args = ["serve", "--data", join(folder, "data"), "--blobs", join(folder, "blobs"), "--listen", "127.0.0.1:0", "--registration-rate", "off", "--log-level", "warn", ...more];
  const child = spawn(binary(), args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => { resolve(); }));
  const url = await listening(child);
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => { reject(new Error(`the server ended with ${code ?? "a signal"}`)); });
    if (child.stdout === null) throw new Error("no output");
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
}

/** Somebody in a browser of his own. */
export interface Someone {
  readonly name: string;
  readonly page: Page;
  readonly context: BrowserContext;
  /** "rid1…" */
  readonly id: string;
  /** The lines of the recovery kit. */
  readonly kit: readonly string[];
}

/** What the page must never cause, collected from all pages of a test. */
export interface Complaints {
  readonly list: string[];
}

/** Collects violations of the page's policy, uncaught errors and errors in the console. */
export async function watch(context: BrowserContext, complaints: Complaints): Promise<void> {
  await context.exposeFunction("complain", (text: string) => { complaints.list.push(text); });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (e) => {
      (globalThis as unknown as { complain: (text: string) => void }).complain(`policy: ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`);
    });
  });
  context.on("weberror", (e) => { complaints.list.push(`error: ${e.error().message}`); });
  context.on("console", (m) => {
    // The browser reports refusals of the service there, too, which are answers like others.
    if (m.type() === "error" && !m.text().includes('Failed to load resource')) complaints.list.push(`console: ${m.text()}`);
  });
}

/** Opens a browser for somebody. */
export async function browse(browser: Browser, complaints: Complaints, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], acceptDownloads: true, ...options });
  await watch(context, complaints);
  return context.newPage();
}

/** Makes an identity by the page, as anybody would, and comes to the documents. */
export async function enrol(page: Page, url: string, name: string): Promise<{ id: string; kit: string[] }> {
  await page.goto(url);
  await page.getByRole("button", { name: "Create an identity" }).click();
  await page.getByLabel("What to call it").fill(name);
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("The same once more", { exact: true }).fill(PASSPHRASE);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const kit = await keepKit(page);
  await expect(page.getByRole("heading", { name: "Documents", level: 1 })).toBeVisible();
  await page.goto(`${url}/#/people`);
  const id = await page.locator(".copyable code").first().innerText();
  expect(id).toMatch(/^rid1[a-z0-9]{58}$/);
  return { id, kit };
}

/** Reads the kit from the page and answers what is asked about it. */
export async function keepKit(page: Page): Promise<string[]> {
  await expect(page.getByRole("heading", { name: "Print your recovery kit" })).toBeVisible();
  const kit = await page.locator(".kit-lines li").allInnerTexts();
  const question = page.getByLabel(/what is group \d of line \d/);
  const [, group = "1", line = "1"] = /group (\d+) of line (\d+)/.exec(await page.locator("label").filter({ hasText: "what is group" }).innerText()) ?? [];
  await question.fill("0000");
  await page.getByRole("button", { name: "I have kept it" }).click();
  await expect(page.getByText("That is not what stands there.")).toBeVisible();
  await question.fill((kit[Number(line) - 1] ?? "").split(" ")[Number(group) - 1] ?? "");
  await page.getByRole("button", { name: "I have kept it" }).click();
  return kit;
}

interface Fixtures {
  /** The server of the test file. */
  readonly complaints: Complaints;
  /** Makes somebody with an identity. */
  readonly someone: (name: string, options?: BrowserContextOptions) => Promise<Someone>;
}

export const test = base.extend<Fixtures, { server: Server }>({
  server: [
     
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
   
  complaints: async ({}, use) => {
    const complaints: Complaints = { list: [] };
    await use(complaints);
    expect(complaints.list).toEqual([]);
  },
  someone: async ({ browser, server, complaints }, use) => {
    const made: BrowserContext[] = [];
    await use(async (name, options) => {
      const page = await browse(browser, complaints, options);
      made.push(page.context());
      return { name, page, context: page.context(), ...(await enrol(page, server.url, name)) };
    });
    for (const context of made) await context.close();
  },
});

export { expect } from "@playwright/test";
