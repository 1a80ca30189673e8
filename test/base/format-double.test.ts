import { describe, expect, test } from "bun:test";
import { formatDouble } from "../../src/base/format-double.ts";
import { SeededRandom } from "../../src/base/random.ts";

describe("formatDouble()", () => {
  // Every text was printed by fpconv_dtoa and the rules around it in Redis 7.2's d2string.
  const texts: readonly [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [-1, "-1"],
    [1.5, "1.5"],
    [0.1, "0.1"],
    [2 ** 53, "9007199254740992"],
    [2 ** 60, "1152921504606846976"],
    [2 ** 62, "4611686018427387904"],
    [-(2 ** 62), "-4611686018427387904"],
    [2 ** 62 + 2 ** 11, "4611686018427390000"],
    [2 ** 63, "9223372036854776000"],
    [1e19, "1e+19"],
    [-1e19, "-1e+19"],
    [1e20, "1e+20"],
    [12345678901234567890, "12345678901234567000"],
    [12345678901230000000, "12345678901230000000"],
    [54321098765400000000, "5.43210987654e+19"],
    [1.2345678e25, "1.2345678e+25"],
    [1e300, "1e+300"],
    [5e-324, "5e-324"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [1e-6, "0.000001"],
    [1e-7, "1e-7"],
    [1.5e-5, "0.000015"],
    [1.234e-5, "1.234e-5"],
    [0.001, "0.001"],
    [0.00099, "0.00099"],
    [3.0000000001, "3.0000000001"],
    [9999.123456789, "9999.123456789"],
    [10000.123456, "10000.123456"],
    [10000.1234567, "1.00001234567e+4"],
    [-123456.7890123, "-1.234567890123e+5"],
    [Number.NaN, "nan"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
  ];
  for (const [value, text] of texts) {
    test(`prints ${Object.is(value, -0) ? "-0" : value} as ${text}`, () =>
      expect(formatDouble(value)).toBe(text));
  }

  test("prints what reads back as the same number", () => {
    const random = new SeededRandom(5);
    const words = new Uint32Array(2);
    const double = new Float64Array(words.buffer);
    for (let round = 0; round < 20_000; round++) {
      words[0] = random.uint32();
      words[1] = random.uint32();
      const value = double[0] ?? 0;
      if (Number.isFinite(value)) expect(Number(formatDouble(value))).toBe(value);
      const short = (random.below(2_000_001) - 1_000_000) * 10 ** (random.below(30) - 15);
      expect(Number(formatDouble(short))).toBe(short);
    }
  });
});
