import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const file = (name) => fileURLToPath(import.meta.resolve(`@recrypt-service/sdk/${name}`));
const common = { bundle: true, minify: true, outdir: "dist", target: "es2022" };

// Worker and module lie beside the bundle, which looks for them there.
await build({ ...common, entryPoints: ["main.js", file("worker"), file("recrypt.wasm")], format: "esm", splitting: true, entryNames: "[name]", loader: { ".wasm": "copy" } });
// Or everything in one script.
await build({ ...common, entryPoints: ["inline.js"], format: "iife", logOverride: { "empty-import-meta": "silent" } });
for (const page of ["index.html", "inline.html"]) await copyFile(page, `dist/${page}`);
