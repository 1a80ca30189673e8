import { describe, expect, test } from "bun:test";
import { KeyEntry } from "../../src/keyspace/key-entry.ts";
import { encodingOf, referenceCount, storedString, stringOf, type Value } from "../../src/keyspace/value.ts";

function entryWith(value: Value, rawEncoded = false): KeyEntry {
  const entry = new KeyEntry("k", value, 1, 1, 0);
  entry.rawEncoded = rawEncoded;
  return entry;
}

describe("storedString()", () => {
  test.each(["0", "-5", "9007199254740991"])("keeps %j as a number", (text) => {
    expect(storedString(text)).toBe(Number(text));
    expect(stringOf(storedString(text))).toBe(text);
  });

  test.each(["", "-0", "007", "1.5", "9007199254740992", "1 ", "\xff"])("keeps %j as text", (text) => {
    expect(storedString(text)).toBe(text);
    expect(stringOf(storedString(text))).toBe(text);
  });
});

describe("encodingOf()", () => {
  test.each([
    ["12", "int"],
    ["-9223372036854775808", "int"],
    ["9223372036854775807", "int"],
    ["9223372036854775808", "embstr"],
    ["012", "embstr"],
    ["x".repeat(44), "embstr"],
    ["x".repeat(45), "raw"],
  ] as const)("says of %j that it is %s", (text, encoding) => {
    expect(encodingOf(entryWith(storedString(text)))).toBe(encoding);
  });

  test("says raw of what was changed in place, an integer or not", () => {
    expect(encodingOf(entryWith(12, true))).toBe("raw");
    expect(encodingOf(entryWith("ab", true))).toBe("raw");
  });

  test("says embstr of digits that were built as text", () => {
    expect(encodingOf(entryWith("12"))).toBe("embstr");
  });
});

test("referenceCount() answers for small integers as Redis does for its shared ones", () => {
  const shared = 2147483647;
  expect([0, 9999].map((value) => referenceCount(entryWith(value)))).toEqual([shared, shared]);
  expect([-1, 10_000, "x"].map((value) => referenceCount(entryWith(value)))).toEqual([1, 1, 1]);
  expect(referenceCount(entryWith(5, true))).toBe(1);
});
