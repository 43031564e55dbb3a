/** A recrypt edge in Deno: deno run --allow-net --allow-env --allow-read main.ts */

import { edgeHandler, fromSettings } from "@recrypt-service/edge";
import { loadEngine } from "@recrypt-service/sdk";

const folder = Deno.env.get("EDGE_DATA") ?? "edge";
const settings = {
  ...Deno.env.toObject(),
  EDGE_SEED: Deno.readTextFileSync(`${folder}/edge.seed`), // a file, not the environment: other programs see that
  EDGE_IDENTITY: Deno.readTextFileSync(`${folder}/edge.identity`),
};
Deno.serve({ port: Number(Deno.env.get("PORT") ?? 8787) }, edgeHandler(fromSettings(settings, () => loadEngine())));
