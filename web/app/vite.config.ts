/**
 * Builds the page into dist/, from where package app embeds it: one script and one style sheet with hashes in
 * their names, the SDK's worker and module beside them, each with an integrity attribute or an integrity in
 * the script, and each compressed beforehand.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const dist = process.env.RECRYPT_APP_OUT ?? join(import.meta.dirname, "dist");
const keep = "placeholder.html"; // committed, so that the Go package compiles without a build

/** The integrity of a file, as in HTML. */
function integrity(bytes: Uint8Array): string {
  return `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
}

/** Gives every script and style sheet of the page its integrity. */
function pinned(html: string): string {
  return html.replace(/<(script|link)\b([^>]*?)\b(src|href)="\/(assets\/[^"]+)"([^>]*)>/g, (_, tag: string, before: string, name: string, file: string, after: string) => {
    const attributes = `${before}${name}="/${file}"${after}`;
    return `<${tag}${attributes} integrity="${integrity(readFileSync(join(dist, file)))}">`;
  });
}

/** Compresses what is worth it. Pictures would not shrink, and small files travel in one packet anyway. */
async function compress(file: string): Promise<void> {
  const bytes = readFileSync(file);
  if (bytes.length < 1024 || file.endsWith(".png")) return;
  const smallest = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  const [br, gz] = await Promise.all([promisify(brotliCompress)(bytes, smallest), promisify(gzip)(bytes, { level: 9 })]);
  if (br.length < bytes.length) writeFileSync(`${file}.br`, br);
  if (gz.length < bytes.length) writeFileSync(`${file}.gz`, gz);
}

function served(): Plugin {
  return {
    name: "recrypt-served",
    apply: "build",
    buildStart() {
      mkdirSync(dist, { recursive: true });
      for (const name of readdirSync(dist)) if (name !== keep) rmSync(join(dist, name), { recursive: true });
    },
    async closeBundle() {
      const page = join(dist, "index.html");
      writeFileSync(page, pinned(readFileSync(page, "utf8")));
      const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((f) => f.isFile() && f.name !== keep);
      await Promise.all(files.map((f) => compress(join(f.parentPath, f.name))));
    },
  };
}

/** The module as the SDK has it. Its integrity goes into the script, whose own is in the page. */
const module = join(import.meta.dirname, "../sdk/dist/src/recrypt.wasm");

export default defineConfig({
  plugins: [served()],
  define: { "import.meta.env.VITE_MODULE_INTEGRITY": JSON.stringify(integrity(readFileSync(module))) },
  worker: { format: "es" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: dist,
    emptyOutDir: false, // see keep
    assetsInlineLimit: 0, // the page's policy has no data: URLs
    modulePreload: false,
    reportCompressedSize: false,
  },
});
