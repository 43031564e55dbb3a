/** The codec of the boundary. */

import { result } from "../../src/frame.js";
import { outcomes, pack, Reader, RecryptError, Status, text, u32, u64, u8, unpack } from "../../src/index.js";
import { assert } from "./assert.js";
import { hex, unhex as bytes } from "./bytes.js";
import { group, test } from "./registry.js";

const none = new Uint8Array(0);
const malformed = (e: unknown): boolean => e instanceof RecryptError && e.status === Status.Malformed;

group("the codec", () => {
  test("the worked example of the boundary", () => {
    const id = "rid1" + "q".repeat(58);
    const request = pack(text(id));
    assert.equal(hex(request.subarray(0, 8)), "3e00000072696431");
    assert.equal(request.length, 4 + 62);

    const response = bytes("00 01000000 01 20000000" + "d73f".repeat(16));
    const r = new Reader(result(response), 2);
    assert.equal(r.u8(), 1);
    assert.equal(hex(r.fixed(32)), "d73f".repeat(16));
    r.end();
  });

  test("pack and unpack are inverse", () => {
    const cases = [[], [""], ["", ""], ["00"], ["0102", "", "ff".repeat(300)]];
    for (const c of cases) {
      const frames = c.map(bytes);
      assert.deepEqual(unpack(pack(...frames)).map(hex), c);
      assert.deepEqual(unpack(pack(...frames), c.length).map(hex), c);
      assert.throws(() => unpack(pack(...frames), c.length + 1), malformed);
      if (c.length > 0) assert.throws(() => unpack(pack(...frames), c.length - 1), malformed);
    }
  });

  test("every cut and every additional byte is malformed", () => {
    const whole = pack(bytes("0102"), bytes(""), bytes("03"));
    for (let n = 0; n < whole.length; n++) {
      assert.throws(() => unpack(whole.subarray(0, n), 3), malformed, `${n} bytes`);
    }
    assert.throws(() => unpack(bytes(hex(whole) + "00"), 3), malformed);
    assert.throws(() => unpack(bytes("ffffffff"), 1), malformed);
    assert.throws(() => unpack(bytes("ffffffff00"), 1), malformed);
    assert.throws(() => unpack(bytes("05000000 01020304")), malformed);
  });

  test("unpack works inside a larger buffer and copies nothing", () => {
    const large = bytes("eeee 02000000 0102 eeee");
    const [frame] = unpack(large.subarray(2, 8), 1);
    assert.ok(frame);
    assert.equal(hex(frame), "0102");
    assert.equal(frame.buffer, large.buffer);
  });

  test("the outcomes of a batch", () => {
    const [first, second, third] = outcomes(pack(bytes("00 0102"), Uint8Array.of(Status.Decrypt, ...text("no")), bytes("00")), 3);
    assert.equal(hex(first?.value ?? none), "0102");
    assert.ok(second?.error instanceof RecryptError && second.error.status === Status.Decrypt && second.error.message === "no");
    assert.deepEqual([second.value, third?.value?.length, third?.error], [undefined, 0, undefined]);
    assert.deepEqual(outcomes(none, 0), []);
    assert.throws(() => outcomes(pack(bytes("00")), 2), malformed);
    assert.throws(() => outcomes(pack(bytes("00"), bytes("00")), 1), malformed);
    assert.throws(() => outcomes(bytes("0000"), 1), malformed);
    for (const odd of ["", "ff", "020a"]) {
      const [o] = outcomes(pack(bytes(odd)), 1);
      assert.equal(o?.error?.status, Status.Internal, odd);
    }
  });

  test("numbers are little-endian with a fixed width", () => {
    assert.equal(hex(u8(0xab)), "ab");
    assert.equal(hex(u32(0x01020304)), "04030201");
    assert.equal(hex(u32(0xffffffff)), "ffffffff");
    assert.equal(hex(u64(0x0102030405060708n)), "0807060504030201");
    assert.equal(hex(u64(1)), "0100000000000000");
    assert.equal(hex(u64(2n ** 64n - 1n)), "ff".repeat(8));
    for (const bad of [() => u8(256), () => u8(-1), () => u8(1.5), () => u32(2 ** 32), () => u32(NaN), () => u64(-1), () => u64(2n ** 64n)]) {
      assert.throws(bad, RangeError);
    }
  });

  test("a reader gives each type back", () => {
    const r = new Reader(pack(u8(7), u32(0xfffffffe), u64(2n ** 63n), text("ä€"), bytes("0102"), bytes(""), bytes("0a")), 7);
    assert.equal(r.u8(), 7);
    assert.equal(r.u32(), 0xfffffffe);
    assert.equal(r.u64(), 2n ** 63n);
    assert.equal(r.text(), "ä€");
    assert.equal(hex(r.fixed(2)), "0102");
    assert.equal(r.fixedOrEmpty(2).length, 0);
    assert.throws(() => {
      r.end();
    }, malformed);
    assert.equal(hex(r.bytes()), "0a");
    r.end();
    assert.throws(() => r.bytes(), malformed);
  });

  test("a reader refuses other widths and broken text", () => {
    const reader = (frame: string): Reader => new Reader(pack(bytes(frame)), 1);
    assert.throws(() => reader("").u8(), malformed);
    assert.throws(() => reader("0102").u8(), malformed);
    assert.throws(() => reader("010203").u32(), malformed);
    assert.throws(() => reader("0102030405").u32(), malformed);
    assert.throws(() => reader("01020304").u64(), malformed);
    assert.throws(() => reader("01").fixed(2), malformed);
    assert.throws(() => reader("01").fixedOrEmpty(2), malformed);
    assert.throws(() => reader("ff").text(), malformed);
    assert.throws(() => new Reader(pack(u8(1)), 2), malformed);
  });

  test("a response is results or a typed error", () => {
    assert.equal(result(bytes("00")).length, 0);
    const answer = (response: Uint8Array): RecryptError => {
      try {
        result(response);
      } catch (e) {
        assert.ok(e instanceof RecryptError);
        return e;
      }
      return assert.fail("no error");
    };
    const decrypt = answer(Uint8Array.of(Status.Decrypt, ...text("decryption failed")));
    assert.equal(decrypt.status, Status.Decrypt);
    assert.equal(decrypt.message, "decryption failed");
    assert.equal(decrypt.name, "RecryptError");
    assert.equal(answer(bytes("")).status, Status.Internal);
    assert.equal(answer(bytes("0c")).status, Status.Internal);
    assert.equal(answer(bytes("ff41")).status, Status.Internal);
    assert.equal(answer(bytes("010a")).status, Status.Internal);
    assert.equal(answer(bytes("01c3a4")).status, Status.Internal);
    assert.equal(answer(bytes("01" + "41".repeat(200))).status, Status.Malformed);
    assert.equal(answer(bytes("01" + "41".repeat(201))).status, Status.Internal);
  });
});
