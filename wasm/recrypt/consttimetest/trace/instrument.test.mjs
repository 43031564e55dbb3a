// node --test: that every kind of access and decision makes an event, and that
// instrumenting changes nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import binaryen from "binaryen";
import { instrument, KINDS } from "./instrument.mjs";
import { code, functionNames } from "./sections.mjs";

const source = `(module
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) $seven $eight)
  (global $variable (mut i32) (i32.const 5))
  (type $number (func (result i32)))
  (func $seven (result i32) (i32.const 7))
  (func $eight (result i32) (i32.const 8))
  (func $sum (param i32 i32) (result i32)
    (if (i32.eq (local.get 0) (local.get 1)) (then (return (i32.const 0))))
    (i32.add (local.get 0) (local.get 1)))
  (func $caller (param i32) (result i32) (call $sum (local.get 0) (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u offset=16 (local.get 0)))
  (func (export "store") (param i32) (result i32) (i64.store (local.get 0) (i64.const 258)) (i32.const 1))
  (func (export "if") (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 2)) (else (i32.const 2))))
  (func (export "select") (param i32) (result i32) (select (i32.const 2) (i32.const 2) (local.get 0)))
  (func (export "br_if") (param i32) (result i32) (block $out (br_if $out (local.get 0))) (i32.const 2))
  (func (export "br_table") (param i32) (result i32) (block $a (block $b (br_table $a $b (local.get 0)))) (i32.const 2))
  (func (export "call_indirect") (param i32) (result i32) (call_indirect (type $number) (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 3)))
  (func (export "divisor") (param i32) (result i32) (i32.wrap_i64 (i64.rem_s (i64.const 99) (i64.extend_i32_u (local.get 0)))))
  (func (export "copy") (param i32) (result i32) (memory.copy (i32.const 0) (local.get 0) (i32.const 4)) (i32.const 1))
  (func (export "fill") (param i32) (result i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)) (i32.const 1))
  (func (export "sum") (param i32) (result i32) (call $sum (local.get 0) (i32.const 1)))
  (func (export "known") (param i32) (result i32) (call $caller (local.get 0)))
  (func (export "none") (param i32) (result i32) (i32.mul (i32.add (local.get 0) (i32.const 3)) (local.get 0)))
  (func (export "variable") (param i32) (result i32) (global.set $variable (local.get 0)) (global.get $variable)))`;

const features = binaryen.Features.BulkMemory | binaryen.Features.MutableGlobals | /** @type {any} */ (binaryen.Features).BulkMemoryOpt;

function assembled() {
  const m = binaryen.parseText(source);
  m.setFeatures(features);
  binaryen.setDebugInfo(true);
  return m.emitBinary();
}

const bytes = assembled();
const names = functionNames(bytes);
const index = (/** @type {string} */ name) => names.indexOf(name);

/** Returns an instance that runs exports and tells their events. */
function instance(/** @type {number[]} */ publics = [], /** @type {[number, number][]} */ known = []) {
  const made = instrument(bytes, publics, known);
  /** @type {{ kind: string, value: bigint }[]} */
  let seen = [];
  const see = (/** @type {number} */ site, /** @type {bigint} */ value) => seen.push({ kind: KINDS[made.sites[site].kind], value });
  const e = /** @type {any} */ (new WebAssembly.Instance(new WebAssembly.Module(/** @type {BufferSource} */ (made.binary)), { trace: { see } }).exports);
  const run = (/** @type {string} */ name, /** @type {number} */ argument, whole = 1) => {
    seen = [];
    Object.assign(e.trace_hash, { value: 0n });
    for (const [variable, value] of Object.entries({ count: 0, watch: 1, mark: 0, from: 1, span: 99, whole, on: 1 })) e[`trace_${variable}`].value = value;
    const result = e[name](argument);
    assert.equal(e.trace_on.value, 1);
    assert.equal(e.trace_count.value, seen.length);
    return { result, seen, hash: e.trace_hash.value };
  };
  return { run, e, made };
}

/** The module as it was. */
const plain = /** @type {any} */ (new WebAssembly.Instance(new WebAssembly.Module(/** @type {BufferSource} */ (bytes))).exports);

test("what depends on the argument makes different events, and results stay", () => {
  const { run } = instance();
  const kinds = {
    load: "load address", store: "store address", if: "if condition", select: "select condition", br_if: "br_if condition",
    br_table: "br_table index", call_indirect: "call_indirect target", divide: "dividend", divisor: "divisor",
    copy: "memory.copy source", fill: "memory.fill length",
  };
  for (const [name, kind] of Object.entries(kinds)) {
    const arguments_ = name === "divisor" ? [1, 2] : [0, 1];
    const [a, b] = arguments_.map((x) => run(name, x));
    assert.notEqual(a.hash, b.hash, name);
    assert.ok(a.seen.some((s, i) => s.kind === kind && s.value !== b.seen[i].value), `${name}: no ${kind}`);
    assert.deepEqual([a.result, b.result], arguments_.map((x) => plain[name](x)), name);
  }
});

test("arithmetic and variables make none", () => {
  const { run } = instance();
  for (const name of ["none", "variable"]) {
    for (const x of [0, 1, 7]) {
      const { result, seen, hash } = run(name, x);
      assert.deepEqual([result, seen, hash], [plain[name](x), [], 0n], name);
    }
  }
});

test("equal runs have equal hashes", () => {
  const { run } = instance();
  assert.equal(run("load", 5).hash, run("load", 5).hash);
});

test("the inside of a public function is left out, unless the whole is wanted", () => {
  const { run } = instance([index("sum")]);
  for (const [whole, kinds] of /** @type {[number, string[]][]} */ ([[0, ["call of a public function"]], [1, ["call of a public function", "if condition"]]])) {
    const { result, seen } = run("sum", 1, whole);
    assert.equal(result, 0);
    assert.deepEqual(seen.map((s) => s.kind), kinds);
  }
});

test("a known call is left out of one caller only", () => {
  const { run } = instance([], [[index("caller"), index("sum")]]);
  assert.deepEqual(run("known", 1).seen, []);
  assert.equal(run("known", 4).result, 5);
  assert.equal(run("sum", 1).seen.length, 1);
  assert.throws(() => instance([], [[index("seven"), index("sum")]]), /no longer makes the call/);
});

test("the hash after a mark", () => {
  const { run, e } = instance();
  const whole = run("copy", 3).hash;
  e.trace_mark.value = 3;
  for (const [variable, value] of Object.entries({ hash: 0n, count: 0, on: 1, noted: 0n })) e[`trace_${variable}`].value = value;
  e.copy(3);
  assert.equal(e.trace_noted.value, whole); // it has three events
});

test("divisions are listed, and names and code are read", () => {
  const { made } = instance();
  assert.deepEqual([...made.divisions.values()].flat().sort(), ["i32.div_u", "i64.rem_s"]);
  assert.equal(made.globals.length, 1);
  assert.ok(index("seven") >= 0 && index("eight") >= 0);
  assert.ok(code(bytes).length > 100);
});
