/** Measures the core in a worker, as it runs for people: warm, in a thread of its own, bytes in and bytes out. */

import { loadEngine, Recrypt, Suite } from "@recrypt-service/sdk";

import { bindingOperations } from "./binding.js";
import { measure, type Answer, type Question, type Row } from "./measure.js";

type Operations = Record<Row["operation"], () => void>;

/** Our operations on a shared key, made ready. */
function ours(r: Recrypt): Operations {
  const alice = r.generateKeyPair();
  const bob = r.generateKeyPair();
  const signer = r.generateEd25519KeyPair().privateKey;
  const plaintext = r.generatePlaintext();
  const key = r.generateTransformKey(alice.privateKey, bob.publicKey, signer);
  const value = r.encrypt(plaintext, alice.publicKey, signer);
  const shared = r.transform(value, key, signer);
  const opened = r.decrypt(shared, bob.privateKey);
  if (opened.length !== plaintext.length || opened.some((b, i) => b !== plaintext[i])) throw new Error("the core does not open what it made");
  return {
    open: () => { r.decrypt(shared, bob.privateKey); },
    transform: () => { r.transform(value, key, signer); },
    encrypt: () => { r.encrypt(plaintext, alice.publicKey, signer); },
  };
}

function say(answer: Answer): void {
  postMessage(answer);
}

async function answer({ runs, binding }: Question): Promise<void> {
  const engine = await loadEngine(undefined, { integrity: import.meta.env.VITE_MODULE_INTEGRITY });
  const sets: (readonly [Row["who"], Row["suite"], Operations])[] = [
    ["ours", "recrypt256", ours(new Recrypt(engine, Suite.Recrypt256))],
    ["ours", "recrypt480", ours(new Recrypt(engine, Suite.Recrypt480))],
  ];
  if (binding !== undefined) sets.push(["theirs", "recrypt256", await bindingOperations(binding)]);
  const all = 3 * sets.length * runs;
  let done = 0;
  const rows: Row[] = [];
  for (const operation of ["open", "transform", "encrypt"] as const) {
    for (const [who, suite, operations] of sets) {
      const times = measure(operations[operation], runs, () => {
        done++;
        if (done % 5 === 0) say({ done, all });
      });
      rows.push({ who, suite, operation, times });
    }
  }
  say({ rows });
}

addEventListener("message", (event: MessageEvent<Question>) => {
  answer(event.data).catch((error: unknown) => { say({ error: error instanceof Error ? error.message : String(error) }); });
});
