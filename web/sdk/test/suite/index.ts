/** The suite: every file that registers tests, in the order in which they run. */

import "./frame.js";
import "./glue.js";
import "./instances.js";
import "./engine.js";
import "./errors.js";
import "./rpc.js";
import "./worker.js";
import "./damage.js";
import "./vectors.js";
import "./ed25519.js";
import "./frozen.js";
import "./conformance.js";
import "./protocol.js";
import "./transcript.js";
import "./core.js";
import "./client.js";
import "./keystore.js";
import "./service.js";
import "./log.js";
import "./evil.js";
import "./sharing.js";
import "./deposits.js";
import "./events.js";
import "./go_client.js";
import "./evil_sharing.js";
import "./evil_keys.js";
import "./through_edge.js";
import "./cobblestone.js";
import "./documents.js";
import "./repository.js";

export { post, type Plan, type Result, runPlan } from "./env.js";
