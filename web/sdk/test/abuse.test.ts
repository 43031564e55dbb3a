/** The table of abuse cases names tests that exist. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { sdkPath } from "./paths.js";

const read = (path: string): string => readFileSync(sdkPath(path), "utf8");

/** Returns the tests of a cell, "file: name, name; file: name", as file and name; a name may have a comma in it. */
function named(cell: string): { file: string; names: string }[] {
  return cell.split(";").map((part) => {
    const [file = "", ...names] = part.trim().split(": ");
    return { file, names: names.join(": ") };
  });
}

test("every abuse case has its tests", () => {
  const rows = read("ABUSE.md").split("\n").filter((line) => /^\| H\d+ \|/.test(line));
  assert.deepEqual(rows.map((row) => row.split("|")[1]?.trim()), ["H3", "H4", "H5"]);
  for (const row of rows) {
    const cells = row.split("|").map((cell) => cell.trim());
    assert.equal(cells.length, 6, cells[1]);
    for (const { file, names } of named(cells[4] ?? "")) {
      const there = [...read(file).matchAll(/\b(?:test|group)\("([^"]+)"/g)].map((m) => m[1] ?? "");
      let rest = names;
      while (rest !== "") {
        const name = there.filter((one) => rest.startsWith(one)).sort((a, b) => b.length - a.length)[0];
        assert.ok(name !== undefined, `${cells[1] ?? ""}: ${file} has no test "${rest}"`);
        rest = rest.slice(name.length).replace(/^, /, "");
      }
    }
  }
});
