/** A recrypt edge in Bun: bun run main.ts */

import { edgeHandler, fromSettings } from "@recrypt-service/edge";
import { loadEngine } from "@recrypt-service/sdk";

const folder = Bun.env.EDGE_DATA ?? "edge";
const settings = {
  ...Bun.env,
  EDGE_SEED: await Bun.file(`${folder}/edge.seed`).text(), // a file, not the environment: other programs see that
  EDGE_IDENTITY: await Bun.file(`${folder}/edge.identity`).text(),
};
const server = Bun.serve({ port: Number(Bun.env.PORT ?? 8787), fetch: edgeHandler(fromSettings(settings, () => loadEngine())) });
console.log(`listening on ${server.url}`);
