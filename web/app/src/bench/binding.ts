/**
 * The npm binding, for whoever serves it beside a developer's build of this page: it is under another licence
 * and no part of the app. Only its public functions are called; they take and give objects, and so they are
 * timed without turning them from and into bytes, which is in its favour.
 */

interface Point {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** Its values are passed on as they are. */
type Opaque = Readonly<Record<string, unknown>>;

/** The part of its public interface that is used. */
interface Api {
  generateKeyPair(): { privateKey: Uint8Array; publicKey: Point };
  generateEd25519KeyPair(): { privateKey: Uint8Array };
  generatePlaintext(): Uint8Array;
  encrypt(plaintext: Uint8Array, to: Point, signer: Uint8Array): Opaque;
  generateTransformKey(from: Uint8Array, to: Point, signer: Uint8Array): Opaque;
  transform(value: Opaque, transformKey: Opaque, signer: Uint8Array): Opaque;
  decrypt(value: Opaque, privateKey: Uint8Array): Uint8Array;
}

type Glue = WebAssembly.ModuleImports & { __wbg_set_wasm(exports: WebAssembly.Exports): void };

/** Loads it. It is made for bundlers, so its WebAssembly is instantiated by hand. */
async function load(folder: string): Promise<Api> {
  const glue = (await import(/* @vite-ignore */ `${folder}/background.js`)) as Glue;
  const response = await fetch(`${folder}/recrypt_wasm_binding_bg.wasm`);
  const { instance } = await WebAssembly.instantiate(await response.arrayBuffer(), { "./recrypt_wasm_binding_bg.js": glue });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports as unknown as { __wbindgen_start(): void }).__wbindgen_start();
  const { Api256 } = (await import(/* @vite-ignore */ `${folder}/shim.js`)) as { Api256: new () => Api };
  return new Api256();
}

/** Its operations on a shared key, made ready. */
export async function bindingOperations(folder: string): Promise<Record<"open" | "transform" | "encrypt", () => void>> {
  const api = await load(folder);
  const alice = api.generateKeyPair();
  const bob = api.generateKeyPair();
  const signer = api.generateEd25519KeyPair().privateKey;
  const plaintext = api.generatePlaintext();
  const key = api.generateTransformKey(alice.privateKey, bob.publicKey, signer);
  const value = api.encrypt(plaintext, alice.publicKey, signer);
  const shared = api.transform(value, key, signer);
  if (String(api.decrypt(shared, bob.privateKey)) !== String(plaintext)) throw new Error("the npm binding does not open what it made");
  return {
    open: () => { api.decrypt(shared, bob.privateKey); },
    transform: () => { api.transform(value, key, signer); },
    encrypt: () => { api.encrypt(plaintext, alice.publicKey, signer); },
  };
}
