/** The one form of a server's URL, the twin of `httpsig.NormaliseURL`. */

import { ServiceError } from "./errors.js";

/** Characters of a URL. */
const MAX_URL = 256;

/**
 * Returns the one form of a server's URL: scheme, host in lower case, and the port unless it
 * is the scheme's own. A path, query or fragment is refused.
 *
 * @throws ServiceError "malformed"
 */
export function normaliseURL(raw: string): string {
  const bad = (what: string): ServiceError => new ServiceError("malformed", what);
  let url: URL;
  try {
    url = new URL(raw);
  } catch {
    throw bad("a server is given as http://HOST or https://HOST, with :PORT if it has one");
  }
  if (!/^https?:\/\//i.test(raw) || url.hostname === "") {
    throw bad("a server is given as http://HOST or https://HOST, with :PORT if it has one");
  }
  if (url.username !== "" || url.password !== "" || !/^\/*$/.test(url.pathname) || /[?#]/.test(raw)) {
    throw bad("a server's URL has no user, path, query or fragment");
  }
  if (!/^[!-~]+$/.test(raw) || /[\\%"]/.test(raw)) {
    throw bad("a server's host is written in ASCII; use the xn-- form of an international name");
  }
  if (url.port === "0") throw bad("a server's port is a number from 1 to 65535");
  const out = `${url.protocol}//${url.host}`;
  if (out.length > MAX_URL) throw bad(`a server's URL has at most ${MAX_URL} characters`);
  return out;
}

/** Returns the authority of a server's normalised URL: host, and the port unless it is the scheme's own. */
export function authorityOf(base: string): string {
  return base.slice(base.indexOf("://") + 3);
}
