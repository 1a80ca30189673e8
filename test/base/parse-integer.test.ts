import { describe, expect, test } from "bun:test";
import { parseInt64, parseSafeInteger } from "../../src/base/parse-integer.ts";
import { SeededRandom } from "../../src/base/random.ts";

const notIntegers = [
  "",
  "-",
  "+1",
  " 1",
  "1 ",
  "01",
  "-01",
  "-0",
  "00",
  "1.0",
  "1e3",
  "0x10",
  "abc",
  "1\x00",
  "1-",
  "--1",
];

describe("parseSafeInteger()", () => {
  test.each([
    ["0", 0],
    ["7", 7],
    ["-1", -1],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["-9007199254740991", Number.MIN_SAFE_INTEGER],
  ])("reads %j", (text, value) => {
    expect(parseSafeInteger(text)).toBe(value);
  });

  test.each([
    ...notIntegers,
    "9007199254740992",
    "9007199254740993",
    "-9007199254740992",
    "9999999999999999",
  ])("refuses %j", (text) => {
    expect(parseSafeInteger(text)).toBeNull();
  });

  test("reads back every safe integer that it is shown", () => {
    const random = new SeededRandom(3);
    for (let round = 0; round < 2000; round++) {
      const value = random.below(2 ** random.below(54)) * (random.below(2) === 0 ? 1 : -1);
      if (value !== 0) expect(parseSafeInteger(String(value))).toBe(value);
    }
  });
});

describe("parseInt64()", () => {
  test.each([
    ["0", 0n],
    ["-42", -42n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
  ])("reads %j", (text, value) => {
    expect(parseInt64(text)).toBe(value);
  });

  test.each([
    ...notIntegers,
    "9223372036854775808",
    "-9223372036854775809",
    "09007199254740993",
    "100000000000000000000",
    "90071992547409931x",
  ])("refuses %j", (text) => {
    expect(parseInt64(text)).toBeNull();
  });
});
