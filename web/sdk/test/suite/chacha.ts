/** The stream of ChaCha20 (RFC 8439) from counter 0 with a nonce of zeros: upstream's deterministic randomness. */

const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const COLUMNS = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] as const;
const DIAGONALS = [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] as const;

/** Returns the first n bytes, at most 64, of the stream of a key of 32 bytes. */
export function chacha20(key: Uint8Array, n: number): Uint8Array {
  const words = new DataView(key.buffer, key.byteOffset, 32);
  const start = Uint32Array.from([...CONSTANTS, ...Array.from({ length: 8 }, (_, i) => words.getUint32(4 * i, true)), 0, 0, 0, 0]);
  const x = start.slice();
  for (let i = 0; i < 10; i++) for (const [a, b, c, d] of [...COLUMNS, ...DIAGONALS]) round(x, a, b, c, d);
  const out = new DataView(new ArrayBuffer(64));
  x.forEach((v, i) => { out.setUint32(4 * i, v + (start[i] ?? 0), true); });
  return new Uint8Array(out.buffer, 0, n);
}

function round(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (to: number, from: number, mixed: number, bits: number): void => {
    x[to] = (x[to] ?? 0) + (x[from] ?? 0);
    const v = (x[mixed] ?? 0) ^ (x[to] ?? 0);
    x[mixed] = (v << bits) | (v >>> (32 - bits));
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}
