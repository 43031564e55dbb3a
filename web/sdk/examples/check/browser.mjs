/** A headless Chromium that reads what a page says. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

/** Returns the path of the browser: CHROMIUM, or the first of its usual names on the PATH. */
export function findChromium() {
  const given = process.env.CHROMIUM;
  if (given !== undefined && given !== "") return given;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  throw new Error("no Chromium on the PATH: install it (apt-get install chromium), or name it by CHROMIUM");
}

/** How long a page may take, in milliseconds. */
const LIMIT = 60_000;

export class Browser {
  /** @param {import("playwright-core").Browser} browser */
  constructor(browser) {
    this.browser = browser;
  }

  /** @param {string} executablePath */
  static async start(executablePath) {
    const root = process.getuid?.() === 0;
    return new Browser(await chromium.launch({ executablePath, args: root ? ["--no-sandbox"] : [] }));
  }

  /** Returns what stands in the element `result` of a page once it is more than an ellipsis. @param {string} url */
  async result(url) {
    const page = await this.browser.newPage();
    /** @type {string[]} */
    const said = [];
    page.on("console", (m) => { said.push(m.text()); });
    page.on("pageerror", (e) => { said.push(String(e)); });
    try {
      await page.goto(url);
      const text = page.locator("#result");
      await page.waitForFunction(() => !["", "…"].includes(document.getElementById("result")?.textContent ?? ""), undefined, { timeout: LIMIT, polling: 50 });
      return (await text.textContent()) ?? "";
    } catch (e) {
      throw new Error(`${url}: ${e instanceof Error ? e.message : String(e)}\n${said.join("\n")}`);
    } finally {
      await page.close();
    }
  }

  async stop() {
    await this.browser.close();
  }
}
