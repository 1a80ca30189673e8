import { describe, expect, test } from "bun:test";
import {
  addLongDoubles,
  formatLongDouble,
  type LongDouble,
  longDoubleFromInteger,
  parseLongDouble,
} from "../../src/base/long-double.ts";

/** The number that `text` stands for, printed; null if it stands for none. */
function printed(text: string): string | null {
  const value = parseLongDouble(text);
  return value === null ? null : formatLongDouble(value);
}

function parsed(text: string): LongDouble {
  const value = parseLongDouble(text);
  if (value === null) throw new Error(`not a number: ${text}`);
  return value;
}

function sum(left: string, right: string): string | null {
  const value = addLongDoubles(parsed(left), parsed(right));
  return value === null ? null : formatLongDouble(value);
}

describe("parseLongDouble()", () => {
  test("reads decimal, hexadecimal and exponent forms as strtold does", () => {
    expect(printed("3.25")).toBe("3.25");
    expect(printed("+.5")).toBe("0.5");
    expect(printed("5.")).toBe("5");
    expect(printed("1.5E3")).toBe("1500");
    expect(printed("0x1.8p1")).toBe("3");
    expect(printed("-0XFF")).toBe("-255");
    expect(parsed("-InFinity").infinite).toBe(true);
  });

  test("refuses what strtold would not read to its end", () => {
    for (const text of [
      "",
      ".",
      "-",
      "1e",
      "1e+",
      "0x",
      "0x.p1",
      "0x1p",
      " 1",
      "1 ",
      "1\0",
      "1,5",
      "nan",
      "inf.",
      "--1",
    ]) {
      expect(parseLongDouble(text)).toBeNull();
    }
  });

  test("refuses numbers beyond its range, and keeps those at its ends", () => {
    expect(parseLongDouble("1.18973149535723176502e+4932")).not.toBeNull();
    expect(parseLongDouble("1.18973149535723176509e+4932")).toBeNull();
    expect(parseLongDouble("1e99999999999999999999")).toBeNull();
    expect(parseLongDouble("0x1p-16445")?.mantissa).toBe(1n);
    expect(parseLongDouble("0x1p-16446")).toBeNull();
    expect(parseLongDouble("1e-5000")).toBeNull();
    expect(printed("0e99999999999999999999")).toBe("0");
  });

  test("refuses texts of 5120 characters", () => {
    expect(parseLongDouble("0." + "1".repeat(5117))).not.toBeNull();
    expect(parseLongDouble("0." + "1".repeat(5118))).toBeNull();
  });

  test("rounds to 64 bits, ties to even", () => {
    expect(printed("18446744073709551615")).toBe("18446744073709551615");
    expect(printed("18446744073709551617")).toBe("18446744073709551616");
    expect(printed("18446744073709551619")).toBe("18446744073709551620");
    expect(printed("36893488147419103234")).toBe("36893488147419103232");
  });
});

describe("addLongDoubles()", () => {
  test("rounds the exact sum once", () => {
    expect(sum("3000", "0.3")).toBe("3000.30000000000000004");
    expect(sum("18446744073709551615", "0.5")).toBe("18446744073709551616");
    expect(sum("18446744073709551615", "0.4")).toBe("18446744073709551615");
    expect(sum("1e4000", "1e-4000")).toBe(printed("1e4000"));
    expect(sum("5", "-5")).toBe("0");
  });

  test("gives null when the sum is no finite number", () => {
    expect(sum("inf", "1")).toBeNull();
    expect(sum("inf", "-inf")).toBeNull();
    expect(sum("1.18973149535723176502e+4932", "1e4915")).toBeNull();
  });
});

describe("formatLongDouble()", () => {
  test("prints 17 digits after the point, rounded, without zeros at the end", () => {
    expect(printed("0.1")).toBe("0.1");
    expect(printed("1e-17")).toBe("0.00000000000000001");
    expect(printed("0x1p-18")).toBe("0.00000381469726562");
    expect(printed("4e-18")).toBe("0");
    expect(printed("-4e-18")).toBe("0");
    expect(printed("-6e-18")).toBe("-0.00000000000000001");
    expect(printed("1e20")).toBe("100000000000000000000");
  });

  test("takes integers of 64 bits exactly", () => {
    expect(formatLongDouble(longDoubleFromInteger(-9223372036854775808n))).toBe("-9223372036854775808");
    expect(formatLongDouble(longDoubleFromInteger(9007199254740991))).toBe("9007199254740991");
  });
});
