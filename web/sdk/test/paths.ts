import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package; the tests run from its dist/test. */
const sdk = new URL("../../", import.meta.url);

/** Returns the path of a file of this package. */
export function sdkPath(path: string): string {
  return fileURLToPath(new URL(path, sdk));
}

/** Returns the path of a file of the repository. */
export function repoPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, sdk));
}

/** Returns the bytes of the real core: RECRYPT_WASM, or what `make wasm` builds. */
export function coreBytes(): Uint8Array<ArrayBuffer> {
  const path = process.env.RECRYPT_WASM ?? repoPath("wasm/dist/recrypt.wasm");
  if (!existsSync(path)) throw new Error("wasm/dist/recrypt.wasm is not built: run make wasm");
  return new Uint8Array(readFileSync(path));
}

/** Builds the Go reactor of the glue's tests and returns its bytes. */
export function buildReactor(): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), "reactor-"));
  try {
    const out = join(folder, "reactor.wasm");
    const build = spawnSync("go", ["build", "-buildmode=c-shared", "-o", out, "./web/sdk/test/testdata/reactor"], {
      cwd: repoPath(""),
      env: { ...process.env, GOOS: "wasip1", GOARCH: "wasm", CGO_ENABLED: "0" },
      encoding: "utf8",
    });
    if (build.status !== 0) throw new Error(`go build: ${build.error?.message ?? build.stderr}`);
    return new Uint8Array(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
