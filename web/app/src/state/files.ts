/** Files and their names, on the way in and out. */

/** The ending of encrypted documents. */
export const ENDING = ".recrypt";

/** The path of published documents on their server. */
const DOCUMENTS = "/v1/documents/";

/** Gives the browser a file to save, which asks the person or puts it among the downloads. */
export function save(content: Blob, name: string): void {
  // Never shown, whatever it is: without a type of its own a browser cannot take it for a page.
  const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => { URL.revokeObjectURL(url); }, 60_000);
}

/** The name of an encrypted file. */
export function encryptedName(name: string): string {
  return name + ENDING;
}

/** The name of what is in an encrypted file: never a path, never one that only looks like another. */
export function openedName(name: string): string {
  const base = plainName(name.split(/[/\\]/).at(-1) ?? "");
  const cut = base.toLowerCase().endsWith(ENDING) ? base.slice(0, -ENDING.length) : base;
  return cut === "" || /^\.+$/.test(cut) ? "document" : cut;
}

/** Without what steers or mirrors text: a name is shown, and comes from others. */
export function plainName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "").trim().slice(0, 200);
}

/** Where a document is published, and what it is to be called. */
export interface Place {
  readonly id: string;
  readonly name?: string;
}

/**
 * Reads the address of a published document: a link of this app, its URL on this server, or its id.
 * Undefined: it is none. "elsewhere": it is on another server, which this page does not fetch from.
 */
export function parsePlace(text: string, origin: string): Place | "elsewhere" | undefined {
  const given = text.trim();
  if (/^[a-z2-7]{52}$/.test(given)) return { id: given };
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    return undefined;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  if (url.origin !== origin) return "elsewhere";
  const [, id = "", name = ""] = /^#\/open\/([a-z2-7]{52})(?:\/([^/]*))?$/.exec(url.hash) ?? [];
  if (url.pathname === "/" && id !== "") {
    return name === "" ? { id } : { id, name: openedName(safeDecode(name)) };
  }
  const [, path = ""] = new RegExp(`^${DOCUMENTS}([a-z2-7]{52})$`).exec(url.pathname) ?? [];
  return path === "" ? undefined : { id: path };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Pictures that are shown, by how their files begin. What they say of themselves counts for nothing. */
const PICTURES: readonly (readonly [type: string, at: number, magic: string])[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF8"],
  ["image/webp", 8, "WEBP"],
];

/** The largest text and picture that are shown, in bytes. */
const SHOWN_TEXT = 256 << 10;
const SHOWN_PICTURE = 32 << 20;

/** What can be shown of a document: nothing of it is ever interpreted as a page. */
export type Preview = { readonly kind: "text"; readonly text: string } | { readonly kind: "picture"; readonly url: string } | { readonly kind: "none" };

/** Finds out what can be shown. The URL of a picture is to be revoked. */
export async function preview(content: Blob): Promise<Preview> {
  const start = String.fromCharCode(...new Uint8Array(await content.slice(0, 16).arrayBuffer()));
  const picture = PICTURES.find(([, at, magic]) => start.startsWith(magic, at));
  if (picture !== undefined && content.size <= SHOWN_PICTURE) {
    return { kind: "picture", url: URL.createObjectURL(new Blob([content], { type: picture[0] })) };
  }
  if (content.size > SHOWN_TEXT) return { kind: "none" };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await content.arrayBuffer());
     
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? { kind: "none" } : { kind: "text", text };
  } catch {
    return { kind: "none" };
  }
}
