/** A headless Chromium that reads what a page says. */

import { chromium } from "playwright-core";

import { launchOptions } from "../../tools/chromium.mjs";

/** How long a page may take, in milliseconds. */
const LIMIT = 60_000;

export class Browser {
  /** @param {import("playwright-core").Browser} browser */
  constructor(browser) {
    this.browser = browser;
  }

  static async start() {
    return new Browser(await chromium.launch(launchOptions()));
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
