/** The suite in a process of Node, Deno or Bun: `… process.js PLAN`, the plan in JSON. */

import { type Plan, post, runPlan } from "./index.js";

const host = globalThis as { process?: { argv: string[]; exit: (code: number) => never } };
const plan = JSON.parse(host.process?.argv[2] ?? "") as Plan;
try {
  await post(plan, "result", JSON.stringify(await runPlan(plan)));
} catch (e) {
  await post(plan, "broken", e instanceof Error ? (e.stack ?? e.message) : String(e));
}
host.process?.exit(0); // what tests have left open does not matter
