// Adds to a WebAssembly module what makes its course visible: a running hash over
// every address, every condition and every operand of a division.

import binaryen from "binaryen";

const b = /** @type {any} */ (binaryen); // with what its types leave out

/** What an event can be. */
export const KINDS = [
  "load address", "store address",
  "memory.copy destination", "memory.copy source", "memory.copy length",
  "memory.fill address", "memory.fill length", "memory.grow size",
  "if condition", "br_if condition", "br_table index", "select condition", "call_indirect target",
  "dividend", "divisor", "call of a public function",
];
const [LOAD, STORE, COPY_TO, COPY_FROM, COPY_LENGTH, FILL_AT, FILL_LENGTH, GROW, IF, BR_IF, BR_TABLE, SELECT, INDIRECT, DIVIDEND, DIVISOR, PUBLIC] =
  KINDS.keys();

/**
 * @typedef {object} Site a place in the code where events come from
 * @property {number} kind index into KINDS
 * @property {number} func index of the function
 *
 * @typedef {object} Instrumented
 * @property {Uint8Array} binary the module, with exports named "trace…" added
 * @property {Site[]} sites by the number that events carry
 * @property {string[]} globals names under which the module's own variables are exported
 * @property {Map<number, string[]>} divisions mnemonics of the divisions of each function that has some
 */

// Divisions and remainders of integers: their time depends on the operands.
const DIVISIONS = new Map(
  ["DivS", "DivU", "RemS", "RemU"].flatMap((name) => ["Int32", "Int64"].map((type) => [b[name + type], mnemonic(name, type)])),
);

/** @param {string} name @param {string} type */
function mnemonic(name, type) {
  return `i${type.slice(3)}.${name.slice(0, 3).toLowerCase()}_${name[3].toLowerCase()}`;
}

// What Go's modules use, and exported variables.
const FEATURES = ["MutableGlobals", "BulkMemory", "BulkMemoryOpt", "SignExt", "NontrappingFPToInt"].reduce((all, name) => all | b.Features[name], 0);

/**
 * Instruments a module.
 *
 * @param {Uint8Array} bytes the module
 * @param {number[]} publics indices of functions whose insides are left out: they work on public data in variable time
 * @param {[number, number][]} known calls, as the indices of caller and callee, whose insides are always left out
 * @returns {Instrumented}
 */
export function instrument(bytes, publics, known) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(FEATURES);
  const count = module.getNumFunctions();
  const globals = exportGlobals(module);
  const added = new Added(module);
  const quiet = new Map(known.map(([caller, callee]) => [caller, added.quiet(binaryen.getFunctionInfo(module.getFunctionByIndex(callee)))]));
  /** @type {Site[]} */
  const sites = [];
  const divisions = new Map();
  for (let index = 0; index < count; index++) {
    const func = module.getFunctionByIndex(index);
    if (binaryen.getFunctionInfo(func).base) continue; // imported
    const walk = new Walk(added, sites, index, quiet.get(index));
    walk.run(b.Function.getBody(func));
    if (quiet.has(index) && walk.quieted === 0) throw new Error(`function ${index} no longer makes the call that is left out`);
    if (walk.divisions.length > 0) divisions.set(index, walk.divisions);
    if (publics.includes(index)) leaveOut(module, added, func, sites.push({ kind: PUBLIC, func: index }) - 1);
  }
  if (!module.validate()) throw new Error("the instrumented module is not valid");
  const binary = module.emitBinary();
  module.dispose();
  return { binary, sites, globals, divisions };
}

/** Exports the module's variables, so that a state can be restored. @param {binaryen.Module} module */
function exportGlobals(module) {
  const names = [];
  for (let i = 0; i < module.getNumGlobals(); i++) {
    const info = binaryen.getGlobalInfo(module.getGlobalByIndex(i));
    if (!info.mutable) continue;
    names.push(`trace_global_${i}`);
    module.addGlobalExport(info.name, `trace_global_${i}`);
  }
  return names;
}

const HASH = "trace_hash"; // i64, over all events so far
const COUNT = "trace_count"; // i32, number of events so far
const ON = "trace_on"; // i32, 1 while events count
const WHOLE = "trace_whole"; // i32, 1 if they count in the public functions too
const WATCH = "trace_watch"; // i32, the first event that the following are looked at for
const MARK = "trace_mark"; // i32, the event after which the hash is noted …
const NOTED = "trace_noted"; // i64, … here
const FROM = "trace_from"; // i32, the first event to be told to the host …
const SPAN = "trace_span"; // i32, … and how many of them

/** @typedef {{ callee: string, instead: string }} Quiet a function, and what is called in its place */

/** What is added to a module: its state, and the functions that take events. */
class Added {
  /** @param {binaryen.Module} module */
  constructor(module) {
    this.module = module;
    for (const name of [COUNT, ON, WHOLE, WATCH, MARK, FROM, SPAN]) this.#variable(name, binaryen.i32, module.i32.const(0));
    for (const name of [HASH, NOTED]) this.#variable(name, binaryen.i64, module.i64.const(0));
    module.addFunctionImport("trace_see", "trace", "see", binaryen.createType([binaryen.i32, binaryen.i64]), binaryen.none);
    this.#addWatched();
    this.#addPass("trace_i32", binaryen.i32);
    this.#addPass("trace_i64", binaryen.i64);
  }

  /** @param {string} name @param {binaryen.Type} type @param {binaryen.ExpressionRef} zero */
  #variable(name, type, zero) {
    this.module.addGlobal(name, type, true, zero);
    this.module.addGlobalExport(name, name);
  }

  // trace_watched(site, value) is for the events from WATCH on: it notes the hash
  // at the mark and tells the host of the events to be listed.
  #addWatched() {
    const m = this.module;
    const i32 = (/** @type {string} */ name) => m.global.get(name, binaryen.i32);
    const [site, value] = [m.local.get(0, binaryen.i32), m.local.get(1, binaryen.i64)];
    m.addFunction("trace_watched", binaryen.createType([binaryen.i32, binaryen.i64]), binaryen.none, [], m.block(null, [
      m.if(m.i32.eq(i32(COUNT), i32(MARK)), m.global.set(NOTED, m.global.get(HASH, binaryen.i64))),
      m.if(m.i32.lt_u(m.i32.sub(i32(COUNT), i32(FROM)), i32(SPAN)), m.call("trace_see", [site, value], binaryen.none)),
    ]));
  }

  // name(value, site) returns value and makes an event of it:
  //   hash = (rotl(hash ^ value, 29) + site) · odd constant, for every event a bijection of the hash
  /** @param {string} name @param {binaryen.Type} type */
  #addPass(name, type) {
    const m = this.module;
    const value = () => m.local.get(0, type);
    const wide = () => (type === binaryen.i32 ? m.i64.extend_u(value()) : value());
    const site = () => m.local.get(1, binaryen.i32);
    const count = () => m.global.get(COUNT, binaryen.i32);
    const constant = (/** @type {bigint} */ v) => m.i64.const(/** @type {any} */ (v));
    const turned = m.i64.rotl(m.i64.xor(m.global.get(HASH, binaryen.i64), wide()), constant(29n));
    m.addFunction(name, binaryen.createType([type, binaryen.i32]), type, [], m.block(null, [
      m.if(m.global.get(ON, binaryen.i32), m.block(null, [
        m.global.set(HASH, m.i64.mul(m.i64.add(turned, m.i64.extend_u(site())), constant(-7046029254386353131n))),
        m.global.set(COUNT, m.i32.add(count(), m.i32.const(1))),
        m.if(m.i32.ge_u(count(), m.global.get(WATCH, binaryen.i32)), m.call("trace_watched", [site(), wide()], binaryen.none)),
      ])),
      value(),
    ], type));
  }

  /**
   * Adds a function that calls another one with events off.
   * @param {binaryen.FunctionInfo} callee @returns {Quiet}
   */
  quiet(callee) {
    const instead = `trace_quiet_${callee.name}`;
    const params = binaryen.expandType(callee.params);
    const saved = params.length;
    this.module.addFunction(instead, callee.params, callee.results, [binaryen.i32, callee.results],
      this.without(callee.name, params, callee.results, saved, this.module.i32.const(0)));
    return { callee: callee.name, instead };
  }

  /**
   * Returns a call with a function's own parameters that leaves events off, or as they are if whole is 1.
   * @param {string} callee @param {binaryen.Type[]} params @param {binaryen.Type} results
   * @param {number} saved index of an i32 to keep the state in; the next one is for the result
   * @param {binaryen.ExpressionRef} whole
   */
  without(callee, params, results, saved, whole) {
    const m = this.module;
    return m.block(null, [
      m.local.set(saved, m.global.get(ON, binaryen.i32)),
      m.global.set(ON, m.i32.and(m.local.get(saved, binaryen.i32), whole)),
      m.local.set(saved + 1, m.call(callee, params.map((t, i) => m.local.get(i, t)), results)),
      m.global.set(ON, m.local.get(saved, binaryen.i32)),
      m.local.get(saved + 1, results),
    ], results);
  }
}

/**
 * @typedef {object} Shape how a node of one of binaryen's classes is treated
 * @property {[operand: string, kind: number][]} [events] operands that become events
 * @property {string[]} [others] further operands
 * @property {[number: string, item: string]} [list] a list of operands
 */

/** Every class of nodes that Go makes is here; another one is an error, so that none is overlooked. @type {Record<string, Shape>} */
const SHAPES = {
  Nop: {}, Unreachable: {}, LocalGet: {}, GlobalGet: {}, Const: {}, MemorySize: {},
  Block: { list: ["Children", "Child"] },
  Loop: { others: ["Body"] },
  If: { events: [["Condition", IF]], others: ["IfTrue", "IfFalse"] },
  Break: { events: [["Condition", BR_IF]], others: ["Value"] },
  Switch: { events: [["Condition", BR_TABLE]], others: ["Value"] },
  Select: { events: [["Condition", SELECT]], others: ["IfTrue", "IfFalse"] },
  Call: { list: ["Operands", "Operand"] },
  CallIndirect: { events: [["Target", INDIRECT]], list: ["Operands", "Operand"] },
  LocalSet: { others: ["Value"] },
  GlobalSet: { others: ["Value"] },
  Load: { events: [["Ptr", LOAD]] },
  Store: { events: [["Ptr", STORE]], others: ["Value"] },
  Unary: { others: ["Value"] },
  Binary: { others: ["Left", "Right"] },
  Drop: { others: ["Value"] },
  Return: { others: ["Value"] },
  MemoryGrow: { events: [["Delta", GROW]] },
  MemoryCopy: { events: [["Dest", COPY_TO], ["Source", COPY_FROM], ["Size", COPY_LENGTH]] },
  MemoryFill: { events: [["Dest", FILL_AT], ["Size", FILL_LENGTH]], others: ["Value"] },
};

/** @type {Shape} */
const DIVISION = { events: [["Left", DIVIDEND], ["Right", DIVISOR]] };

/** The classes' names by binaryen's number. @type {Map<number, string>} */
const CLASSES = new Map(Object.keys(SHAPES).map((name) => [b[`${name}Id`], name]));

/** A walk through one function that makes events of everything worth one. */
class Walk {
  /** @type {string[]} */
  divisions = [];
  quieted = 0;
  /** @type {binaryen.ExpressionRef[]} */
  #open = [];

  /** @param {Added} added @param {Site[]} sites @param {number} func @param {Quiet | undefined} quiet */
  constructor(added, sites, func, quiet) {
    this.module = added.module;
    this.sites = sites;
    this.func = func;
    this.quiet = quiet;
  }

  /** @param {binaryen.ExpressionRef} body */
  run(body) {
    this.#later(body);
    for (let e = this.#open.pop(); e !== undefined; e = this.#open.pop()) this.#step(e);
  }

  /** @param {binaryen.ExpressionRef} e */
  #later(e) {
    if (e !== 0) this.#open.push(e);
  }

  /** @param {binaryen.ExpressionRef} e */
  #step(e) {
    const name = CLASSES.get(binaryen.getExpressionId(e));
    if (name === undefined) {
      throw new Error(`function ${this.func} has an instruction that the tracer does not know, binaryen's number ${binaryen.getExpressionId(e)}`);
    }
    const node = b[name];
    const division = name === "Binary" ? DIVISIONS.get(node.getOp(e)) : undefined;
    if (division !== undefined) this.divisions.push(division);
    const shape = division === undefined ? SHAPES[name] : DIVISION;
    for (const [operand, kind] of shape.events ?? []) this.#wrap(node, e, operand, kind);
    for (const operand of shape.others ?? []) this.#later(node[`get${operand}`](e));
    if (shape.list !== undefined) {
      const [list, item] = shape.list;
      for (let i = 0; i < node[`getNum${list}`](e); i++) this.#later(node[`get${item}At`](e, i));
    }
    if (name === "Call" && node.getTarget(e) === this.quiet?.callee) {
      node.setTarget(e, this.quiet?.instead);
      this.quieted++;
    }
  }

  /**
   * Makes an operand an event, and goes on in it.
   * @param {any} node binaryen's class of e @param {binaryen.ExpressionRef} e
   * @param {string} operand @param {number} kind
   */
  #wrap(node, e, operand, kind) {
    const value = node[`get${operand}`](e);
    if (value === 0) return; // a br without condition
    this.#later(value);
    const type = binaryen.getExpressionType(value);
    if (type === binaryen.unreachable) return;
    const site = this.sites.push({ kind, func: this.func }) - 1;
    const name = type === binaryen.i64 ? "trace_i64" : "trace_i32";
    node[`set${operand}`](e, this.module.call(name, [value, this.module.i32.const(site)], type));
  }
}

/**
 * Stops the events inside a function, unless the whole is wanted: its body moves to a new one, which it calls with events off.
 *
 * @param {binaryen.Module} module @param {Added} added @param {binaryen.FunctionRef} func @param {number} site
 */
function leaveOut(module, added, func, site) {
  const info = binaryen.getFunctionInfo(func);
  const inner = `${info.name}$inside`;
  module.addFunction(inner, info.params, info.results, info.vars, info.body);
  const saved = b._BinaryenFunctionAddVar(func, binaryen.i32);
  b._BinaryenFunctionAddVar(func, info.results);
  const whole = module.global.get(WHOLE, binaryen.i32);
  b.Function.setBody(func, module.block(null, [
    module.drop(module.call("trace_i32", [module.i32.const(0), module.i32.const(site)], binaryen.i32)),
    added.without(inner, binaryen.expandType(info.params), info.results, saved, whole),
  ], info.results));
}
