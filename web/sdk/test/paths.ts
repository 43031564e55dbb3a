import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package; the tests run from its dist/test. */
const sdk = new URL("../../", import.meta.url);

/** Returns the path of a file of this package. */
export function sdkPath(path: string): string {
  return fileURLToPath(new URL(path, sdk));
}

/** Returns the path of a compiled file: dist, or where the compiler was told to put it. */
export function compiledPath(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** Returns the path of a file of the repository. */
export function repoPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, sdk));
}

/** Returns the folder of vectors that RECRYPT_VECTORS names. */
export function vectorFolder(): string | undefined {
  const given = process.env.RECRYPT_VECTORS;
  if (given === undefined || given === "") return undefined;
  const from = [process.cwd(), process.env.INIT_CWD ?? ".", repoPath("")]; // npm changes the working folder
  return from.map((base) => resolve(base, given)).find((path) => existsSync(path)) ?? given;
}

/** Returns the bytes of the real core: RECRYPT_WASM, or what `make wasm` builds. */
export function coreBytes(): Uint8Array<ArrayBuffer> {
  const path = process.env.RECRYPT_WASM ?? repoPath("wasm/dist/recrypt.wasm");
  if (!existsSync(path)) throw new Error("wasm/dist/recrypt.wasm is not built: run make wasm");
  return new Uint8Array(readFileSync(path));
}

/** Builds the Go reactor of the glue's tests and returns its bytes. */
export function buildReactor(): Uint8Array<ArrayBuffer> {
  return buildGo("./web/sdk/test/testdata/reactor", "-buildmode=c-shared");
}

/** Builds a Go package for wasip1 and returns the module's bytes. */
export function buildGo(pkg: string, ...flags: readonly string[]): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), "sdk-"));
  try {
    const out = join(folder, "out.wasm");
    const build = spawnSync("go", ["build", ...flags, "-o", out, pkg], {
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
