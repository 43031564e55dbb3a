/**
 * Wrapping seeds by a passkey: the authenticator evaluates a pseudorandom
 * function on an input of ours (the PRF extension of WebAuthn), HKDF-SHA256
 * makes an AES-256-GCM key of its 32 bytes, and that wraps the seeds.
 *
 * ```
 *  key     = HKDF-SHA256(output, salt = input, info = label)
 *  context = label ‖ id (62) ‖ input (32) ‖ credential id
 *  sealed  = AES-256-GCM(key, nonce, seed 32 [‖ recovery seed 32], context)
 * ```
 *
 * A passkey can be lost with its device or its account, so it is never all that opens an identity: a
 * passphrase or a kit goes with it. The ceremony needs a page ({@link createPasskey}, {@link askPasskey});
 * the rest runs where the keys are.
 */

import { checkAborted } from "../client/errors.js";
import { KeyStoreError, type PasskeyWrap } from "./keystore.js";

const LABEL = "recrypt-service passkey v1";
const OUTPUT = 32;

/** What an authenticator said. */
export interface PasskeyOutput {
  /** Id of the WebAuthn credential, at most 1023 bytes. */
  readonly credential: Uint8Array;
  /** What the PRF was evaluated on, 32 bytes. */
  readonly input: Uint8Array;
  /** What came out, 32 bytes: a secret, overwritten by whoever takes it. */
  readonly output: Uint8Array;
}

/** The seeds that a wrap holds. */
export interface Seeds {
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** 32 bytes, if it is kept here. */
  readonly recovery?: Uint8Array;
}

/**
 * Wraps the seeds of an identity, and overwrites the authenticator's output.
 *
 * @param id - "rid1…"
 */
export async function wrapSeeds(passkey: PasskeyOutput, id: string, seeds: Seeds): Promise<PasskeyWrap> {
  const { credential, input } = passkey;
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const plain = new Uint8Array(seeds.recovery === undefined ? 32 : 64);
  try {
    const key = await deriveKey(passkey, "encrypt");
    plain.set(seeds.seed);
    if (seeds.recovery !== undefined) plain.set(seeds.recovery, 32);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: context(passkey, id) }, key, plain);
    return { credential: credential.slice(), input: input.slice(), nonce, sealed: new Uint8Array(sealed) };
  } finally {
    plain.fill(0);
    passkey.output.fill(0);
  }
}

/**
 * Opens the wrap of a passkey, and overwrites the authenticator's output. The caller overwrites the result.
 *
 * @throws {@link KeyStoreError} "passkey" if it is another passkey, or the wrap was changed
 */
export async function unwrapSeeds(passkey: PasskeyOutput, id: string, wraps: readonly PasskeyWrap[]): Promise<Seeds> {
  try {
    const wrap = wraps.find((w) => equal(w.credential, passkey.credential) && equal(w.input, passkey.input));
    if (wrap === undefined) throw new KeyStoreError("passkey", "open key: this passkey is not one of the identity's");
    const key = await deriveKey(passkey, "decrypt");
    const plain = new Uint8Array(await open(key, wrap, context(passkey, id)));
    const seeds = { seed: plain.slice(0, 32), ...(plain.length === 64 && { recovery: plain.slice(32) }) };
    plain.fill(0);
    return seeds;
  } finally {
    passkey.output.fill(0);
  }
}

async function open(key: CryptoKey, wrap: PasskeyWrap, additionalData: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: own(wrap.nonce), additionalData }, key, own(wrap.sealed));
    if (plain.byteLength === 32 || plain.byteLength === 64) return plain;
  } catch (cause) {
    throw new KeyStoreError("passkey", "open key: the passkey does not open what is stored, which was damaged", { cause });
  }
  throw new KeyStoreError("damaged", "open key: what is stored holds no key; restore it from a kit or a backup");
}

async function deriveKey(passkey: PasskeyOutput, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  if (passkey.output.length !== OUTPUT) throw new KeyStoreError("passkey", "the authenticator gave another number of bytes than 32");
  const secret = await crypto.subtle.importKey("raw", own(passkey.output), "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode(LABEL);
  const how = { name: "HKDF", hash: "SHA-256", salt: own(passkey.input), info };
  return crypto.subtle.deriveKey(how, secret, { name: "AES-GCM", length: 256 }, false, [use]);
}

function context(passkey: PasskeyOutput, id: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(LABEL + id);
  const out = new Uint8Array(text.length + passkey.input.length + passkey.credential.length);
  out.set(text);
  out.set(passkey.input, text.length);
  out.set(passkey.credential, text.length + passkey.input.length);
  return out;
}

/**
 * Asks the browser to make a passkey that evaluates a PRF. On the page only, and best from a click: browsers
 * refuse otherwise.
 *
 * @param name - of the identity, which the browser shows
 * @param known - credential ids that the identity has already: their authenticators make no second one
 * @throws {@link KeyStoreError} "passkey" if there is no authenticator that can, or the user refused
 */
export async function createPasskey(name: string, known: readonly Uint8Array[] = [], signal?: AbortSignal): Promise<PasskeyOutput> {
  const input = crypto.getRandomValues(new Uint8Array(32));
  const publicKey: PublicKeyCredentialCreationOptions = {
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    rp: { name: "recrypt" },
    user: { id: crypto.getRandomValues(new Uint8Array(32)), name, displayName: name },
    pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
    excludeCredentials: known.map((id) => ({ type: "public-key", id: own(id) })),
    extensions: { prf: { eval: { first: input } } },
  };
  const made = await ceremony((c) => c.create({ publicKey, ...(signal && { signal }) }), signal);
  const credential = new Uint8Array(made.rawId);
  const { prf } = made.getClientExtensionResults();
  if (prf?.results === undefined && prf?.enabled !== true) {
    throw new KeyStoreError("passkey", "this authenticator evaluates no PRF, which a passkey needs here: use another one, or a passphrase alone");
  }
  // Many say at creation only that they can, and evaluate when they are asked.
  if (prf.results === undefined) return askPasskey([{ credential, input }], signal);
  return { credential, input, output: bytes(prf.results.first) };
}

/**
 * Asks the browser for one of the passkeys of an identity. On the page only.
 *
 * @param wraps - credential and input of each
 * @throws {@link KeyStoreError} "passkey" if none is there, or the user refused
 */
export async function askPasskey(wraps: readonly Pick<PasskeyWrap, "credential" | "input">[], signal?: AbortSignal): Promise<PasskeyOutput> {
  if (wraps.length === 0) throw new KeyStoreError("passkey", "no passkey opens this identity: use its passphrase");
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    allowCredentials: wraps.map((w) => ({ type: "public-key", id: own(w.credential) })),
    userVerification: "required",
    extensions: { prf: { evalByCredential: Object.fromEntries(wraps.map((w) => [base64url(w.credential), { first: own(w.input) }])) } },
  };
  const given = await ceremony((c) => c.get({ publicKey, ...(signal && { signal }) }), signal);
  const credential = new Uint8Array(given.rawId);
  const wrap = wraps.find((w) => equal(w.credential, credential));
  const first = given.getClientExtensionResults().prf?.results?.first;
  if (wrap === undefined || first === undefined) {
    throw new KeyStoreError("passkey", "the authenticator did not evaluate the PRF: use another passkey, or the passphrase");
  }
  return { credential, input: wrap.input, output: bytes(first) };
}

async function ceremony(ask: (c: CredentialsContainer) => Promise<Credential | null>, signal: AbortSignal | undefined): Promise<PublicKeyCredential> {
  const { navigator } = globalThis as { navigator?: { credentials?: CredentialsContainer } };
  if (navigator?.credentials === undefined || typeof PublicKeyCredential !== "function") {
    throw new KeyStoreError("passkey", "there are no passkeys here: they need a page that came by https, or from localhost");
  }
  let credential: Credential | null;
  try {
    credential = await ask(navigator.credentials);
  } catch (cause) {
    checkAborted(signal);
    const name = cause instanceof Error ? cause.name : "";
    const why = name === "InvalidStateError" ? "this authenticator has a passkey of the identity already" : name === "NotAllowedError" ? "it was refused, or not answered in time" : "the browser could not do it";
    throw new KeyStoreError("passkey", `passkey: ${why}`, { cause });
  }
  if (credential instanceof PublicKeyCredential) return credential;
  throw new KeyStoreError("passkey", "passkey: the browser gave none");
}

function bytes(source: BufferSource): Uint8Array {
  return source instanceof ArrayBuffer ? new Uint8Array(source) : new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

/** WebCrypto and WebAuthn take no shared memory: the type says so, and ours never is. */
function own(b: Uint8Array): Uint8Array<ArrayBuffer> {
  return b as Uint8Array<ArrayBuffer>;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

function base64url(b: Uint8Array): string {
  return btoa(String.fromCharCode(...b)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
