// Copyright the recrypt-service authors. Licensed under Apache-2.0.
/* global performance, console, crypto, WebAssembly, TextEncoder, TextDecoder */

/**
 * Runs a Go core that was built as a wasip1 reactor
 * (`GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared`), wherever there is
 * WebAssembly: browsers, workers, edge runtimes, Node. It is called the way
 * Go's file of the same name is:
 *
 *     const go = new Go();
 *     const { instance } = await WebAssembly.instantiate(bytes, go.importObject);
 *     await go.run(instance);
 *     instance.exports.anything();
 *
 * What differs: the module's exports are there after `run`, which does not
 * wait for an end; nothing global is set; there are no files, no arguments of
 * the page and no network behind the imports.
 *
 * One `Go` serves one instance. It takes random bytes from
 * `crypto.getRandomValues`; if that fails, the instance ends, because a Go
 * program that is merely told so goes on with a seed made from the time.
 *
 * @module
 */

/**
 * What a program is given by its surroundings.
 *
 * @typedef {object} GoOptions
 * @property {(bytes: Uint8Array) => void} [random] fills a piece of at most 65536 bytes; throws if it cannot.
 *   Default: crypto.getRandomValues. For tests only: whoever knows these bytes knows all keys.
 * @property {() => number} [now] the time in milliseconds since 1970; serves every clock of the program.
 *   Default: Date.now and, for the monotonic clock, performance.now.
 * @property {(line: string, fd: number) => void} [log] gets each line the program writes to its
 *   output (fd 1) or error output (fd 2), cut to {@link MAX_LOG_LINE} bytes; in all at most
 *   {@link MAX_LOG_TOTAL} bytes. Default: console.error.
 * @property {Record<string, string>} [env] environment. The Go runtime reads GOGC and GOMEMLIMIT from it.
 * @property {string[]} [argv] arguments; the first one is the program's name. Default: ["js"].
 */

/** Largest part of a log line that is passed on, in bytes. */
export const MAX_LOG_LINE = 4096;

/** Bytes that one instance can log. A Go program that dies prints up to 15 KB. */
export const MAX_LOG_TOTAL = 65536;

const RANDOM_PIECE = 65536; // limit of crypto.getRandomValues
const STILL_READINGS = 200000; // so many equal readings mean that the clock stands

// Numbers of wasip1: errors, and what else its structures hold.
const [SUCCESS, EBADF, EFAULT, EINVAL, ENOSYS] = [0, 8, 21, 28, 52];
const [CHARACTER_DEVICE, CLOCK_REALTIME, TAG_CLOCK, FLAG_ABSTIME] = [2, 0, 0, 1];
const [SUBSCRIPTION_SIZE, EVENT_SIZE] = [48, 32];

/** Thrown out of the call in which the program ended itself. */
export class ExitError extends Error {
  /** @param {number} code the program's exit code */
  constructor(code) {
    super(`the Go program ended with code ${code}`);
    this.name = "ExitError";
    this.code = code;
  }
}

/** Thrown out of the call in which the source of randomness failed. */
export class RandomError extends Error {
  /** @param {unknown} cause what the source threw */
  constructor(cause) {
    super("no random bytes to be had", { cause });
    this.name = "RandomError";
  }
}

/** A Go program, the imports it needs, and what became of it. */
export class Go {
  /** @type {WebAssembly.Memory | undefined} */
  #memory;
  /** @type {DataView | undefined} */
  #view;
  #random;
  #log;
  #clocks;

  /** @param {GoOptions} [options] */
  constructor(options = {}) {
    this.#random = options.random ?? systemRandom;
    this.#clocks = { wall: new Clock(options.now ?? Date.now), steady: new Clock(options.now ?? steadyNow()) };
    this.#log = new LineLog(options.log ?? ((line) => console.error(line)));
    /** Arguments of the program, read when it starts. */
    this.argv = options.argv ?? ["js"];
    /** Environment of the program, read when it starts. @type {Record<string, string>} */
    this.env = options.env ?? {};
    /** Whether the program has ended; the instance is then of no use any more. */
    this.exited = false;
    /** The exit code, once the program has ended itself. @type {number | undefined} */
    this.exitCode = undefined;
    /** What to instantiate the module with. @type {WebAssembly.Imports} */
    this.importObject = { wasi_snapshot_preview1: this.#imports() };
  }

  /**
   * Starts the program: its init functions run, and its exports can be called
   * from then on.
   * @param {WebAssembly.Instance} instance made with this object's importObject
   * @returns {Promise<void>} settled when the exports are ready
   */
  async run(instance) {
    this.start(instance);
  }

  /**
   * Does what `run` does before it returns.
   * @param {WebAssembly.Instance} instance made with this object's importObject
   */
  start(instance) {
    const { memory, _initialize } = instance.exports;
    if (!(memory instanceof WebAssembly.Memory) || typeof _initialize !== "function") {
      throw new TypeError("not a wasip1 reactor: the module must export memory and _initialize");
    }
    if (this.#memory !== undefined) {
      throw new Error("this Go has run an instance already");
    }
    this.#memory = memory;
    try {
      this.#checkRandom();
      _initialize();
    } catch (e) {
      this.kill();
      throw e;
    }
  }

  /**
   * Records that the program is of no use any more, and passes on an
   * unfinished line of its output. For callers that caught a trap.
   */
  kill() {
    this.exited = true;
    this.#log.flush();
  }

  /** The import functions; the answer to unknown ones is ENOSYS. @returns {WebAssembly.ModuleImports} */
  #imports() {
    /** @type {Record<string, (...args: any[]) => number>} */
    const table = {
      args_sizes_get: (count, size) => this.#sizes(this.argv, count, size),
      args_get: (list, text) => this.#strings(this.argv, list, text),
      environ_sizes_get: (count, size) => this.#sizes(this.#environ(), count, size),
      environ_get: (list, text) => this.#strings(this.#environ(), list, text),
      clock_time_get: (id, _precision, out) => this.#clockTime(id, out),
      random_get: (ptr, length) => this.#randomGet(ptr, length),
      sched_yield: () => SUCCESS,
      proc_exit: (code) => this.#procExit(code),
      fd_write: (fd, iovs, count, written) => this.#fdWrite(fd, iovs, count, written),
      fd_read: (fd, _iovs, _count, read) => (fd === 0 ? this.#put32(read, 0) : EBADF),
      fd_close: standard,
      fd_fdstat_set_flags: standard,
      fd_fdstat_get: (fd, out) => this.#fdstat(fd, out),
      fd_prestat_get: () => EBADF, // ends the search for folders
      fd_prestat_dir_name: () => EBADF,
      poll_oneoff: (subscriptions, events, count, fired) => this.#poll(subscriptions, events, count, fired),
    };
    for (const [name, f] of Object.entries(table)) {
      if (name !== "random_get") table[name] = (...args) => guard(f, args); // its failures must not be mere numbers
    }
    return new Proxy(table, {
      get: (known, name) => (Object.hasOwn(known, name) ? known[String(name)] : () => ENOSYS),
    });
  }

  /** A view of the memory as it is now: growing it detaches older ones. */
  #data() {
    if (this.#memory === undefined) throw new Error("an import was called before run");
    if (this.#view === undefined || this.#view.buffer !== this.#memory.buffer) {
      this.#view = new DataView(this.#memory.buffer);
    }
    return this.#view;
  }

  /** @param {number} ptr @param {number} length */
  #bytes(ptr, length) {
    return new Uint8Array(this.#data().buffer, ptr >>> 0, length >>> 0);
  }

  /** @param {number} ptr @param {number} value */
  #put32(ptr, value) {
    this.#data().setUint32(ptr >>> 0, value, true);
    return SUCCESS;
  }

  #environ() {
    return Object.entries(this.env).map(([name, value]) => `${name}=${value}`);
  }

  /** @param {string[]} list @param {number} count @param {number} size */
  #sizes(list, count, size) {
    this.#put32(count, list.length);
    return this.#put32(size, list.reduce((n, s) => n + encode(s).length, 0));
  }

  /** @param {string[]} list @param {number} pointers @param {number} text */
  #strings(list, pointers, text) {
    let at = text >>> 0;
    list.forEach((s, i) => {
      const bytes = encode(s);
      this.#put32((pointers >>> 0) + 4 * i, at);
      this.#bytes(at, bytes.length).set(bytes);
      at += bytes.length;
    });
    return SUCCESS;
  }

  /** @param {number} id */
  #clock(id) {
    return id === CLOCK_REALTIME ? this.#clocks.wall : this.#clocks.steady;
  }

  /** @param {number} id @param {number} out */
  #clockTime(id, out) {
    this.#data().setBigUint64(out >>> 0, this.#clock(id).read(), true);
    return SUCCESS;
  }

  /** @param {number} ptr @param {number} length */
  #randomGet(ptr, length) {
    try {
      this.#fill(this.#bytes(ptr, length));
    } catch (e) {
      this.kill();
      throw new RandomError(e);
    }
    return SUCCESS;
  }

  /** @param {Uint8Array} bytes */
  #fill(bytes) {
    for (let at = 0; at < bytes.length; at += RANDOM_PIECE) {
      /** @type {unknown} */
      const result = this.#random(bytes.subarray(at, at + RANDOM_PIECE));
      if (result instanceof Promise) throw new TypeError("the source of randomness must not be asynchronous");
    }
  }

  /** Refuses a source that gives the same bytes twice, as a broken or made-up one would. */
  #checkRandom() {
    const a = new Uint8Array(32);
    const b = new Uint8Array(32);
    try {
      this.#fill(a);
      this.#fill(b);
    } catch (e) {
      throw new RandomError(e);
    }
    if (a.every((x, i) => x === b[i])) throw new RandomError(new Error("the source repeats itself"));
  }

  /** @param {number} code @returns {never} */
  #procExit(code) {
    this.exitCode = code >>> 0;
    this.kill();
    throw new ExitError(this.exitCode);
  }

  /** @param {number} fd @param {number} iovs @param {number} count @param {number} written */
  #fdWrite(fd, iovs, count, written) {
    if (fd !== 1 && fd !== 2) return EBADF;
    let total = 0;
    for (let i = 0; i < count >>> 0; i++) {
      const at = (iovs >>> 0) + 8 * i;
      const piece = this.#bytes(this.#data().getUint32(at, true), this.#data().getUint32(at + 4, true));
      this.#log.write(fd, piece);
      total += piece.length;
    }
    return this.#put32(written, total);
  }

  /** @param {number} fd @param {number} out */
  #fdstat(fd, out) {
    if (standard(fd) !== SUCCESS) return EBADF;
    const view = this.#data();
    const at = out >>> 0;
    this.#bytes(at, 24).fill(0);
    view.setUint8(at, CHARACTER_DEVICE);
    view.setBigUint64(at + 8, 0xffffffffffffffffn, true);
    view.setBigUint64(at + 16, 0xffffffffffffffffn, true);
    return SUCCESS;
  }

  /**
   * Waits for the nearest of the clocks. Files are never waited for: their
   * events come at once, as errors.
   * @param {number} subscriptions @param {number} events @param {number} count @param {number} fired
   */
  #poll(subscriptions, events, count, fired) {
    if (count === 0) return EINVAL;
    const wanted = Array.from({ length: count >>> 0 }, (_, i) => this.#subscription((subscriptions >>> 0) + i * SUBSCRIPTION_SIZE));
    wanted.reduce((a, b) => (b.left() < a.left() ? b : a)).wait();
    const ready = wanted.filter((s) => s.left() <= 0n);
    ready.forEach((s, i) => {
      const at = (events >>> 0) + i * EVENT_SIZE;
      this.#bytes(at, EVENT_SIZE).fill(0);
      this.#data().setBigUint64(at, s.userdata, true);
      this.#data().setUint16(at + 8, s.clock === undefined ? EBADF : SUCCESS, true);
      this.#data().setUint8(at + 10, s.tag);
    });
    return this.#put32(fired, ready.length);
  }

  /** @param {number} at */
  #subscription(at) {
    const view = this.#data();
    const userdata = view.getBigUint64(at, true);
    const tag = view.getUint8(at + 8);
    if (tag !== TAG_CLOCK) {
      return { userdata, tag, clock: undefined, left: () => 0n, wait: () => undefined };
    }
    const clock = this.#clock(view.getUint32(at + 16, true));
    const timeout = view.getBigUint64(at + 24, true);
    const deadline = (view.getUint16(at + 40, true) & FLAG_ABSTIME) !== 0 ? timeout : clock.read() + timeout;
    return { userdata, tag, clock, left: () => deadline - clock.last, wait: () => clock.waitUntil(deadline) };
  }
}

/**
 * A clock in nanoseconds that is never 0 and goes on with every reading, also
 * where the host's stands still (edge runtimes stop theirs during a call) or
 * steps back.
 */
class Clock {
  #source;
  #pushed = 0n; // how far we are ahead of the source

  /** @param {() => number} source milliseconds */
  constructor(source) {
    this.#source = source;
    /** The last reading. */
    this.last = 0n;
  }

  #host() {
    const ms = this.#source();
    if (!(ms > 0 && ms < 1e15)) return 0n;
    const whole = Math.floor(ms);
    return BigInt(whole) * 1000000n + BigInt(Math.floor((ms - whole) * 1e6));
  }

  /** @returns {bigint} */
  read() {
    const t = this.#host() + this.#pushed;
    this.last = t > this.last ? t : this.last + 1n;
    return this.last;
  }

  /**
   * Spins until the deadline: a page cannot sleep. If the source does not move
   * forward any more, our clock is pushed to the deadline instead.
   * @param {bigint} deadline
   */
  waitUntil(deadline) {
    let latest = this.#host();
    for (let still = 0; this.read() < deadline; still++) {
      const t = this.#host();
      if (t > latest) {
        latest = t;
        still = 0;
      } else if (still >= STILL_READINGS) {
        this.#pushed = deadline - t;
        this.last = deadline;
      }
    }
  }
}

/** Gathers what a program writes into lines, and bounds them. */
class LineLog {
  #emit;
  #left = MAX_LOG_TOTAL;
  #full = false;
  /** Unfinished lines by fd. @type {Map<number, {bytes: Uint8Array, length: number}>} */
  #lines = new Map();

  /** @param {(line: string, fd: number) => void} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /** @param {number} fd @param {Uint8Array} piece */
  write(fd, piece) {
    let at = 0;
    while (at < piece.length && this.#left > 0) {
      const end = piece.indexOf(10, at);
      this.#append(fd, piece.subarray(at, end < 0 ? piece.length : end));
      if (end < 0) return;
      this.#finish(fd);
      at = end + 1;
    }
  }

  /** Passes on unfinished lines. */
  flush() {
    for (const [fd, line] of this.#lines) {
      if (line.length > 0) this.#finish(fd);
    }
  }

  /** @param {number} fd @param {Uint8Array} piece */
  #append(fd, piece) {
    let line = this.#lines.get(fd);
    if (line === undefined) {
      line = { bytes: new Uint8Array(MAX_LOG_LINE), length: 0 };
      this.#lines.set(fd, line);
    }
    const kept = piece.subarray(0, Math.min(MAX_LOG_LINE - line.length, this.#left));
    line.bytes.set(kept, line.length);
    line.length += kept.length;
    this.#left -= kept.length;
  }

  /** @param {number} fd */
  #finish(fd) {
    const line = this.#lines.get(fd);
    const text = line === undefined ? "" : new TextDecoder().decode(line.bytes.subarray(0, line.length));
    if (line !== undefined) line.length = 0;
    this.#left--; // the line's end
    try {
      this.#emit(text, fd);
      if (this.#left <= 0 && !this.#full) this.#emit("(more output is not shown)", fd);
    } catch {
      // A log that fails must not change what the program does.
    }
    this.#full = this.#left <= 0;
  }
}

/**
 * Turns an access outside of the memory into an error number.
 * @param {(...args: any[]) => number} f @param {any[]} args
 */
function guard(f, args) {
  try {
    return f(...args);
  } catch (e) {
    if (e instanceof RangeError) return EFAULT;
    throw e;
  }
}

/** @param {Uint8Array} bytes */
function systemRandom(bytes) {
  crypto.getRandomValues(bytes);
}

/** The host's clock that never steps back, if there is one. @returns {() => number} */
function steadyNow() {
  return typeof performance === "object" ? () => performance.now() : Date.now;
}

/** @param {string} s */
function encode(s) {
  if (s.includes("\0")) throw new TypeError("arguments and environment cannot contain NUL");
  return new TextEncoder().encode(s + "\0");
}

/** The answer about a file descriptor, of which only 0, 1 and 2 exist. @param {number} fd */
function standard(fd) {
  return fd >= 0 && fd <= 2 ? SUCCESS : EBADF;
}
