/** Why a call did not reach the core, or its answer did not come back. */
export type CallErrorCode =
  /** The call came before the initialisation had ended. */
  | "not_ready"
  /** The worker ended, or was ended, before it had answered. */
  | "worker_died"
  /** The engine or the service was closed. */
  | "closed"
  /** The identity was locked: unlock it again. */
  | "locked";

const messages: Readonly<Record<CallErrorCode, string>> = {
  not_ready: "called before the initialisation ended: await connect() first",
  worker_died: "the worker ended without an answer: call connect() again, and unlock the identity",
  closed: "closed: call connect() again",
  locked: "the identity is locked: unlock it again",
};

/** A call that was not carried out, or whose end is not known. */
export class CallError extends Error {
  override readonly name = "CallError";

  /** What is the matter; to branch on. */
  readonly code: CallErrorCode;

  /**
   * @param code - to branch on
   * @param message - for people. Default: what the code means and what to do
   * @param options - `cause`, where there is one
   */
  constructor(code: CallErrorCode, message?: string, options?: ErrorOptions) {
    super(message ?? messages[code], options);
    this.code = code;
  }
}
