/** The negative cases: what the peer did with odd arguments, and what the boundary does. */

import { Op, Status, u8 } from "../../src/index.js";
import { assert, same } from "./assert.js";
import { type Core, refusal } from "./boundary.js";
import { equal } from "./bytes.js";
import type { Place, VectorFile } from "./places.js";

/** Cases that the peer accepts and the boundary refuses (spec section 16). */
const stricter = [
  /^message-noncanonical$/,
  /^ephemeral-noncanonical$/,
  /^small-order-signer$/,
  /^tk-hashed-off-subgroup$/,
  /^tk-hashed-order-13/,
  /^tk-hashed-order-7369/, // the same attack with the cofactor's other factor
  /^plaintext-(any|noncanonical|zero)$/,
  /^symmetric-noncanonical$/,
  /^add-to-zero$/,
  /^schnorr-[rs]-noncanonical$/,
  /^ed-identity/,
];

/** What the peer says, and the status in its place. Stricter decoding may find a fault before. */
const statuses: readonly (readonly [RegExp, Status])[] = [
  [/signature of the encrypted value/, Status.Signature],
  [/transform key signature/, Status.Signature],
  [/decryption failed/i, Status.Decrypt],
  [/public key was not valid/, Status.Malformed],
  [/could not be decoded/, Status.Malformed],
  [/signing public key provided was invalid/, Status.Malformed],
];

/** How an operation of spec section 14 is written at the boundary. */
interface Form {
  readonly op: number;
  readonly results: 0 | 1;
  readonly args: (a: Place, suite: Uint8Array) => Uint8Array[];
  /** The result is the same each time, so that a recorded one can be compared. */
  readonly fixed?: boolean;
}

const forms: Readonly<Record<string, Form>> = {
  decrypt: { op: Op.Decrypt, results: 1, fixed: true, args: (a, s) => [s, a.get("encryptedValue").encryptedValue(), a.get("privateKey").bytes()] },
  transform: {
    op: Op.Transform,
    results: 1,
    args: (a, s) => [s, a.get("encryptedValue").encryptedValue(), a.get("transformKey").transformKey(), a.get("privateSigningKey").bytes()],
  },
  encrypt: {
    op: Op.Encrypt,
    results: 1,
    args: (a, s) => [s, a.get("plaintext").bytes(), a.get("toPublicKey").point(), a.get("privateSigningKey").bytes()],
  },
  augmentTransformKey: {
    op: Op.AugmentTransformKey,
    results: 1,
    fixed: true,
    args: (a, s) => [s, a.get("transformKey").transformKey(), a.get("privateKey").bytes()],
  },
  computePublicKey: { op: Op.PublicKey, results: 1, fixed: true, args: (a, s) => [s, a.get("privateKey").bytes()] },
  augmentPublicKey: {
    op: Op.AddPublicKeys,
    results: 1,
    fixed: true,
    args: (a, s) => [s, a.get("publicKey").point(), a.get("otherPublicKey").point()],
  },
  addPrivateKeys: { op: Op.AddPrivateKeys, results: 1, fixed: true, args: (a, s) => [s, a.get("privateKeyA").bytes(), a.get("privateKeyB").bytes()] },
  subtractPrivateKeys: {
    op: Op.SubtractPrivateKeys,
    results: 1,
    fixed: true,
    args: (a, s) => [s, a.get("privateKeyA").bytes(), a.get("privateKeyB").bytes()],
  },
  deriveSymmetricKey: { op: Op.DeriveSymmetricKey, results: 1, fixed: true, args: (a, s) => [s, a.get("plaintext").bytes()] },
  // The boundary has no operation for the public half alone; signing checks the key as well.
  computeEd25519PublicKey: { op: Op.Ed25519Sign, results: 1, args: (a) => [a.get("privateSigningKey").bytes(), new Uint8Array(0)] },
  schnorrVerify: {
    op: Op.SchnorrVerify,
    results: 0,
    args: (a, s) => [
      s,
      a.get("publicKey").point(),
      a.bytesAt("augmentingPrivateKey") ?? new Uint8Array(0),
      a.get("message").bytes(),
      a.get("signature").bytes(),
    ],
  },
  ed25519Verify: {
    op: Op.Ed25519Verify,
    results: 0,
    args: (a) => [a.get("publicSigningKey").bytes(), a.get("message").bytes(), a.get("signature").bytes()],
  },
};

/** Runs a negative case and compares the outcome with the peer's. */
export function runNegative(core: Core, file: VectorFile, p: Place): void {
  const name = p.get("op").string();
  const form = forms[name];
  assert.ok(form, `unknown operation ${name}`);
  const a = p.get("args");
  let args = form.args(a, u8(file.suite));
  const run = (): Uint8Array[] => core.run(form.op, form.results, ...args);
  if (stricter.some((s) => s.test(p.get("id").string()))) {
    assert.throws(run, refusal([Status.Malformed, Status.Signature]));
    return;
  }
  const odd = oddKeys(file, a);
  if (odd.length > 0) {
    assert.throws(run, refusal(Status.Malformed));
    const scalars = odd.map((key) => file.scalar(key));
    if (scalars.includes(0n)) return;
    args = args.map((x) => (odd.some((key) => equal(key, x)) ? file.privateKey(file.scalar(x)) : x));
  }
  const result = compare(p.get("peer"), run, form.fixed === true);
  if (result === undefined || !p.has("then")) return;
  const then = p.get("then");
  assert.equal(then.get("op").string(), "decrypt");
  compare(then.get("peer"), () => core.run(Op.Decrypt, 1, u8(file.suite), result, then.get("privateKey").bytes()), true);
}

/** Compares an outcome with the peer's and returns the result, if there is one. */
function compare(peer: Place, run: () => Uint8Array[], fixed: boolean): Uint8Array | undefined {
  const outcome = peer.get("outcome").string();
  if (outcome === "error" || outcome === "trap") {
    assert.throws(run, refusal(expected(peer)));
    return undefined;
  }
  assert.equal(outcome, "ok", "malformed vector: unknown outcome");
  if (peer.has("result") && peer.get("result").truth() === false) {
    assert.throws(run, refusal([Status.Signature, Status.Malformed]));
    return undefined;
  }
  const [result] = run();
  if (result !== undefined && fixed && peer.has("result")) {
    same(result, recorded(peer.get("result")), "result");
  }
  return result;
}

function expected(peer: Place): Status[] {
  const message = peer.has("message") ? peer.get("message").string() : "";
  const known = statuses.find(([text]) => text.test(message));
  return known === undefined ? [Status.Malformed] : [Status.Malformed, known[1]];
}

function recorded(result: Place): Uint8Array {
  if (!result.isObject()) return result.bytes();
  if (result.has("hashedTempKey")) return result.transformKey();
  return result.has("x") ? result.point() : result.encryptedValue();
}

/**
 * The private keys among the arguments that are not in [1, r-1]. The boundary
 * refuses those; the peer reduces them (spec section 5).
 */
function oddKeys(file: VectorFile, a: Place): Uint8Array[] {
  const keys = ["privateKey", "privateKeyA", "privateKeyB", "augmentingPrivateKey"].map((name) => a.bytesAt(name));
  return keys.filter((key): key is Uint8Array => {
    if (key?.length !== file.fieldSize) return false;
    const scalar = file.scalar(key);
    return scalar === 0n || !equal(file.privateKey(scalar), key);
  });
}
