/** Firefox without a window and with a fresh profile; its page tells the runner what came of it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { start } from "./child.js";
import { pageOf } from "./chromium.js";
import { findProgram, type Running, type Runtime } from "./runtime.js";

/** No first pages, no updates, nothing sent home, and no waiting for a tab that nobody looks at. */
const PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "browser.aboutwelcome.enabled": false,
  "browser.sessionstore.resume_from_crash": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "datareporting.healthreport.uploadEnabled": false,
  "toolkit.telemetry.enabled": false,
  "app.update.enabled": false,
  "app.normandy.enabled": false,
  "extensions.update.enabled": false,
  "extensions.systemAddon.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "dom.max_script_run_time": 0,
  "dom.timeout.enable_budget_timer_throttling": false,
  "browser.tabs.unloadOnLowMemory": false,
};

export const firefox: Runtime = {
  name: "firefox",
  find: () => findProgram("FIREFOX", "firefox-esr", "firefox"),
  install: "apt-get install firefox-esr, or name it by FIREFOX",
  has: ["compile", "worker", "indexeddb", "page", "server", "go"],
  start: (path, plan): Promise<Running> => {
    const profile = mkdtempSync(join(tmpdir(), "recrypt-firefox-"));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
    writeFileSync(join(profile, "user.js"), lines.join("\n"));
    const env = { ...process.env, HOME: profile, MOZ_HEADLESS: "1", MOZ_CRASHREPORTER_DISABLE: "1" };
    const child = start("firefox", path, ["--headless", "--no-remote", "--profile", profile, pageOf(plan, "page")], { env });
    const stop = async (): Promise<void> => {
      await child.stop();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    };
    return Promise.resolve({ ended: child.ended, stop });
  },
};
