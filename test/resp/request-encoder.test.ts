import { describe, expect, test } from "bun:test";
import { byteStringOf } from "../../src/base/byte-strings.ts";
import { encodeRequest, encodeRequests } from "../../src/resp/request-encoder.ts";

describe("encodeRequest()", () => {
  test("encodes arguments of any bytes", () => {
    expect(byteStringOf(encodeRequest(["ECHO", "", "a\r\n\xff\0"]))).toBe(
      "*3\r\n$4\r\nECHO\r\n$0\r\n\r\n$5\r\na\r\n\xff\0\r\n",
    );
  });

  test("fits its buffer whatever the number of digits", () => {
    for (const length of [9, 10, 99, 100, 1000, 100_000]) {
      const text = byteStringOf(encodeRequest(["x".repeat(length)]));
      expect(text === `*1\r\n$${length}\r\n${"x".repeat(length)}\r\n`).toBe(true);
      expect(encodeRequest(Array<string>(length).fill("")).length).toBe(`*${length}\r\n`.length + 6 * length);
    }
  });

  test("encodeRequests() puts commands one behind the other", () => {
    expect(byteStringOf(encodeRequests([["A"], ["B", "c"]]))).toBe(
      "*1\r\n$1\r\nA\r\n*2\r\n$1\r\nB\r\n$1\r\nc\r\n",
    );
    expect(encodeRequests([]).length).toBe(0);
  });
});
