import { connect, Core, IdKind, loadEngine, openStream, sealStream, Suite } from "@recrypt-service/sdk";

export async function example() {
  const [seed, recovery, key] = [0, 1, 2].map(() => crypto.getRandomValues(new Uint8Array(32)));
  const core = new Core(await loadEngine());
  const { id } = core.openIdentity(core.newIdentity(seed, recovery, [Suite.Recrypt480]));
  const sealed = new Blob(["hello"]).stream().pipeThrough(sealStream(key, id));
  const opened = await new Response(sealed.pipeThrough(openStream(key, id))).text();
  const service = await connect({ store: "memory" }); // a core of its own, in a worker
  const stored = await service.identities();
  service.close();
  return `${core.formatId(IdKind.Person, id).slice(0, 4)} opened "${opened}", ${stored.length} identities in the worker`;
}
