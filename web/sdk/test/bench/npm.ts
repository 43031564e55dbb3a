/** The operations of a party of the interop check, for recrypt256: those of upstream's npm package. */

import type { Party } from "../interop/party.js";
import type { Operation } from "./worker.js";

/** Returns the operations by their names. What they work on is made first. */
export async function partyOperations(party: Party): Promise<Map<string, Operation>> {
  await party.reseed("bench");
  const alice = await party.generateKeyPair();
  const bob = await party.generateKeyPair();
  const carol = await party.generateKeyPair();
  const signer = (await party.generateSigningKeyPair()).privateKey;
  const plaintext = await party.generatePlaintext();
  const toBob = await party.transformKey(alice.privateKey, bob.publicKey, signer);
  const toCarol = await party.transformKey(bob.privateKey, carol.publicKey, signer);
  const value0 = await party.encrypt(plaintext, alice.publicKey, signer);
  const value1 = await party.transform(value0, toBob, signer);
  const value2 = await party.transform(value1, toCarol, signer);
  const decrypt = (value: Uint8Array, key: Uint8Array) => async (): Promise<void> => {
    if (Buffer.compare(await party.decrypt(value, key), plaintext) !== 0) throw new Error("another plaintext came out");
  };

  return new Map<string, Operation>([
    ["key_pair", () => party.generateKeyPair()],
    ["plaintext", () => party.generatePlaintext()],
    ["transform_key", () => party.transformKey(alice.privateKey, bob.publicKey, signer)],
    ["encrypt", () => party.encrypt(plaintext, alice.publicKey, signer)],
    ["decrypt_0", decrypt(value0, alice.privateKey)],
    ["transform_1", () => party.transform(value0, toBob, signer)],
    ["decrypt_1", decrypt(value1, bob.privateKey)],
    ["transform_2", () => party.transform(value1, toCarol, signer)],
    ["decrypt_2", decrypt(value2, carol.privateKey)],
  ]);
}
