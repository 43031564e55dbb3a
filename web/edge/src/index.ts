/** The edge for every runtime; the folders `workers`, `deno` and `bun` have it in theirs. */

export { type EdgeConfig, edgeHandler, MAX_ANSWER, MAX_REQUEST, PATH } from "./edge.js";
export { fromSettings, type Settings } from "./settings.js";
