/**
 * What goes over a port: values that can be cloned go as they are, those that live on one side go as a
 * note of where they are.
 *
 * | value | arrives as |
 * |---|---|
 * | null, texts, numbers, bytes, Blob, CryptoKey, Module, … | a copy; bytes that {@link transfer} marked are moved |
 * | arrays and plain objects | the same, their parts by this table |
 * | an object with a {@link REMOTE} shape | a handle: its methods call back, its fields are copies |
 * | a function | a function that calls it later and returns nothing |
 * | AbortSignal | one that is aborted with the original |
 * | Promise, AsyncIterable, ReadableStream | one of these, fed from the original |
 * | Error | one of the same class, with code, message and causes |
 * | an object of any other class | a TypeError: its methods and secrets would be lost or laid open |
 *
 * Streams are fed chunk by chunk and not transferred: a stream whose other end is in a worker that has
 * died would never end.
 */

/** The key of notes. Plain objects that have it are not sent, so that no data can pass for a note. */
const NOTE = "recrypt:rpc";

/** The key under which an object says how it is seen from the other side. */
export const REMOTE: unique symbol = Symbol("recrypt.remote");

/** How an object is seen from the other side. What is not listed cannot be reached. */
export interface Shape {
  /** Methods; each returns a promise there. */
  readonly methods: readonly string[];
  /** Methods that return an AsyncIterable, and do so at once. */
  readonly iterables?: readonly string[];
  /** Properties that are copied when the object is sent. */
  readonly fields?: readonly string[];
}

/** An object that stays where it is. */
export interface Remote {
  readonly [REMOTE]: Shape;
}

/** A class of errors that keeps its identity: its objects are made without calling the constructor. */
export type ErrorClass = new (...args: never[]) => Error;

/** A note in place of a value. */
export type Note =
  | { readonly [NOTE]: "remote"; readonly id: number; readonly shape: Shape; readonly fields: Record<string, unknown> }
  | { readonly [NOTE]: "function" | "promise" | "iterable" | "stream"; readonly id: number }
  | { readonly [NOTE]: "signal"; readonly id: number; readonly aborted: boolean; readonly reason: unknown }
  | { readonly [NOTE]: "url"; readonly href: string }
  | { readonly [NOTE]: "error"; readonly error: PlainError };

/** An error as data. */
export interface PlainError {
  readonly name: string;
  /** Whether it is a DOMException. */
  readonly dom: boolean;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own properties that are texts, numbers and truth values, such as code and status. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
}

/** What keeps the originals and makes notes of them. */
export interface Keeper {
  remote(object: Remote): number;
  callback(f: (...args: unknown[]) => unknown): number;
  signal(signal: AbortSignal): number;
  promise(promise: Promise<unknown>): number;
  source(source: AsyncIterable<unknown> | ReadableStream<unknown>): number;
}

/** What makes stand-ins from notes. */
export interface Maker {
  remote(id: number, shape: Shape, fields: Record<string, unknown>): unknown;
  callback(id: number): unknown;
  signal(id: number, aborted: boolean, reason: unknown): unknown;
  promise(id: number): unknown;
  iterable(id: number): unknown;
  stream(id: number): unknown;
  error(error: PlainError): Error;
}

const moved = new WeakMap<object, readonly Transferable[]>();

/**
 * Marks bytes to be moved instead of copied when they are sent next: they are
 * then empty here. For secrets that must not be left behind.
 */
export function transfer(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  moved.set(bytes, [bytes.buffer]);
  return bytes;
}

/** How deep a value may be. */
const MAX_DEPTH = 32;

/** Returns what to post in place of a value, and adds to the list what is to be moved. */
export function encode(value: unknown, keeper: Keeper, transfers: Transferable[], depth = 0): unknown {
  if (typeof value === "function") {
    return { [NOTE]: "function", id: keeper.callback(value as (...args: unknown[]) => unknown) } satisfies Note;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw new TypeError("a value is too deep to be sent");
  const marked = moved.get(value);
  if (marked !== undefined) {
    moved.delete(value);
    transfers.push(...marked);
    return value;
  }
  if (value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength) {
    const copy = new Uint8Array(value); // the port would copy all of the buffer that it is a view of
    transfers.push(copy.buffer);
    return copy;
  }
  if (Array.isArray(value)) return value.map((one) => encode(one, keeper, transfers, depth + 1));
  if (isPlain(value)) {
    if (Object.hasOwn(value, NOTE)) throw new TypeError(`a value with a key "${NOTE}" cannot be sent`);
    return fields(Object.keys(value), value, keeper, transfers, depth);
  }
  return note(value, keeper, transfers, depth);
}

function note(value: object, keeper: Keeper, transfers: Transferable[], depth: number): unknown {
  if (isRemote(value)) {
    const shape = value[REMOTE];
    const copies = fields(shape.fields ?? [], value, keeper, transfers, depth);
    return { [NOTE]: "remote", id: keeper.remote(value), shape, fields: copies } satisfies Note;
  }
  if (value instanceof AbortSignal) {
    const reason = value.aborted ? encode(value.reason, keeper, transfers, depth + 1) : undefined;
    return { [NOTE]: "signal", id: keeper.signal(value), aborted: value.aborted, reason } satisfies Note;
  }
  if (value instanceof Error) return { [NOTE]: "error", error: plainError(value) } satisfies Note;
  if (value instanceof URL) return { [NOTE]: "url", href: value.href } satisfies Note;
  if (value instanceof Promise) return { [NOTE]: "promise", id: keeper.promise(value) } satisfies Note;
  if (value instanceof ReadableStream) return { [NOTE]: "stream", id: keeper.source(value) } satisfies Note;
  if (isIterable(value)) return { [NOTE]: "iterable", id: keeper.source(value) } satisfies Note;
  if (Object.prototype.toString.call(value) === "[object Object]") {
    throw new TypeError("an object of a class of its own cannot be sent to the worker or back");
  }
  return value; // bytes, Blob, Map, … : copied by the port, or refused by it
}

function fields(keys: readonly string[], value: object, keeper: Keeper, transfers: Transferable[], depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key of keys) put(out, key, encode((value as Record<string, unknown>)[key], keeper, transfers, depth + 1));
  return out;
}

/** Returns what stands here for a value that was posted. */
export function decode(value: unknown, maker: Maker): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => decode(one, maker));
  if (!isPlain(value)) return value;
  if (Object.hasOwn(value, NOTE)) return fromNote(value as Note, maker);
  return decodeFields(value, maker);
}

function decodeFields(value: object, maker: Maker): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) put(out, key, decode(one, maker));
  return out;
}

function fromNote(n: Note, maker: Maker): unknown {
  switch (n[NOTE]) {
    case "remote":
      return maker.remote(n.id, n.shape, decodeFields(n.fields, maker));
    case "function":
      return maker.callback(n.id);
    case "promise":
      return maker.promise(n.id);
    case "iterable":
      return maker.iterable(n.id);
    case "stream":
      return maker.stream(n.id);
    case "signal":
      return maker.signal(n.id, n.aborted, decode(n.reason, maker));
    case "url":
      return new URL(n.href);
    case "error":
      return maker.error(n.error);
  }
}

/** Sets a property also where its name is that of an accessor, such as __proto__. */
function put(out: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(out, key, { value, writable: true, enumerable: true, configurable: true });
}

function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return (proto === Object.prototype || proto === null) && !isRemote(value) && !isIterable(value);
}

function isRemote(value: object): value is Remote {
  return REMOTE in value;
}

function isIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value && typeof value[Symbol.asyncIterator] === "function";
}

/** How many causes of causes are kept. */
const MAX_CAUSES = 4;

/** Returns an error, or whatever else was thrown, as data. */
export function plainError(e: unknown, depth = 0): PlainError {
  if (!(e instanceof Error)) {
    return { name: "Error", dom: false, message: typeof e === "string" ? e : "something was thrown that is no error", stack: undefined, fields: {}, cause: undefined };
  }
  const kept = ["string", "number", "boolean"];
  const own = Object.entries(e).filter(([key, value]) => key !== "name" && kept.includes(typeof value));
  return {
    name: e.name,
    dom: isDOMException(e),
    message: e.message,
    stack: e.stack,
    fields: Object.fromEntries(own),
    cause: e.cause === undefined || depth === MAX_CAUSES ? undefined : plainError(e.cause, depth + 1),
  };
}

/**
 * Returns the error that data describes.
 *
 * @param plain - what {@link plainError} made
 * @param classes - classes by the name that their errors bear; others become Error
 */
export function revive(plain: PlainError, classes: ReadonlyMap<string, ErrorClass>): Error {
  if (plain.dom && typeof DOMException === "function") return new DOMException(plain.message, plain.name);
  const known = classes.get(plain.name) ?? Error;
  const e = Reflect.construct(Error, [plain.message], known);
  const hidden = (key: string, value: unknown): void => {
    Object.defineProperty(e, key, { value, writable: true, enumerable: false, configurable: true });
  };
  for (const [key, value] of Object.entries(plain.fields)) put(e as unknown as Record<string, unknown>, key, value);
  hidden("name", plain.name);
  if (plain.stack !== undefined) hidden("stack", plain.stack);
  if (plain.cause !== undefined) hidden("cause", revive(plain.cause, classes));
  return e;
}

function isDOMException(e: Error): boolean {
  return typeof DOMException === "function" && e instanceof DOMException;
}
