import { describe, expect, test } from "bun:test";
import { byteStringOf, bytesOf } from "../../src/base/byte-strings.ts";

describe("byteStringOf() and bytesOf()", () => {
  test("change every byte to a char and back", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const text = byteStringOf(bytes);
    expect([...text].map((char) => char.charCodeAt(0))).toEqual([...bytes]);
    expect(new Uint8Array(bytesOf(text))).toEqual(bytes);
  });

  test("look at the part of the memory that the view covers", () => {
    expect(byteStringOf(new Uint8Array([1, 65, 66, 2]).subarray(1, 3))).toBe("AB");
    expect(byteStringOf(Buffer.from("xABy").subarray(1, 3))).toBe("AB");
  });
});
