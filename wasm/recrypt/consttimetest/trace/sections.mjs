// What of a WebAssembly file is read without binaryen: the names of its functions
// and the bytes of its code.

const CUSTOM = 0;
const CODE = 10;
const FUNCTION_NAMES = 1;

/** Reads LEB128 numbers, names and pieces of bytes. */
class Reader {
  #bytes;
  at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  get done() {
    return this.at >= this.#bytes.length;
  }

  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const b = this.#bytes[this.at++];
      value += (b & 127) * scale;
      if (b < 128) return value;
    }
  }

  /** @param {number} n */
  piece(n) {
    this.at += n;
    return this.#bytes.subarray(this.at - n, this.at);
  }

  text() {
    return new TextDecoder().decode(this.piece(this.number()));
  }
}

/** @param {Uint8Array} module @param {number} id */
function* sections(module, id) {
  const r = new Reader(module);
  r.at = 8; // magic number and version
  while (!r.done) {
    const found = r.number();
    const body = r.piece(r.number());
    if (found === id) yield body;
  }
}

/** Returns the bytes of all function bodies. @param {Uint8Array} module */
export function code(module) {
  return [...sections(module, CODE)][0];
}

/**
 * Returns the names of the functions by index, as the name section has them.
 * @param {Uint8Array} module @returns {string[]}
 */
export function functionNames(module) {
  /** @type {string[]} */
  const names = [];
  for (const section of sections(module, CUSTOM)) {
    const r = new Reader(section);
    if (r.text() !== "name") continue;
    while (!r.done) {
      const kind = r.number();
      const end = r.number() + r.at;
      if (kind === FUNCTION_NAMES) {
        for (let n = r.number(); n > 0; n--) names[r.number()] = r.text();
      }
      r.at = end;
    }
  }
  return names;
}
