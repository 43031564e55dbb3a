import { Status } from "./ops.js";

const messages: Readonly<Record<number, string>> = {
  [Status.Malformed]: "malformed input",
  [Status.Signature]: "signature does not verify",
  [Status.Decrypt]: "decryption failed",
  [Status.Passphrase]: "wrong passphrase or damaged key file",
  [Status.Mismatch]: "records do not belong together",
  [Status.Suite]: "unknown, unavailable or mixed suite",
  [Status.TooLarge]: "input too large",
  [Status.Weak]: "key-stretching parameters are too weak",
  [Status.Operation]: "unknown operation",
  [Status.Internal]: "internal error of the core",
  [Status.Stopped]: "stopped",
};

/** An answer of the core other than OK, or the failure of the core itself. */
export class RecryptError extends Error {
  override readonly name = "RecryptError";

  /** What went wrong; to branch on. */
  readonly status: Status;

  /**
   * @param status - any but `Status.OK`
   * @param message - for people; never contains input. Default: what the status means
   * @param options - `cause`, where there is one
   */
  constructor(status: Status, message?: string, options?: ErrorOptions) {
    super(message ?? messages[status] ?? "unknown status", options);
    this.status = status;
  }
}
