/**
 * Strict reading of what the server sends: a shape takes a JSON value and returns
 * it with its type, or throws. Types alone would not hold: the server is not trusted
 * to send what the contract says.
 *
 *     const answer = record({ id: text, records: list(bytes), closed: optional(flag) });
 *     const { id, records } = answer(await c.call("GET", path));
 *
 * Members that a shape does not name are passed over, as from a later server.
 */

import { fromBase64url } from "./text.js";
import { ServiceError } from "./errors.js";

/** Returns a JSON value as a T, or throws a {@link ServiceError} with the code "answer". */
export type Shape<T> = (value: unknown) => T;

/** What a shape returns. */
export type Shaped<S> = S extends Shape<infer T> ? T : never;

function misshapen(): ServiceError {
  return new ServiceError("answer", "the server sent JSON that is incomplete or not as agreed");
}

/** A string. */
export const text: Shape<string> = (value) => {
  if (typeof value !== "string") throw misshapen();
  return value;
};

/** A boolean. */
export const flag: Shape<boolean> = (value) => {
  if (typeof value !== "boolean") throw misshapen();
  return value;
};

/** A whole number, of at most 2^53-1 either way. */
export const whole: Shape<number> = (value) => {
  if (!Number.isSafeInteger(value)) throw misshapen();
  return value as number;
};

/** A number of things: whole and not negative. */
export const count: Shape<number> = (value) => {
  if (whole(value) < 0) throw misshapen();
  return value as number;
};

/** Unpadded base64url, as bytes. */
export const bytes: Shape<Uint8Array> = (value) => {
  const out = fromBase64url(text(value));
  if (out === undefined) throw misshapen();
  return out;
};

/** What may be left out, or null. */
export function optional<T>(of: Shape<T>): Shape<T | undefined> {
  return (value) => (value === undefined || value === null ? undefined : of(value));
}

/** What may be left out, or null, and then stands for something. */
export function either<T>(of: Shape<T>, otherwise: T): Shape<T> {
  return (value) => (value === undefined || value === null ? otherwise : of(value));
}

/** A list; left out or null, it is empty. */
export function list<T>(of: Shape<T>): Shape<T[]> {
  return (value) => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw misshapen();
    return value.map((one: unknown) => of(one));
  };
}

/** An object with these members. */
export function record<S extends Record<string, Shape<unknown>>>(shapes: S): Shape<{ [K in keyof S]: Shaped<S[K]> }> {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw misshapen();
    const members = value as Record<string, unknown>;
    const out: Record<string, unknown> = {};
    for (const [name, shape] of Object.entries(shapes)) {
      out[name] = shape(Object.hasOwn(members, name) ? members[name] : undefined);
    }
    return out as { [K in keyof S]: Shaped<S[K]> };
  };
}

/** The proof that something is in the server's log, as the log's checks take it. */
export const logged = record({ index: count, proof: list(text), checkpoint: either(text, "") });

/** {@link logged} where it may be missing: who needs it says so. */
export const maybeLogged = optional(logged);
