/** The files of this package as texts; written by the build. */

/** recrypt.wasm: gzip, in base64. */
export declare const wasm: string;

/** The source of worker.js. */
export declare const worker: string;
