/** Chromium without a window, told what to do through a pipe (its DevTools protocol). */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Plan } from "../suite/env.js";
import { DevTools, startBrowser } from "./devtools.js";
import { findProgram, type Running, type Runtime } from "./runtime.js";

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
      const child = startBrowser(name, path, profile);
      const stop = async (): Promise<void> => {
        await child.stop();
        rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      };
      try {
        const tools = new DevTools(child);
        const crashed = crashOf(tools);
        await Promise.race([visit(tools, pageOf(plan, where)), child.ended]);
        return { ended: Promise.race([child.ended, crashed]), stop };
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

/** Rejects when the page's process has died. */
function crashOf(tools: DevTools): Promise<never> {
  const crashed = new Promise<never>((_, failed) => {
    tools.on("Inspector.targetCrashed", () => { failed(new Error("the page crashed")); });
  });
  crashed.catch(() => undefined);
  return crashed;
}

async function visit(tools: DevTools, url: string): Promise<void> {
  const sessionId = await tools.open();
  await tools.ask("Inspector.enable", {}, sessionId);
  await tools.ask("WebAuthn.enable", {}, sessionId);
  await tools.ask("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR }, sessionId);
  await tools.ask("Page.navigate", { url }, sessionId);
}
