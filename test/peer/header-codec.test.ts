import { describe, expect, test } from "bun:test";
import { pack } from "msgpackr";
import { SeededRandom } from "../../src/base/random.ts";
import { FieldReader, headerBytesMax, packHeader, unpackHeader } from "../../src/peer/header-codec.ts";

const numbers = [
  0,
  1,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 52 + 1,
  Number.MAX_SAFE_INTEGER,
];

describe("packHeader() and unpackHeader()", () => {
  test("bring back every size of number, and booleans", () => {
    const fields = [...numbers, true, false];
    const packed = packHeader(fields, 12);
    expect(unpackHeader(packed.subarray(12))).toEqual(fields);
  });

  test("keep to the announced maximum", () => {
    const fields = Array.from({ length: 15 }, () => Number.MAX_SAFE_INTEGER);
    expect(packHeader(fields, 0)).toHaveLength(headerBytesMax);
  });

  test("give results that later calls do not overwrite", () => {
    const first = packHeader([1, 2, 3], 12);
    for (let i = 0; i < 2000; i++) packHeader([9, 9, 9, 9], 12);
    expect(unpackHeader(first.subarray(12))).toEqual([1, 2, 3]);
  });

  test("unpackHeader() refuses whatever msgpack can say besides", () => {
    const others: unknown[] = [
      5,
      "text",
      null,
      { a: 1 },
      [null],
      ["text"],
      [-1],
      [[1]],
      [{ a: 1 }],
      [new Date(0)],
      [new Uint8Array(3)],
      [2n ** 63n],
      Array.from({ length: 16 }, () => 1),
    ];
    for (const other of others) expect(unpackHeader(pack(other))).toBeNull();
    // A record definition, which would stay in the decoder; an array that claims 2^32 - 1 elements; a regular expression.
    for (const hex of ["d47240", "92d4724081a1610101", "91ddffffffff", "ddffffffff", "91c70478a16161"]) {
      expect(unpackHeader(Buffer.from(hex, "hex"))).toBeNull();
    }
  });

  test("unpackHeader() refuses a header that is cut off or has bytes behind it", () => {
    const packed = packHeader([1, 300, 70_000, 2 ** 40, true], 0);
    for (let length = 0; length < packed.length; length++) {
      expect(unpackHeader(packed.subarray(0, length))).toBeNull();
    }
    expect(unpackHeader(Buffer.concat([packed, Buffer.from([0])]))).toBeNull();
  });

  test("unpackHeader() answers numbers and booleans or null for any bytes", () => {
    const random = new SeededRandom(7);
    let accepted = 0;
    for (let round = 0; round < 50_000; round++) {
      const bytes = Buffer.alloc(random.below(24));
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
      if (bytes.length > 0 && round % 2 === 0) bytes[0] = 0x90 | random.below(16);
      const fields = unpackHeader(bytes);
      if (fields === null) continue;
      accepted++;
      expect(fields.every((field) => typeof field === "number" || typeof field === "boolean")).toBeTrue();
    }
    expect(accepted).toBeGreaterThan(10);
  });
});

describe("FieldReader", () => {
  test("integer() accepts the bounds and nothing beyond, nor fractions, NaN or booleans", () => {
    for (const value of [3, 9]) expect(new FieldReader([value]).integer("n", 3, 9)).toBe(value);
    for (const value of [2, 10, 3.5, Number.NaN, Number.POSITIVE_INFINITY, true]) {
      const reader = new FieldReader([value]);
      expect(reader.integer("n", 3, 9)).toBe(3);
      expect(reader.error).toBe("n is not an integer in [3, 9]");
    }
  });

  test("boolean() does not take numbers for booleans", () => {
    const reader = new FieldReader([1]);
    reader.boolean("b");
    expect(reader.error).toBe("b is not a boolean");
  });

  test("end() wants all fields read, and missing ones are errors", () => {
    const surplus = new FieldReader([1, 2]);
    surplus.integer("n", 0, 9);
    surplus.end();
    expect(surplus.error).toBe("2 fields instead of 1");
    const missing = new FieldReader([]);
    missing.integer("n", 0, 9);
    expect(missing.error).not.toBeNull();
  });
});
