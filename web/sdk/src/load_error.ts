/** Why there is no engine. */
export type LoadErrorCode =
  /** Something else came in place of WebAssembly: mostly a server's HTML page. */
  | "mime"
  /** The place forbids to compile WebAssembly. */
  | "csp"
  /** The module did not come: network, status, address. */
  | "fetch"
  /** Other bytes than expected, or no way to tell. */
  | "integrity"
  /** The browser or runtime lacks something. */
  | "old_engine"
  /** A module, and not a recrypt core; or a damaged one. */
  | "not_a_core"
  /** A core of another version than this package. */
  | "version"
  /** The core failed when it was started. */
  | "start"
  /** The worker did not start. */
  | "worker";

/** A failure to get or start the core. The message says what to do; nothing is kept of it, a later attempt is fresh. */
export class LoadError extends Error {
  override readonly name = "LoadError";

  /** What is the matter; to branch on. */
  readonly code: LoadErrorCode;

  /**
   * @param code - to branch on
   * @param message - for people, with what to do
   * @param options - `cause`, where there is one
   */
  constructor(code: LoadErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
