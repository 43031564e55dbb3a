/**
 * Calls of methods of objects on the other side of a MessagePort: what lies between a page and the worker
 * that has the keys. Both sides have an {@link Endpoint}; what may be called is only what an object's
 * {@link Shape} lists.
 *
 * ```ts
 * new Endpoint(port).expose(root);                       // in the worker
 * const root = new Endpoint(port).root({ methods: ["start"] }) as Root;  // in the page
 * ```
 *
 * Everything that waits for the other side ends when that side does: {@link Endpoint.end} rejects it at once,
 * and what is called later too.
 */

import { CallError } from "./call_error.js";
import { RemoteSource, SourcePump, type PumpMessage } from "./rpc_streams.js";
import { decode, encode, type ErrorClass, type Keeper, type Maker, plainError, type PlainError, type Remote, REMOTE, revive, type Shape } from "./rpc_values.js";

export { CallError, type CallErrorCode } from "./call_error.js";
export { type Remote, REMOTE, type Shape, transfer } from "./rpc_values.js";

/** The id of the object that a side exposes. */
const ROOT = 0;

type Message =
  | { readonly type: "call"; readonly id: number; readonly target: number; readonly method: string; readonly args: unknown }
  | { readonly type: "settle"; readonly id: number; readonly value: unknown }
  | { readonly type: "settle"; readonly id: number; readonly error: PlainError }
  | { readonly type: "notify"; readonly id: number; readonly args: unknown }
  | { readonly type: "abort"; readonly id: number; readonly reason: unknown }
  | { readonly type: "forget"; readonly ids: readonly number[] }
  | { readonly type: "release"; readonly id: number }
  | PumpMessage;

/** Somebody who waits. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The choices of an {@link Endpoint}. */
export interface EndpointOptions {
  /** Classes of errors, by the name that their errors bear. */
  readonly errors?: ReadonlyMap<string, ErrorClass>;
  /** Moves the chunks of own streams to the other side instead of copying them: for streams whose maker does not use them again. */
  readonly moveChunks?: boolean;
  /** Is told, once, why everything has ended. */
  readonly onEnd?: (error: Error) => void;
}

/** What belongs to a call and is forgotten with it: once it and all that its result feeds have ended. */
class Lifetime {
  #parts = 1;
  readonly #ends: (() => void)[] = [];

  /** Adds something that must end too. */
  hold(): void {
    this.#parts++;
  }

  release = (): void => {
    if (--this.#parts > 0) return;
    for (const end of this.#ends.splice(0)) end();
  };

  onEnd(f: () => void): void {
    this.#ends.push(f);
  }
}

/** One side of a port. */
export class Endpoint {
  readonly #port: MessagePort;
  readonly #errors: ReadonlyMap<string, ErrorClass>;
  readonly #moveChunks: boolean;
  readonly #onEnd: ((error: Error) => void) | undefined;
  #next = 1;
  #ended: Error | undefined;
  #root: Remote | undefined;

  // What is here and known to the other side, by our ids.
  readonly #objects = new Map<number, { readonly object: Remote; count: number }>();
  readonly #objectIds = new WeakMap<object, number>();
  readonly #callbacks = new Map<number, (...args: unknown[]) => unknown>();
  readonly #pumps = new Map<number, SourcePump>();
  // What is there and waited for here: calls and promises by who made the id.
  readonly #calls = new Map<number, Waiting>();
  readonly #promises = new Map<number, Waiting>();
  readonly #sources = new Map<number, RemoteSource>();
  readonly #controllers = new Map<number, AbortController>();
  readonly #handles: FinalizationRegistry<number> | undefined;

  /** @param port - it is started; messages of any other user of it are not understood */
  constructor(port: MessagePort, options: EndpointOptions = {}) {
    this.#port = port;
    this.#errors = options.errors ?? new Map();
    this.#moveChunks = options.moveChunks ?? false;
    this.#onEnd = options.onEnd;
    if (typeof FinalizationRegistry === "function") {
      this.#handles = new FinalizationRegistry((id) => { this.#post({ type: "release", id }); });
    }
    port.addEventListener("message", (e: MessageEvent<Message>) => { this.#receive(e.data); });
    port.addEventListener("messageerror", () => { this.end(new CallError("worker_died", "a message between page and worker could not be read: call connect() again")); });
    port.addEventListener("close", () => { this.end(new CallError("worker_died")); });
    port.start();
  }

  /** Lets the other side call an object as its root. */
  expose(root: Remote): void {
    this.#root = root;
  }

  /** Returns a handle of what the other side exposes, with these methods. */
  root(shape: Shape): object {
    return this.#handle(ROOT, shape, {});
  }

  /** Whether everything has ended. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Rejects all that waits for the other side, stops what is fed from here, and refuses what is called later. */
  end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const one of [...this.#calls.values(), ...this.#promises.values()]) one.reject(error);
    for (const one of this.#sources.values()) one.fail(error);
    for (const one of this.#pumps.values()) one.stop(error);
    for (const one of this.#controllers.values()) one.abort(error);
    for (const one of [this.#calls, this.#promises, this.#sources, this.#pumps, this.#controllers, this.#callbacks, this.#objects]) one.clear();
    this.#port.close();
    this.#onEnd?.(error);
  }

  /** Posts a message whose parts are encoded already; gives way to the end. */
  #post(message: Message, transfers: Transferable[] = []): void {
    if (this.#ended === undefined) this.#port.postMessage(message, transfers);
  }

  #receive(m: Message): void {
    if (this.#ended !== undefined) return;
    switch (m.type) {
      case "call":
        void this.#answer(m.id, m.target, m.method, m.args);
        return;
      case "settle":
        this.#settle(m);
        return;
      case "notify":
        this.#callbacks.get(m.id)?.(...(decode(m.args, this.#maker(new Lifetime())) as unknown[]));
        return;
      case "abort":
        this.#controllers.get(m.id)?.abort(decode(m.reason, this.#maker(new Lifetime())));
        return;
      case "forget":
        for (const id of m.ids) this.#controllers.delete(id);
        return;
      case "release":
        this.#release(m.id);
        return;
      case "pull":
      case "cancel":
        this.#pumps.get(m.id)?.receive(m);
        return;
      case "chunk":
      case "last":
      case "fail":
        this.#sources.get(m.id)?.receive(m, (value) => decode(value, this.#maker(new Lifetime())), (e) => revive(e, this.#errors));
        return;
    }
  }

  /** Calls a method there. */
  #call(target: number, method: string, args: unknown[]): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#next++;
    const life = new Lifetime();
    const result = new Promise<unknown>((resolve, reject) => {
      const transfers: Transferable[] = [];
      const encoded = encode(args, this.#keeper(life), transfers);
      this.#calls.set(id, {
        resolve: (value) => { resolve(decode(value, this.#maker(life))); },
        reject,
      });
      try {
        this.#port.postMessage({ type: "call", id, target, method, args: encoded } satisfies Message, transfers);
      } catch (e) {
        this.#calls.delete(id);
        throw e;
      }
    });
    return result.finally(life.release);
  }

  /** Runs a call from there. */
  async #answer(id: number, target: number, method: string, args: unknown): Promise<void> {
    const life = new Lifetime();
    try {
      const object = this.#target(target);
      const { methods, iterables = [] } = object[REMOTE];
      if (!methods.includes(method) && !iterables.includes(method)) throw new TypeError("there is no method of this name");
      const f = (object as unknown as Record<string, (...args: unknown[]) => unknown>)[method];
      if (f === undefined) throw new TypeError("there is no method of this name");
      this.#reply(id, await f.apply(object, decode(args, this.#maker(life)) as unknown[]), life);
    } catch (e) {
      this.#post({ type: "settle", id, error: plainError(e) });
    } finally {
      life.release();
    }
  }

  #target(id: number): Remote {
    const object = id === ROOT ? this.#root : this.#objects.get(id)?.object;
    if (object !== undefined) return object;
    throw new CallError(id === ROOT ? "not_ready" : "closed");
  }

  #reply(id: number, value: unknown, life: Lifetime): void {
    const transfers: Transferable[] = [];
    const encoded = encode(value, this.#keeper(life), transfers);
    this.#post({ type: "settle", id, value: encoded }, transfers);
  }

  /** Takes the end of a call of ours (id > 0) or of a promise of theirs (id < 0). */
  #settle(m: Message & { type: "settle" }): void {
    const waiting = m.id < 0 ? this.#promises : this.#calls;
    const one = waiting.get(m.id);
    waiting.delete(m.id);
    if (one === undefined) return;
    if ("error" in m) one.reject(revive(m.error, this.#errors));
    else one.resolve(m.value);
  }

  #release(id: number): void {
    const entry = this.#objects.get(id);
    if (entry === undefined || --entry.count > 0) return;
    this.#objects.delete(id);
    this.#objectIds.delete(entry.object);
  }

  /** Keeps what is sent with a call, or with its result. */
  #keeper(life: Lifetime): Keeper {
    return {
      remote: (object) => this.#keepObject(object),
      callback: (f) => {
        const id = this.#next++;
        this.#callbacks.set(id, f);
        life.onEnd(() => this.#callbacks.delete(id));
        return id;
      },
      signal: (signal) => this.#keepSignal(signal, life),
      promise: (promise) => {
        const id = -this.#next++;
        life.hold();
        promise
          .then((value) => { this.#reply(id, value, life); })
          .catch((e: unknown) => { this.#post({ type: "settle", id, error: plainError(e) }); })
          .finally(life.release);
        return id;
      },
      source: (source) => this.#keepSource(source, life),
    };
  }

  #keepSignal(signal: AbortSignal, life: Lifetime): number {
    const id = this.#next++;
    const abort = (): void => {
      try {
        this.#post({ type: "abort", id, reason: encode(signal.reason, this.#keeper(life), []) });
      } catch { // a reason that cannot be sent is no reason to go on
        this.#post({ type: "abort", id, reason: encode(new DOMException("aborted", "AbortError"), this.#keeper(life), []) });
      }
    };
    if (!signal.aborted) signal.addEventListener("abort", abort, { once: true });
    life.onEnd(() => {
      signal.removeEventListener("abort", abort);
      this.#post({ type: "forget", ids: [id] });
    });
    return id;
  }

  #keepSource(source: AsyncIterable<unknown> | ReadableStream<unknown>, life: Lifetime): number {
    const id = this.#next++;
    life.hold();
    const end = (): void => {
      this.#pumps.delete(id);
      life.release();
    };
    const post = (m: PumpMessage, transfers?: Transferable[]): void => { this.#post(m, transfers); };
    this.#pumps.set(id, new SourcePump(id, source, { post, end, move: this.#moveChunks, encode: (value, t) => encode(value, this.#keeper(life), t) }));
    return id;
  }

  #keepObject(object: Remote): number {
    const known = this.#objectIds.get(object);
    const entry = known === undefined ? undefined : this.#objects.get(known);
    if (known !== undefined && entry !== undefined) {
      entry.count++;
      return known;
    }
    const id = this.#next++;
    this.#objects.set(id, { object, count: 1 });
    this.#objectIds.set(object, id);
    return id;
  }

  /** Makes stand-ins for what came with a call, or with its result. */
  #maker(life: Lifetime): Maker {
    const source = (id: number): RemoteSource => {
      life.hold();
      const made = new RemoteSource(id, (m) => { this.#post(m); }, () => {
        this.#sources.delete(id);
        life.release();
      });
      if (this.#ended === undefined) this.#sources.set(id, made);
      else made.fail(this.#ended);
      return made;
    };
    return {
      remote: (id, shape, fields) => {
        const handle = this.#handle(id, shape, fields);
        this.#handles?.register(handle, id);
        return handle;
      },
      callback: (id) => (...args: unknown[]): void => { this.#post({ type: "notify", id, args: encode(args, this.#keeper(life), []) }); },
      signal: (id, aborted, reason) => {
        const controller = new AbortController();
        if (aborted) controller.abort(reason);
        else this.#controllers.set(id, controller);
        return controller.signal;
      },
      promise: (id) => {
        life.hold();
        const promise = new Promise<unknown>((resolve, reject) => {
          this.#promises.set(id, { resolve: (value) => { resolve(decode(value, this.#maker(life))); }, reject });
        });
        promise.catch(() => undefined).finally(life.release).catch(() => undefined); // whoever gets it may come later, or not care
        return promise;
      },
      iterable: (id) => source(id).iterable(),
      stream: (id) => source(id).stream(),
      error: (error) => revive(error, this.#errors),
    };
  }

  #handle(id: number, shape: Shape, fields: Record<string, unknown>): object {
    const handle: Record<string, unknown> = { ...fields };
    const define = (name: string, value: unknown): void => {
      Object.defineProperty(handle, name, { value, writable: true, configurable: true }); // may be replaced, as for spies
    };
    for (const method of shape.methods) define(method, (...args: unknown[]) => this.#call(id, method, args));
    for (const method of shape.iterables ?? []) {
      define(method, (...args: unknown[]) => this.#iterate(() => this.#call(id, method, args) as Promise<AsyncIterable<unknown>>));
    }
    return handle;
  }

  /** An iterable whose call is made when it is first asked for something. */
  async *#iterate(call: () => Promise<AsyncIterable<unknown>>): AsyncGenerator<unknown, void> {
    yield* await call();
  }
}
