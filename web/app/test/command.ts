/** People at the command line: strangers, and other devices of people who have a page. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { binary } from "./world.js";

/** A home of its own for identities and files. */
export class Command {
  readonly folder = mkdtempSync(join(tmpdir(), "recrypt-command-"));
  readonly #server: string;

  constructor(server: string) {
    this.#server = server;
  }

  /** Runs a command in the home's folder, and returns what it prints. */
  run(...args: string[]): Promise<string> {
    // Key files without a passphrase open at once, and the native engine starts at once.
    const flags = ["--home", join(this.folder, "home"), "--server", this.#server, "--no-passphrase", "--engine", "native"];
    return new Promise((resolve, reject) => {
      execFile(binary(), [...args, ...flags], { cwd: this.folder }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout.trim());
        else reject(new Error(`recrypt ${args.join(" ")}: ${stderr}`));
      });
    });
  }

  /** Brings an identity here by its kit, as another device of the same person. */
  async restore(name: string, kit: readonly string[]): Promise<void> {
    this.write(`${name}.kit`, kit.join("\n"));
    await this.run("identity", "restore", `${name}.kit`, "--as", name);
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
