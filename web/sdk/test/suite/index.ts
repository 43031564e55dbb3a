/** The suite: every file that registers tests, in the order in which they run. */

import "./frame.js";

export { post, type Plan, type Result, runPlan } from "./env.js";
