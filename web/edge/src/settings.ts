/** The settings of an edge as texts, as runtimes keep them. */

import { fromBase64url, type Caller } from "@recrypt-service/sdk";
import type { EdgeConfig } from "./edge.js";

/** What an edge is told. The seed is a secret: keep it where your platform keeps secrets. */
export interface Settings {
  /** Base URL of the server. */
  readonly RECRYPT_ORIGIN?: string;
  /** The server's id, "rsv1…". */
  readonly RECRYPT_SERVICE?: string;
  /** The content of edge.seed: 43 characters. */
  readonly EDGE_SEED?: string;
  /** The content of edge.identity. */
  readonly EDGE_IDENTITY?: string;
  /** Origins whose pages may use this edge, with spaces between; empty: none. */
  readonly ALLOW_ORIGINS?: string;
}

/**
 * Reads the settings of an edge.
 *
 * @throws TypeError with the name of the setting that is missing or not well-formed; never with its content
 */
export function fromSettings(settings: Settings, load: () => Promise<Caller>): EdgeConfig {
  const origin = needed(settings, "RECRYPT_ORIGIN");
  if (!URL.canParse(origin)) throw new TypeError("RECRYPT_ORIGIN is not a URL");
  return {
    origin,
    service: needed(settings, "RECRYPT_SERVICE"),
    seed: bytes(settings, "EDGE_SEED"),
    identity: bytes(settings, "EDGE_IDENTITY"),
    allowOrigins: (settings.ALLOW_ORIGINS ?? "").split(" ").filter((o) => o !== ""),
    load,
  };
}

function needed(settings: Settings, name: keyof Settings): string {
  const value = settings[name]?.trim();
  if (value === undefined || value === "") throw new TypeError(`${name} is not set: see the README of the edge`);
  return value;
}

function bytes(settings: Settings, name: keyof Settings): Uint8Array {
  const value = fromBase64url(needed(settings, name));
  if (value === undefined) throw new TypeError(`${name} is not what recrypt edge init has written`);
  return value;
}
