#!/usr/bin/env node
/**
 * Checks that whatever the package exports has a comment: every export of an entry, and every public
 * member of exported classes, interfaces and object types. `npm run check` runs it.
 *
 * Members whose name says it all need none where the type they belong to is documented: properties of
 * a plain type, values of an enumeration, overloads after the first, and what sets what a documented
 * method returns (`setHead` beside `head`). Methods and functions always do.
 */

import { fileURLToPath } from "node:url";

import ts from "typescript";

const sdk = fileURLToPath(new URL("../", import.meta.url));
const entries = ["src/index.ts", "src/inline.ts", "src/worker_main.ts", "wasm_exec.js"].map((name) => sdk + name);

const config = ts.getParsedCommandLineOfConfigFile(sdk + "tsconfig.json", {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined });
if (config === undefined) throw new Error("tsconfig.json is not readable");
const program = ts.createProgram(entries, { ...config.options, noEmit: true });
const checker = program.getTypeChecker();

/** @type {Set<string>} */
const missing = new Set();
let count = 0;

/** @param {ts.Symbol} symbol */
const documented = (symbol) => symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;

/** @param {ts.Symbol} symbol @param {string} name */
function require(symbol, name) {
  count++;
  if (documented(symbol)) return;
  const at = symbol.declarations?.[0];
  const file = at?.getSourceFile();
  const line = at === undefined || file === undefined ? "" : `:${file.getLineAndCharacterOfPosition(at.getStart()).line + 1}`;
  missing.add(`${(file?.fileName ?? "").replace(sdk, "")}${line}: ${name}`);
}

/** @param {ts.Symbol} symbol */
function own(symbol) {
  return (symbol.declarations ?? []).some((d) => d.getSourceFile().fileName.startsWith(sdk) && !d.getSourceFile().fileName.includes("node_modules"));
}

/** @param {ts.Symbol} symbol @param {string} name */
function visit(symbol, name) {
  if (!own(symbol)) return;
  require(symbol, name);
  const members = [...(symbol.members?.values() ?? []), ...(symbol.flags & ts.SymbolFlags.Class ? symbol.exports?.values() ?? [] : [])];
  for (const member of members) {
    if (!(member.flags & (ts.SymbolFlags.Method | ts.SymbolFlags.Accessor))) continue;
    const declaration = member.declarations?.[0];
    if (declaration === undefined || !own(member) || ts.isPrivateIdentifier(/** @type {any} */ (declaration).name)) continue;
    if (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) continue;
    const [, verb, rest = ""] = /^(set|pin)([A-Z].*)$/.exec(member.name) ?? [];
    const gets = verb === "pin" ? `pinned${rest}` : rest.charAt(0).toLowerCase() + rest.slice(1);
    const getter = verb === undefined ? undefined : members.find((m) => m.name === gets);
    if (getter === undefined || !documented(getter)) require(member, `${name}.${member.name}`);
  }
}

for (const entry of entries) {
  const file = program.getSourceFile(entry);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) continue;
  for (const symbol of checker.getExportsOfModule(module)) {
    visit(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol, symbol.name);
  }
}
if (missing.size > 0) {
  console.error(`exported without a comment:\n${[...missing].sort().map((line) => `  ${line}`).join("\n")}`);
  process.exit(1);
}
console.log(`${count} exports and their methods are documented`);
