/** The classes of errors that come through a port as what they are. */

import { CallError } from "./call_error.js";
import { StreamError } from "./chunks.js";
import { ServiceError } from "./client/errors.js";
import { RecryptError } from "./error.js";
import { KeyStoreError } from "./keystore/keystore.js";
import { LoadError } from "./load_error.js";
import type { ErrorClass } from "./rpc_values.js";

/** Returns the classes by the name that their errors bear. */
export function errorClasses(): ReadonlyMap<string, ErrorClass> {
  const own: Record<string, ErrorClass> = { CallError, KeyStoreError, LoadError, RecryptError, ServiceError, StreamError };
  const general = [TypeError, RangeError, SyntaxError, EvalError, ReferenceError, URIError];
  return new Map<string, ErrorClass>([...Object.entries(own), ...general.map((c) => [c.name, c] as const)]);
}
