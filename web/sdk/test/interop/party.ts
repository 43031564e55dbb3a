/** What each side of an exchange can do. Byte strings are those of our boundary. */

/** An encryption or signing key pair. */
export interface Pair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** An implementation of recrypt256. Its methods throw {@link Refused} for what it does not take. */
export interface Party {
  readonly name: string;
  /** Takes all randomness from this seed from now on. */
  reseed(seed: string): Promise<void>;

  generateKeyPair(): Promise<Pair>;
  publicKey(privateKey: Uint8Array): Promise<Uint8Array>;
  generateSigningKeyPair(): Promise<Pair>;
  generatePlaintext(): Promise<Uint8Array>;
  symmetricKey(plaintext: Uint8Array): Promise<Uint8Array>;
  /** The private key that a plaintext stands for, where that is offered. */
  derivedPrivateKey?(plaintext: Uint8Array): Promise<Uint8Array>;

  encrypt(plaintext: Uint8Array, to: Uint8Array, signer: Uint8Array): Promise<Uint8Array>;
  transformKey(from: Uint8Array, to: Uint8Array, signer: Uint8Array): Promise<Uint8Array>;
  transform(value: Uint8Array, transformKey: Uint8Array, signer: Uint8Array): Promise<Uint8Array>;
  decrypt(value: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array>;

  addPublicKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array>;
  addPrivateKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array>;
  subtractPrivateKeys(a: Uint8Array, b: Uint8Array): Promise<Uint8Array>;
  augmentTransformKey(transformKey: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array>;
  /** What is signed of a transform key, and used as its bytes elsewhere. */
  transformKeyBytes(transformKey: Uint8Array): Promise<Uint8Array>;

  schnorrSign(privateKey: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  schnorrVerify(publicKey: Uint8Array, augmenting: Uint8Array | undefined, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  ed25519Sign(privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** The answer no. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** Bytes of each field of recrypt256 (spec section 5). */
export const sizes = { field: 32, g1: 64, g2: 128, gt: 384, hash: 32, key: 32, signature: 64, transformKeyBytes: 672 } as const;
