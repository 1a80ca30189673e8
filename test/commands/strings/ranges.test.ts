import { heapStats } from "bun:jsc";
import { beforeEach, describe, expect, test } from "bun:test";
import { stringBytesMax } from "../../../src/keyspace/value.ts";
import { CommandHarness } from "../harness.ts";
import type { RecordedReply } from "../reply-recorder.ts";

const tooLong = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";
const notAnInteger = "(error) ERR value is not an integer or out of range";

let h: CommandHarness;
beforeEach(() => {
  h = new CommandHarness();
});

describe("GETRANGE and SUBSTR", () => {
  test("take both ends, negative ones from the end, and clamp", () => {
    h.run("SET k 0123456789");
    const cases = [
      ["0 3", "0123"],
      ["-3 -1", "789"],
      ["0 -1", "0123456789"],
      ["5 100", "56789"],
      ["-100 1", "01"],
      ["0 -100", "0"],
      ["7 3", ""],
      ["10 12", ""],
      ["-1 -3", ""],
      ["-9223372036854775807 -9223372036854775808", ""],
      ["-9223372036854775808 9223372036854775807", "0123456789"],
    ] as const;
    for (const [range, expected] of cases) {
      expect(h.run(`GETRANGE k ${range}`)).toBe(`"${expected}"`);
      expect(h.run(`SUBSTR k ${range}`)).toBe(`"${expected}"`);
    }
    expect(h.run("GETRANGE none 0 -1")).toBe('""');
    expect(h.run("GETRANGE none 0 x")).toBe(notAnInteger);
  });

  test("read integers as their digits", () => {
    h.run("SET k -123");
    expect(h.run("GETRANGE k 0 1")).toBe('"-1"');
  });
});

describe("SETRANGE", () => {
  test("overwrites, extends and fills with zero bytes", () => {
    h.run("SET k 12345");
    expect(h.run("SETRANGE k 1 ab")).toBe("(integer) 5");
    expect(h.run("GET k")).toBe('"1ab45"');
    expect(h.run("SETRANGE k 4 xyz")).toBe("(integer) 7");
    expect(h.run("GET k")).toBe('"1ab4xyz"');
    expect(h.run("SETRANGE new 2 x")).toBe("(integer) 3");
    expect(h.run("GET new")).toBe('"\\x00\\x00x"');
  });

  test("keeps the deadline and leaves encoding raw", () => {
    h.run("SET k 12345 EX 100");
    h.run("SETRANGE k 0 9");
    expect(h.run("TTL k")).toBe("(integer) 100");
    expect(h.run("OBJECT ENCODING k")).toBe('"raw"');
    h.run("SETRANGE new 0 1");
    expect(h.run("OBJECT ENCODING new")).toBe('"raw"');
  });

  test("with nothing to set answers the length and creates nothing", () => {
    h.run("SET k abc");
    expect(h.runArgs(["SETRANGE", "k", "9223372036854775807", ""])).toBe("(integer) 3");
    expect(h.run("OBJECT ENCODING k")).toBe('"embstr"');
    expect(h.runArgs(["SETRANGE", "none", "5", ""])).toBe("(integer) 0");
    expect(h.run("EXISTS none")).toBe("(integer) 0");
  });

  test("refuses offsets that are negative, no integers or too large", () => {
    expect(h.run("SETRANGE k -1 x")).toBe("(error) ERR offset is out of range");
    expect(h.run("SETRANGE k 1.5 x")).toBe(notAnInteger);
    expect(h.run("SETRANGE k 536870912 x")).toBe(tooLong);
    expect(h.run("SETRANGE k 9223372036854775807 x")).toBe(tooLong);
    expect(h.run("EXISTS k")).toBe("(integer) 0");
  });
});

describe("APPEND", () => {
  test("creates like SET, and appends in place", () => {
    expect(h.run("APPEND k 12")).toBe("(integer) 2");
    expect(h.run("OBJECT ENCODING k")).toBe('"int"');
    expect(h.run("APPEND k 3")).toBe("(integer) 3");
    expect(h.run("OBJECT ENCODING k")).toBe('"raw"');
    expect(h.run("GET k")).toBe('"123"');
  });

  test("of nothing creates an empty string, and makes an existing one raw", () => {
    expect(h.runArgs(["APPEND", "k", ""])).toBe("(integer) 0");
    expect(h.run("EXISTS k")).toBe("(integer) 1");
    h.run("SET n 5 EX 100");
    expect(h.runArgs(["APPEND", "n", ""])).toBe("(integer) 1");
    expect(h.run("OBJECT ENCODING n")).toBe('"raw"');
    expect(h.run("TTL n")).toBe("(integer) 100");
  });

  test("byte by byte takes little more memory than the bytes", () => {
    const pieces = 100_000;
    h.run("SET k x");
    Bun.gc(true);
    const before = heapStats().heapSize;
    for (let piece = 0; piece < pieces; piece++) h.runArgs(["APPEND", "k", "y"]);
    Bun.gc(true);
    expect(heapStats().heapSize - before).toBeLessThan(20 * pieces);
    expect(h.run("STRLEN k")).toBe(`(integer) ${pieces + 1}`);
  });

  test("refuses to pass 512 MB, whatever this node's proto-max-bulk-len", () => {
    h.runArgs(["SET", "k", "x".repeat(stringBytesMax)]);
    expect(h.run("APPEND k y")).toBe(tooLong);
    expect(h.run(`SETRANGE k ${stringBytesMax} y`)).toBe(tooLong);
    h.runArgs(["SET", "k", "x".repeat(stringBytesMax - 1)]);
    expect(h.run("APPEND k y")).toBe(`(integer) ${stringBytesMax}`);
  });
});

describe("MGET, MSET and MSETNX", () => {
  test("MGET answers nil for missing keys", () => {
    h.run("MSET a 1 b two");
    expect(h.run("MGET a none b a")).toBe('1) "1"\n2) (nil)\n3) "two"\n4) "1"');
  });

  test("MSET takes the last of two values for a key and drops deadlines", () => {
    h.run("SET a x EX 100");
    expect(h.run("MSET a 1 a 2")).toBe("OK");
    expect(h.run("GET a")).toBe('"2"');
    expect(h.run("TTL a")).toBe("(integer) -1");
  });

  test("MSETNX sets all or none, and may name a key twice", () => {
    expect(h.run("MSETNX a 1 a 2")).toBe("(integer) 1");
    expect(h.run("GET a")).toBe('"2"');
    expect(h.run("MSETNX b 1 a 1")).toBe("(integer) 0");
    expect(h.run("EXISTS b")).toBe("(integer) 0");
  });

  test("refuse a key without value", () => {
    expect(h.run("MSET a 1 b")).toBe("(error) ERR wrong number of arguments for 'mset' command");
    expect(h.run("MSETNX a 1 b")).toBe("(error) ERR wrong number of arguments for 'msetnx' command");
    expect(h.run("EXISTS a b")).toBe("(integer) 0");
  });
});

describe("LCS", () => {
  beforeEach(() => {
    h.run("MSET a ohmytext b mynewtext");
  });

  test("answers the text, its length or its places", () => {
    expect(h.run("LCS a b")).toBe('"mytext"');
    expect(h.run("LCS a b LEN")).toBe("(integer) 6");
    expect(h.run("LCS a none")).toBe('""');
    expect(h.replyTo(["LCS", "a", "b", "IDX"])).toEqual(
      idxReply(
        [
          [4, 7, 5, 8],
          [2, 3, 0, 1],
        ],
        6,
      ),
    );
  });

  test("with IDX can leave out short matches and tell their lengths", () => {
    expect(h.replyTo(["LCS", "a", "b", "idx", "minmatchlen", "4"])).toEqual(idxReply([[4, 7, 5, 8]], 6));
    expect(h.run("LCS a b IDX MINMATCHLEN 5 WITHMATCHLEN")).toContain("(empty array)");
    expect(h.run("LCS a b IDX WITHMATCHLEN")).toContain("3) (integer) 4");
  });

  test("refuses LEN with IDX, bad options, and tables beyond 512 MB", () => {
    expect(h.run("LCS a b IDX LEN")).toBe(
      "(error) ERR If you want both the length and indexes, please just use IDX.",
    );
    expect(h.run("LCS a b MINMATCHLEN")).toBe("(error) ERR syntax error");
    expect(h.run("LCS a b MINMATCHLEN x")).toBe(notAnInteger);
    h.runArgs(["SET", "a", "x".repeat(12_000)]);
    h.runArgs(["SET", "b", "x".repeat(12_000)]);
    expect(h.run("LCS a b")).toBe(
      "(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
    );
  });
});

/** LCS IDX's reply with `[aFrom, aTo, bFrom, bTo]` of each match, without lengths. */
function idxReply(matches: readonly (readonly number[])[], length: number): RecordedReply {
  const integer = (value: number): RecordedReply => ({ kind: "integer", value });
  const array = (...elements: RecordedReply[]): RecordedReply => ({
    kind: "array",
    length: elements.length,
    elements,
  });
  return {
    kind: "map",
    length: 4,
    elements: [
      { kind: "bulk", text: "matches" },
      array(
        ...matches.map((ends) => {
          const [aEnds, bEnds] = [ends.slice(0, 2), ends.slice(2)];
          return array(array(...aEnds.map(integer)), array(...bEnds.map(integer)));
        }),
      ),
      { kind: "bulk", text: "len" },
      integer(length),
    ],
  };
}
