/** Puts together small WebAssembly modules whose functions return constants. */

/** What a function of such a module does. */
export interface Behaviour {
  /** Number of i32 parameters. */
  readonly params?: number;
  /** Value returned: a number is an i32, a bigint an i64; nothing if left out. */
  readonly result?: number | bigint;
  /** Traps instead. */
  readonly trap?: boolean;
}

/** A module by its exports. A memory of one page is exported too, unless taken away. */
export interface Shape {
  readonly functions: Readonly<Record<string, Behaviour>>;
  readonly memory?: boolean;
}

/** The exports of a well-behaved core that answers OK to everything. */
export const healthy: Readonly<Record<string, Behaviour>> = {
  _initialize: {},
  abi_version: { result: 1 },
  alloc: { params: 1, result: 1024 },
  release: { params: 1 },
  call: { params: 3, result: pointer(2048, 1) },
  stop_word: { result: 8 },
};

const I32 = 0x7f;
const I64 = 0x7e;

/** Returns ptr<<32 | length, as `call` returns it. */
export function pointer(ptr: number, length: number): bigint {
  return BigInt.asIntN(64, (BigInt(ptr) << 32n) | BigInt(length));
}

/** Returns the bytes of a module. */
export function build(shape: Shape): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(shape.functions);
  const types = entries.map(([, f]) => [0x60, ...vector(Array<number[]>(f.params ?? 0).fill([I32])), ...vector(resultType(f))]);
  const exports = entries.map(([name], i) => [...nameBytes(name), 0x00, ...leb(BigInt(i))]);
  if (shape.memory !== false) exports.push([...nameBytes("memory"), 0x02, 0x00]);
  const bodies = entries.map(([, f]) => {
    const body = [0x00, ...code(f), 0x0b];
    return [...leb(BigInt(body.length)), ...body];
  });
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(3, entries.map((_, i) => leb(BigInt(i)))),
    ...section(5, [[0x00, 0x01]]),
    ...section(7, exports),
    ...section(10, bodies),
  );
}

function resultType(f: Behaviour): number[][] {
  if (f.result === undefined) return [];
  return [[typeof f.result === "bigint" ? I64 : I32]];
}

function code(f: Behaviour): number[] {
  if (f.trap === true) return [0x00];
  if (f.result === undefined) return [];
  return [typeof f.result === "bigint" ? 0x42 : 0x41, ...signedLeb(BigInt(f.result))];
}

function section(id: number, items: readonly number[][]): number[] {
  const content = vector(items);
  return [id, ...leb(BigInt(content.length)), ...content];
}

function vector(items: readonly number[][]): number[] {
  return [...leb(BigInt(items.length)), ...items.flat()];
}

function nameBytes(name: string): number[] {
  const bytes = [...new TextEncoder().encode(name)];
  return [...leb(BigInt(bytes.length)), ...bytes];
}

function leb(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  return value >> 7n === 0n ? [low] : [low | 0x80, ...leb(value >> 7n)];
}

function signedLeb(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...signedLeb(rest)];
}
