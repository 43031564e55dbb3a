import assert from "node:assert/strict";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { buildGo, sdkPath } from "./paths.js";

describe("tools/wasm-test-runner.mjs", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "runner-"));
    writeFileSync(join(folder, "command.wasm"), buildGo("./web/sdk/test/testdata/command"));
    writeFileSync(join(folder, "here.txt"), "the working folder");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const run = (...args: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [sdkPath("tools/wasm-test-runner.mjs"), ...args], {
      cwd: folder,
      env: { ...process.env, RUNNER_TEST: "environment" },
      encoding: "utf8",
    });

  test("passes on arguments, environment, working folder and exit code", () => {
    const { stdout, stderr, status } = run("command.wasm", "-test.v");
    assert.equal(stdout, "-test.v|environment|the working folder");
    assert.equal(stderr, "");
    assert.equal(status, 7);
  });

  test("reports a panic and its exit code", () => {
    const { stderr, status } = run("command.wasm", "a", "b");
    assert.match(stderr, /on purpose/);
    assert.equal(status, 2);
  });

  test("fails on what is no program", () => {
    assert.equal(run().status, 2);
    assert.notEqual(run("missing.wasm").status, 0);
    assert.notEqual(run("here.txt").status, 0);
  });
});
