/**
 * Reading a stream of events as in the HTML standard, section 9.2, with bounds: one line
 * has at most 4 KiB, and one message as much data.
 */

import { ServiceError } from "./errors.js";

/** Bytes of one line, its end included, and of the data of one message. */
const MAX_MESSAGE = 4096;

const LF = 0x0a;
const CR = 0x0d;

/** What stands between two empty lines of a stream. */
export interface Message {
  /** "" for none. */
  readonly name: string;
  /** -1 for none. */
  readonly id: number;
  /** "" for none. */
  readonly data: string;
}

/** Reads the messages of a stream. */
export class Messages {
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #text = new TextDecoder("utf-8", { fatal: true });
  readonly #line = new Uint8Array(MAX_MESSAGE);
  #filled = 0;
  #chunk: Uint8Array = new Uint8Array(0);

  /** @param body - of the answer; it is cancelled by {@link close} */
  constructor(body: ReadableStream<Uint8Array>) {
    this.#source = body.getReader();
  }

  /**
   * Returns the next message. Comments are passed over; one alone is a message too, a sign of
   * life.
   *
   * @throws ServiceError "unreachable" when the stream ends or breaks, "answer" for what is no stream of ours
   */
  async next(): Promise<Message> {
    let name = "";
    let id = -1;
    const data: string[] = [];
    let size = 0;
    for (let empty = true; ; ) {
      const line = await this.#readLine();
      if (line === "") {
        if (empty) continue;
        return { name, id, data: data.join("\n") };
      }
      empty = false;
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") name = value;
      if (field === "id") id = index(value);
      if (field !== "data") continue;
      data.push(value);
      if ((size += value.length + 1) > MAX_MESSAGE) throw tooLong();
    }
  }

  /** Ends reading. Nobody waits for the stream: some runtimes never say that it has ended. */
  close(): void {
    this.#source.cancel().catch(() => undefined);
  }

  /** Returns the next line without its end. */
  async #readLine(): Promise<string> {
    for (;;) {
      const end = this.#chunk.indexOf(LF);
      const part = end < 0 ? this.#chunk : this.#chunk.subarray(0, end);
      if (this.#filled + part.length >= MAX_MESSAGE) throw tooLong();
      this.#line.set(part, this.#filled);
      this.#filled += part.length;
      if (end >= 0) {
        this.#chunk = this.#chunk.subarray(end + 1);
        return this.#takeLine();
      }
      const { done, value } = await this.#read();
      if (done) throw new ServiceError("unreachable", "server unreachable: the stream of events has ended");
      this.#chunk = value;
    }
  }

  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    try {
      return await this.#source.read();
    } catch (e) {
      throw new ServiceError("unreachable", "server unreachable: the stream of events has ended", { cause: e });
    }
  }

  #takeLine(): string {
    const n = this.#filled > 0 && this.#line[this.#filled - 1] === CR ? this.#filled - 1 : this.#filled;
    this.#filled = 0;
    try {
      return this.#text.decode(this.#line.subarray(0, n));
    } catch {
      throw new ServiceError("answer", "not an answer of a recrypt server: an event is not text");
    }
  }
}

/** Reads an index of the log. */
function index(text: string): number {
  const n = /^[0-9]{1,16}$/.test(text) ? Number(text) : -1;
  if (n < 0 || !Number.isSafeInteger(n)) throw new ServiceError("answer", "not an answer of a recrypt server: an event has an id that is no index");
  return n;
}

function tooLong(): ServiceError {
  return new ServiceError("answer", "not an answer of a recrypt server: an event is longer than agreed");
}
