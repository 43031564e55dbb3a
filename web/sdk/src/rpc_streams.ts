/** Feeds streams and iterables through a port, by credit: no more is sent than was asked for. */

import { plainError, type PlainError } from "./rpc_values.js";

/** How many chunks of a stream may be under way. */
const WINDOW = 4;

/** What feeds a stream: `pull` and `cancel` to its original, the others from it. */
export type PumpMessage =
  | { readonly type: "pull"; readonly id: number; readonly count: number }
  | { readonly type: "cancel"; readonly id: number; readonly reason: PlainError }
  | { readonly type: "chunk"; readonly id: number; readonly value: unknown }
  | { readonly type: "last"; readonly id: number }
  | { readonly type: "fail"; readonly id: number; readonly error: PlainError };

/** What a pump needs of its endpoint. */
interface Outlet {
  post(message: PumpMessage, transfers?: Transferable[]): void;
  /** Called once, when nothing more comes. */
  end(): void;
  /** Moves chunks of bytes instead of copying them. */
  readonly move: boolean;
  encode(value: unknown, transfers: Transferable[]): unknown;
}

/** Reads an original, as far as the other side wants. */
export class SourcePump {
  readonly #id: number;
  readonly #outlet: Outlet;
  readonly #source: AsyncIterable<unknown> | ReadableStream<unknown>;
  #next: (() => Promise<IteratorResult<unknown, unknown>>) | undefined;
  #cancel: (reason: unknown) => Promise<unknown> = () => Promise.resolve();
  #credit = 0;
  #running = false;
  #ended = false;

  constructor(id: number, source: AsyncIterable<unknown> | ReadableStream<unknown>, outlet: Outlet) {
    this.#id = id;
    this.#source = source;
    this.#outlet = outlet;
  }

  /** Takes a message of the other side. */
  receive(m: PumpMessage & { type: "pull" | "cancel" }): void {
    if (m.type === "cancel") {
      const reason = new Error(m.reason.message);
      reason.name = m.reason.name;
      this.stop(reason);
      return;
    }
    this.#credit += m.count;
    if (!this.#running) void this.#run();
  }

  /** Tells the original that nothing more is wanted. */
  stop(reason: Error): void {
    if (this.#ended) return;
    this.#open();
    this.#finish();
    this.#cancel(reason).catch(() => undefined); // nobody is left to be told
  }

  /** Takes hold of the original when something is first wanted of it. */
  #open(): () => Promise<IteratorResult<unknown, unknown>> {
    if (this.#next !== undefined) return this.#next;
    if (this.#source instanceof ReadableStream) {
      const reader = this.#source.getReader();
      this.#cancel = (reason) => reader.cancel(reason);
      this.#next = () => reader.read();
    } else {
      const iterator = this.#source[Symbol.asyncIterator]();
      this.#cancel = async () => iterator.return?.();
      this.#next = () => iterator.next();
    }
    return this.#next;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      const next = this.#open();
      while (this.#credit > 0 && !this.#ended) {
        this.#credit--;
        const one = await next();
        if (this.#stopped()) return;
        if (one.done === true) {
          this.#outlet.post({ type: "last", id: this.#id });
          this.#finish();
          return;
        }
        this.#send(one.value);
      }
    } catch (e) {
      if (this.#stopped()) return;
      this.#outlet.post({ type: "fail", id: this.#id, error: plainError(e) });
      this.#finish();
      this.#cancel(e).catch(() => undefined);
    } finally {
      this.#running = false;
    }
  }

  #send(value: unknown): void {
    const transfers: Transferable[] = [];
    const encoded = this.#outlet.encode(value, transfers);
    if (this.#outlet.move && value instanceof Uint8Array && value.byteLength === value.buffer.byteLength && value.buffer instanceof ArrayBuffer) {
      transfers.push(value.buffer);
    }
    this.#outlet.post({ type: "chunk", id: this.#id, value: encoded }, transfers);
  }

  /** Whether it was stopped meanwhile: to be asked after each wait. */
  #stopped(): boolean {
    return this.#ended;
  }

  #finish(): void {
    this.#ended = true;
    this.#outlet.end();
  }
}

/** Stands for an original on the other side. */
export class RemoteSource {
  readonly #id: number;
  readonly #post: (message: PumpMessage) => void;
  readonly #end: () => void;
  readonly #chunks: unknown[] = [];
  #done = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param id - of the original
   * @param post - sends to it
   * @param end - called once, when nothing more comes
   */
  constructor(id: number, post: (message: PumpMessage) => void, end: () => void) {
    this.#id = id;
    this.#post = post;
    this.#end = end;
  }

  /** Takes a message of the original. */
  receive(m: PumpMessage & { type: "chunk" | "last" | "fail" }, decode: (value: unknown) => unknown, revive: (e: PlainError) => Error): void {
    if (m.type === "chunk") {
      if (!this.#done) this.#chunks.push(decode(m.value));
      this.#wake?.();
    } else {
      this.#close(m.type === "fail" ? revive(m.error) : undefined);
    }
  }

  /** Ends it with an error, after what has come already. */
  fail(error: Error): void {
    this.#close(error);
  }

  /** Returns a stream that asks for some chunks ahead once it is read. */
  stream(): ReadableStream<unknown> {
    let asked = false;
    return new ReadableStream<unknown>(
      {
        pull: async (controller) => {
          const one = await this.#take(asked ? 1 : WINDOW);
          asked = true;
          if (one.done === true) controller.close();
          else controller.enqueue(one.value);
        },
        cancel: (reason) => { this.#cancel(reason); },
      },
      { highWaterMark: 0 },
    );
  }

  /** Returns an iterable, to be iterated once, that asks for one value at a time. */
  async *iterable(): AsyncGenerator<unknown, void> {
    try {
      for (;;) {
        const one = await this.#take(1);
        if (one.done === true) return;
        yield one.value;
      }
    } finally {
      this.#cancel(undefined);
    }
  }

  async #take(credit: number): Promise<IteratorResult<unknown, undefined>> {
    if (!this.#done) this.#post({ type: "pull", id: this.#id, count: credit });
    while (this.#chunks.length === 0 && !this.#done) {
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
    if (this.#chunks.length > 0) return { done: false, value: this.#chunks.shift() };
    if (this.#error !== undefined) throw this.#error;
    return { done: true, value: undefined };
  }

  #cancel(reason: unknown): void {
    if (this.#done) return;
    this.#post({ type: "cancel", id: this.#id, reason: plainError(reason) });
    this.#chunks.length = 0;
    this.#close(undefined);
  }

  #close(error: Error | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#error = error;
    this.#wake?.();
    this.#end();
  }
}
