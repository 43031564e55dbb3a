/**
 * End-to-end encrypted sharing for web developers, in browsers, Node, Deno, Bun and Workers.
 *
 * | to | use |
 * |---|---|
 * | share and read, with keys kept here | {@link connect}, and from there {@link Service} and {@link Session} |
 * | call a server with keys of one's own place | {@link Client}, {@link loadEngine}, {@link Core} |
 * | use the cryptography alone, as recrypt-rs has it | {@link Recrypt}, {@link loadEngine} |
 * | encrypt streams with keys of one's own | {@link sealStream}, {@link openStream} |
 *
 * Nothing happens when this is imported. Every error has a `code` or `status` to branch on, and a message that
 * says what to do.
 *
 * @packageDocumentation
 */

export { connect } from "./connect.js";
export type * from "./types.js";

export { CallError, type CallErrorCode } from "./call_error.js";
export { type ErrorCode, type ErrorKind, hasCode, isKind, ServiceError, type ServiceErrorOptions } from "./client/errors.js";
export { RecryptError } from "./error.js";
export { LoadError, type LoadErrorCode } from "./load_error.js";

export { type KeyEntry, type KeyStore, KeyStoreError, type KeyStoreErrorCode, type PasskeyWrap } from "./keystore/keystore.js";
export { IndexedDBKeyStore } from "./keystore/indexeddb.js";
export { MemoryKeyStore } from "./keystore/memory.js";

export { loadEngine, loadModule, type LoadOptions, type WasmValue } from "./load.js";
export { type Caller, Engine, lazy } from "./engine.js";
export { Core } from "./core.js";
export { type KeyPair, Recrypt } from "./recrypt.js";
export type * from "./records.js";
export { ABI_VERSION, Deposit, GrantKind, IdKind, MAX_BATCH, MAX_REQUEST, Op, Relation, SecretKind, Status, Suite } from "./ops.js";
export { type Outcome, outcomes, pack, Reader, text, u8, u32, u64, unpack } from "./frame.js";

export { Client, type CallOptions, type ClientConfig, type Person, type ServerRecord } from "./client/client.js";
export { type Answer, type Body, type Operation, type paths, type Schemas, serviceFetch, signing, signRequest } from "./client/api.js";
export { isDocument, peekDocument, type DocumentHeader } from "./client/document.js";
export { IndexedDBState } from "./client/state_indexeddb.js";
export { MemoryState, type State } from "./client/state.js";
export { formatId, fromBase64url, parseId, toBase64url } from "./client/text.js";
export { StreamError, type StreamFault } from "./chunks.js";
export { encryptedSize, openStream, plaintextSize, type RangeOptions, type Section, section, sealStream } from "./cobblestone.js";

export { TRUSTED_TYPES_POLICY } from "./worker_url.js";
export type { GoOptions } from "../wasm_exec.js";
