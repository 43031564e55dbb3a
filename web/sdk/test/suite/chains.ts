/** The positive cases of both schemas in one form. */

import type { Place, VectorFile } from "./places.js";

/** An encryption or signing key pair. */
export interface Pair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A transform key; made from `before` by augmenting with `augmentedBy`, if these are given. */
export interface TransformKey {
  readonly from: string;
  readonly to: string;
  readonly signer: string;
  readonly value: Uint8Array;
  readonly before?: Uint8Array;
  readonly augmentedBy?: Uint8Array;
}

/** An encrypted value of level 0, or the transform of the one before. */
export interface Step {
  readonly signer: string;
  readonly key: string;
  readonly value: Uint8Array;
  /** Private key that was drawn for level 0. */
  readonly ephemeral?: Uint8Array;
  /** Which transform key made it. */
  readonly transformKey: number;
}

/** A Schnorr signature with its nonce. */
export interface Schnorr extends Pair {
  readonly augmenting?: Uint8Array | undefined;
  readonly message: Uint8Array;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
  readonly badMessage?: Uint8Array | undefined;
}

/** Everything of one case. */
export interface Chain {
  readonly keys: Map<string, Pair>;
  readonly signing: Map<string, Pair>;
  readonly plaintext: { bytes: Uint8Array; symmetricKey: Uint8Array; derived: Pair };
  readonly augmentation?: { key: string; server: Pair; publicKey: Uint8Array; sum: Uint8Array; difference: Uint8Array };
  readonly transformKeys: TransformKey[];
  readonly steps: Step[];
  readonly schnorr: Schnorr[];
  readonly ed25519: { signer: string; message: Uint8Array; signature: Uint8Array }[];
}

/** Name of the key that stands for A's after augmenting. */
const AUGMENTED = "A+SERVER";

function pair(p: Place): Pair {
  return { privateKey: p.get("privateKey").bytes(), publicKey: p.get("publicKey").point() };
}

/** Reads a case in the schema of spec section 15. */
export function readPeerCase(file: VectorFile, p: Place): Chain {
  const at = (key: string): Place => p.get(key);
  const keys = new Map(at("keys").names().map((name) => [name, pair(at("keys").get(name))]));
  const signing = new Map(
    at("signing").names().map((name) => {
      const k = at("signing").get(name);
      return [name, { privateKey: k.get("privateKey").bytes(), publicKey: k.get("publicKey").bytes() }];
    }),
  );
  const augmentation = p.has("augmentation") ? readPeerAugmentation(at("augmentation")) : undefined;
  if (augmentation) keys.set(AUGMENTED, { privateKey: augmentation.sum, publicKey: augmentation.publicKey });
  const text = at("plaintext");
  return {
    keys,
    signing,
    plaintext: {
      bytes: text.get("bytes").bytes(),
      symmetricKey: text.get("derivedSymmetricKey").bytes(),
      derived: { privateKey: text.get("derivedPrivateKey").bytes(), publicKey: text.get("derivedPublicKey").point() },
    },
    ...(augmentation && { augmentation }),
    transformKeys: at("transformKeys").list().map((k) => readPeerTransformKey(file, k, augmentation?.server.privateKey)),
    steps: at("encrypted").list().map((s, level) => {
      if (s.get("level").number() !== level) s.fail("levels out of order");
      return {
        signer: s.get("signer").string(),
        key: s.get("decryptWith").string(),
        value: s.get("value").encryptedValue(),
        ...(level === 0 && { ephemeral: s.get("random").get("ephemeralPrivateKey").bytes() }),
        transformKey: level - 1,
      };
    }),
    schnorr: at("schnorr").list().map((s) => ({
      ...pair(s),
      augmenting: s.bytesAt("augmentingPrivateKey"),
      message: s.get("message").bytes(),
      nonce: s.get("k").bytes(),
      signature: s.get("signature").bytes(),
    })),
    ed25519: at("ed25519").list().map((s) => ({
      signer: s.get("signer").string(),
      message: s.get("message").bytes(),
      signature: s.get("signature").bytes(),
    })),
  };
}

function readPeerAugmentation(a: Place): NonNullable<Chain["augmentation"]> {
  return {
    key: "A",
    server: pair(a.get("server")),
    publicKey: a.get("augmentedPublicKey").point(),
    sum: a.get("sumPrivateKey").bytes(),
    difference: a.get("differencePrivateKey").bytes(),
  };
}

function readPeerTransformKey(file: VectorFile, k: Place, server: Uint8Array | undefined): TransformKey {
  const value = k.get("value").transformKey();
  const common = { from: k.get("from").string(), to: k.get("to").string(), signer: k.get("signer").string(), value };
  if (!k.has("augmentedBy")) return common;
  if (server === undefined) k.fail("augmented without an augmentation");
  const before = value.slice();
  before.set(k.get("unaugmentedHashedTempKey").bytes(), 16 * file.fieldSize);
  return { ...common, before, augmentedBy: server };
}

const keyName = (i: number): string => `[${i}]`;

/** Reads a case in the hexadecimal schema. */
export function readNativeCase(p: Place): Chain {
  const at = (key: string): Place => p.get(key);
  const ref = (q: Place, key: string): string => keyName(q.get(key).index());
  const keys = new Map(at("keyPairs").list().map((k, i) => [keyName(i), pair(k)]));
  const first = at("encryptedValue");
  const steps: Step[] = [
    {
      signer: ref(first, "signedBy"),
      key: ref(first, "encryptedTo"),
      value: first.get("value").encryptedValue(),
      ephemeral: first.get("randomBytes").joined(),
      transformKey: -1,
    },
  ];
  for (let level = 1; p.has(`transformedLevel${level}`); level++) {
    const s = at(`transformedLevel${level}`);
    const value = s.get("value").encryptedValue();
    steps.push({ signer: ref(s, "signedBy"), key: ref(s, "decryptableBy"), value, transformKey: s.get("transformKey").index() });
  }
  const text = at("plaintext");
  const signer = at("schnorr").get("key").index();
  return {
    keys,
    signing: new Map(
      at("signingKeyPairs").list().map((k, i) => {
        const key = k.get("key");
        return [keyName(i), { privateKey: key.get("privateSigningKey64").bytes(), publicKey: key.get("publicSigningKey").bytes() }];
      }),
    ),
    plaintext: {
      bytes: text.get("bytes").bytes(),
      symmetricKey: text.get("derivedSymmetricKey").bytes(),
      derived: { privateKey: text.get("derivedPrivateKey").bytes(), publicKey: text.get("publicKeyOfDerivedPrivateKey").point() },
    },
    transformKeys: at("transformKeys").list().map((k) => ({
      from: ref(k, "from"),
      to: ref(k, "to"),
      signer: ref(k, "signedBy"),
      value: k.get("transformKey").transformKey(),
    })),
    steps,
    schnorr: [readNativeSchnorr(at("schnorr"), keys.get(keyName(signer)) ?? p.fail("no such key"))],
    ed25519: [
      { signer: ref(at("ed25519"), "signedBy"), message: at("ed25519").get("message").bytes(), signature: at("ed25519").get("signature").bytes() },
    ],
  };
}

function readNativeSchnorr(s: Place, keys: Pair, augmenting?: Uint8Array): Schnorr {
  const nonce = s.get("randomBytes").list().at(-1)?.bytes() ?? s.fail("no nonce");
  const rest = { message: s.get("message").bytes(), nonce, signature: s.get("signature").bytes() };
  return { ...keys, augmenting, ...rest, badMessage: s.bytesAt("messageThatMustNotVerify") };
}

/** Reads the augmentation of a case in the hexadecimal schema, as a case of its own. */
export function readNativeAugmented(p: Place, base: Chain): Chain {
  const a = p.get("augmentation");
  const server = { privateKey: a.get("serverPrivateKey").bytes(), publicKey: a.get("serverPublicKey").point() };
  const publicKey = a.get("augmentedPublicKeyOfKeyPairs0").point();
  const sum = a.get("privateKey0PlusServer").bytes();
  const [key, signer] = [base.keys.get(keyName(0)), base.steps[1]?.signer];
  const [unaugmented] = base.transformKeys;
  if (key === undefined || signer === undefined || unaugmented === undefined) return p.fail("nothing to augment");
  const first = a.get("encryptedToAugmentedPublicKey");
  const second = a.get("transformedWithAugmentedTransformKeyDecryptableByKeyPairs1");
  return {
    keys: new Map([...base.keys, [AUGMENTED, { privateKey: sum, publicKey }]]),
    signing: base.signing,
    plaintext: base.plaintext,
    augmentation: { key: keyName(0), server, publicKey, sum, difference: a.get("privateKey0MinusServer").bytes() },
    transformKeys: [
      {
        ...unaugmented,
        before: unaugmented.value,
        augmentedBy: server.privateKey,
        value: a.get("transformKeys0AugmentedWithServerPrivateKey").transformKey(),
      },
    ],
    steps: [
      {
        signer: keyName(first.get("signedBy").index()),
        key: AUGMENTED,
        value: first.get("value").encryptedValue(),
        ephemeral: first.get("randomBytes").joined(),
        transformKey: -1,
      },
      { signer, key: keyName(1), value: second.get("value").encryptedValue(), transformKey: 0 },
    ],
    schnorr: [
      readNativeSchnorr(
        a.get("schnorrSignedWithKeyPairs0PrivateAndAugmentedPublic"),
        { privateKey: key.privateKey, publicKey },
        server.privateKey,
      ),
    ],
    ed25519: [],
  };
}
