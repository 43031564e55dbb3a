/**
 * The recrypt core for JavaScript: an {@link Engine} runs the WebAssembly module,
 * and the codec packs what goes in and takes apart what comes out.
 *
 * @packageDocumentation
 */

export { Engine, lazy, type Caller } from "./engine.js";
export { RecryptError } from "./error.js";
export { type Outcome, outcomes, pack, Reader, text, u8, u32, u64, unpack } from "./frame.js";
export { ABI_VERSION, Deposit, GrantKind, IdKind, MAX_BATCH, MAX_REQUEST, Op, Relation, SecretKind, Status, Suite } from "./ops.js";
export type { GoOptions } from "../wasm_exec.js";
