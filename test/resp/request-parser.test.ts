import { describe, expect, test } from "bun:test";
import { byteStringOf, bytesOf } from "../../src/base/byte-strings.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { encodeRequest, encodeRequests } from "../../src/resp/request-encoder.ts";
import { RequestParser } from "../../src/resp/request-parser.ts";
import { cutAtRandom, cutEvery, waysToCut } from "./cuts.ts";

const megabyte = 1024 * 1024;

interface Parsed {
  readonly commands: string[][];
  readonly error: string | null;
}

function parse(
  chunks: readonly Uint8Array[],
  { maxBulkBytes = 512 * megabyte, authenticated = true } = {},
): Parsed {
  const parser = new RequestParser({ maxBulkBytes }, authenticated);
  const commands: string[][] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let args = parser.next(); args !== null; args = parser.next()) commands.push(args);
    // The contract lets the caller use the memory again.
    chunk.fill(0xee);
  }
  return { commands, error: parser.error };
}

interface Fixture {
  readonly name: string;
  readonly input: string;
  readonly commands: string[][];
  readonly error?: string;
}

const binary = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
const long = "0123456789abcdef".repeat(10_000);

const fixtures: readonly Fixture[] = [
  { name: "nothing", input: "", commands: [] },
  { name: "a command", input: "*1\r\n$4\r\nPING\r\n", commands: [["PING"]] },
  {
    name: "a pipeline of arrays and lines",
    input: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n\r\nECHO a\n",
    commands: [["GET", "k"], ["PING"], ["QUIT"], ["ECHO", "a"]],
  },
  { name: "all 256 bytes", input: `*2\r\n$1\r\nx\r\n$256\r\n${binary}\r\n`, commands: [["x", binary]] },
  { name: "empty arguments", input: "*2\r\n$0\r\n\r\n$0\r\n\r\n", commands: [["", ""]] },
  {
    name: "long arguments and a short command behind them",
    input: `*3\r\n$1\r\nx\r\n${`$${long.length}\r\n${long}\r\n`.repeat(2)}*1\r\n$4\r\nPING\r\n`,
    commands: [["x", long, long], ["PING"]],
  },
  {
    name: "names of equal length, equal names, and a prefix",
    input: "*1\r\n$3\r\nGET\r\n*1\r\n$3\r\nSET\r\n*1\r\n$3\r\nSET\r\n*1\r\n$2\r\nSE\r\n",
    commands: [["GET"], ["SET"], ["SET"], ["SE"]],
  },
  {
    name: "arrays of no arguments",
    input: "*0\r\n*-1\r\n*-9223372036854775808\r\nPING\r\n",
    commands: [["PING"]],
  },
  { name: "blank lines", input: "\r\n\n  \t \r\n\r\r\nPING\r\n", commands: [["PING"]] },
  {
    name: "bytes that Redis never looks at",
    input: "*1\rX$4\rYPINGab*1\r\n$1\r\nz\r\n",
    commands: [["PING"], ["z"]],
  },
  { name: "a carriage return inside a line", input: "ECHO a\rb\r\n", commands: [["ECHO", "a", "b"]] },
  { name: "a cut array", input: "*2\r\n$3\r\nGET\r\n", commands: [] },
  { name: "a line without its end", input: "PING\r", commands: [] },
  { name: "a header without the byte behind CR", input: "*x\r", commands: [] },
  { name: "a line hidden by a zero byte", input: "PI\0NG\r\nPING\r\n", commands: [] },
  { name: "a header hidden by a zero byte", input: "*1\0\r\nPING\r\n", commands: [] },
  { name: "no count", input: "PING\r\n*\r\n", commands: [["PING"]], error: "invalid multibulk length" },
  { name: "a count with a leading zero", input: "*01\r\n", commands: [], error: "invalid multibulk length" },
  { name: "a count with a plus", input: "*+1\r\n", commands: [], error: "invalid multibulk length" },
  { name: "minus zero", input: "*-0\r\n", commands: [], error: "invalid multibulk length" },
  { name: "a count that is no number", input: "*1x\r\n", commands: [], error: "invalid multibulk length" },
  {
    name: "a count above 2^31 - 1",
    input: "*2147483648\r\n",
    commands: [],
    error: "invalid multibulk length",
  },
  {
    name: "a count above 64 bits",
    input: `*${"9".repeat(30)}\r\n`,
    commands: [],
    error: "invalid multibulk length",
  },
  { name: "the largest count", input: "*2147483647\r\n", commands: [] },
  { name: "no dollar", input: "*1\r\nPING\r\n", commands: [], error: "expected '$', got 'P'" },
  { name: "an empty header", input: "*1\r\n\r\n\r\n", commands: [], error: "expected '$', got '\r'" },
  {
    name: "a high byte for a dollar",
    input: "*1\r\n\xff1\r\n",
    commands: [],
    error: "expected '$', got '\xff'",
  },
  { name: "a negative length", input: "*1\r\n$-1\r\n", commands: [], error: "invalid bulk length" },
  { name: "no length", input: "*1\r\n$\r\n", commands: [], error: "invalid bulk length" },
  {
    name: "a length above the limit",
    input: "*1\r\n$536870913\r\n",
    commands: [],
    error: "invalid bulk length",
  },
  { name: "the largest length", input: "*1\r\n$536870912\r\nabc", commands: [] },
  {
    name: "an open quote",
    input: 'PING\nECHO "a\r\nPING\n',
    commands: [["PING"]],
    error: "unbalanced quotes in request",
  },
];

describe("RequestParser", () => {
  for (const { name, input, commands, error } of fixtures) {
    test(`gives the same for ${name}, however it is cut`, () => {
      const ways = waysToCut(bytesOf(input), new SeededRandom(7));
      for (const chunks of ways) {
        const expected = { commands, error: error === undefined ? null : `ERR Protocol error: ${error}` };
        expect(parse(chunks)).toEqual(expected);
      }
    });
  }

  const tooLong: readonly [string, string, string][] = [
    ["", "*", "too big mbulk count string"],
    ["*1\r\n", "$", "too big bulk count string"],
    ["*1\r\n", "X", "too big bulk count string"],
    ["PING\r\n", "x", "too big inline request"],
    ["", "x\0", "too big inline request"],
    ["", "*1\0", "too big mbulk count string"],
  ];
  for (const [before, start, error] of tooLong) {
    test(`refuses 65537 bytes of ${JSON.stringify(before + start)}… without an end, and only from the last one on`, () => {
      const bytes = bytesOf(before + start.padEnd(65_537, "1"));
      const early = bytes.subarray(0, -1);
      for (const cut of [early.length, 1, 1000, 65_535]) {
        expect(parse(cutEvery(early, cut)).error).toBeNull();
        expect(parse(cutEvery(bytes, cut)).error).toBe(`ERR Protocol error: ${error}`);
      }
    });
  }

  test("judges a header by its value when its end is the 65537th byte", () => {
    for (const cut of [1, 999, 70_000]) {
      expect(parse(cutEvery(bytesOf(`*${"1".repeat(65_535)}\r\n`), cut)).error).toBe(
        "ERR Protocol error: invalid multibulk length",
      );
      const line = `x${"y".repeat(65_535)}`;
      expect(parse(cutEvery(bytesOf(`${line}\n`), cut)).commands).toEqual([[line]]);
    }
  });

  test("does not go on after an error", () => {
    const parser = new RequestParser({ maxBulkBytes: megabyte }, true);
    parser.push(bytesOf("*x\r\n*1\r\n$4\r\nPING\r\n"));
    expect(parser.next()).toBeNull();
    parser.push(bytesOf("PING\r\n"));
    expect(parser.next()).toBeNull();
    expect(parser.error).toBe("ERR Protocol error: invalid multibulk length");
  });

  test("looks at its limits again for every bulk", () => {
    const limits = { maxBulkBytes: 3 };
    const parser = new RequestParser(limits, true);
    parser.push(bytesOf("*1\r\n$3\r\nabc\r\n*1\r\n$4\r\nabcd\r\n*1\r\n$5\r\nabcde\r\n"));
    expect(parser.next()).toEqual(["abc"]);
    limits.maxBulkBytes = 4;
    expect(parser.next()).toEqual(["abcd"]);
    expect(parser.next()).toBeNull();
    expect(parser.error).toBe("ERR Protocol error: invalid bulk length");
  });

  test("allows the unauthenticated 10 arguments of 16384 bytes", () => {
    const args = Array<string>(10).fill("a".repeat(16_384));
    expect(parse([encodeRequest(args)], { authenticated: false })).toEqual({ commands: [args], error: null });
    expect(parse([bytesOf("*11\r\n")], { authenticated: false }).error).toBe(
      "ERR Protocol error: unauthenticated multibulk length",
    );
    expect(parse([bytesOf("*1\r\n$16385\r\n")], { authenticated: false }).error).toBe(
      "ERR Protocol error: unauthenticated bulk length",
    );
  });

  test("sees between two commands that the client has authenticated", () => {
    const parser = new RequestParser({ maxBulkBytes: megabyte }, false);
    const large = ["SET", "k", "v".repeat(20_000)];
    parser.push(encodeRequests([["AUTH", "secret"], large]));
    expect(parser.next()).toEqual(["AUTH", "secret"]);
    parser.authenticated = true;
    expect(parser.next()).toEqual(large);
  });

  test("counts every byte that belongs to no returned command", () => {
    const parser = new RequestParser({ maxBulkBytes: megabyte }, true);
    const command = encodeRequest(["SET", "k", "v".repeat(200_000)]);
    let arrived = 0;
    for (const chunk of cutEvery(command.subarray(0, -1), 7_001)) {
      arrived += chunk.length;
      parser.push(chunk);
      expect(parser.bufferedBytes).toBe(arrived);
      expect(parser.next()).toBeNull();
      expect(parser.bufferedBytes).toBe(arrived);
    }
    parser.push(bytesOf("\nPING\r\nPING\r\nPI"));
    expect(parser.next()?.length).toBe(3);
    expect(parser.bufferedBytes).toBe(14);
    expect(parser.next()).toEqual(["PING"]);
    expect(parser.next()).toEqual(["PING"]);
    expect(parser.bufferedBytes).toBe(2);
  });

  test("takes chunks while a command waits to be fetched", () => {
    const parser = new RequestParser({ maxBulkBytes: megabyte }, true);
    const commands = Array.from({ length: 300 }, (_, index) => ["SET", `k${index}`, "v".repeat(index)]);
    for (const chunk of cutEvery(encodeRequests(commands), 97)) parser.push(chunk);
    for (const command of commands) expect(parser.next()).toEqual(command);
    expect(parser.next()).toBeNull();
    expect(parser.bufferedBytes).toBe(0);
  });

  test("takeRest() gives back what is behind the last command, across chunks", () => {
    const rest = `\0\x01frames${binary}`;
    for (const cut of [1, 5, 33, 10_000]) {
      const parser = new RequestParser({ maxBulkBytes: megabyte }, true);
      const chunks = cutEvery(bytesOf(`*1\r\n$9\r\nRAFT.PEER\r\n${rest}`), cut);
      for (const chunk of chunks) parser.push(chunk);
      expect(parser.next()).toEqual(["RAFT.PEER"]);
      expect(byteStringOf(parser.takeRest())).toBe(rest);
      expect(parser.bufferedBytes).toBe(0);
      expect(parser.next()).toBeNull();
      parser.push(bytesOf("PING\r\n"));
      expect(parser.next()).toEqual(["PING"]);
    }
  });

  test("takeRest() refuses in the middle of a command", () => {
    const parser = new RequestParser({ maxBulkBytes: megabyte }, true);
    parser.push(bytesOf("*2\r\n$4\r\nECHO\r\n"));
    expect(parser.next()).toBeNull();
    expect(() => parser.takeRest()).toThrow("no command is half read");
  });

  test("reads a command of 100,000 arguments in small chunks", () => {
    const args = Array.from({ length: 100_000 }, (_, index) => String(index));
    const { commands } = parse(cutAtRandom(encodeRequest(args), new SeededRandom(3)));
    expect(commands).toEqual([args]);
    const small = parse(cutEvery(encodeRequest(args), 61));
    expect(small.commands).toEqual([args]);
  });

  test("reads a bulk of 64 MB that arrives in chunks of 16 kB in linear time and bounded memory", () => {
    const bulkBytes = 64 * megabyte;
    const parser = new RequestParser({ maxBulkBytes: bulkBytes }, true);
    parser.push(bytesOf(`*2\r\n$3\r\nSET\r\n$${bulkBytes}\r\n`));
    const startedMs = performance.now();
    const chunk = Buffer.alloc(16_384, "x");
    for (let sent = 0; sent < bulkBytes; sent += chunk.length) {
      parser.push(chunk);
      expect(parser.next()).toBeNull();
    }
    parser.push(bytesOf("\r\n"));
    const args = parser.next();
    expect(args?.[1]?.length).toBe(bulkBytes);
    // About 0.1 s; joining every chunk to the ones before would copy 128 GB.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test("allocates nothing for what a header merely claims", () => {
    const parsers: RequestParser[] = [];
    const before = process.memoryUsage().rss;
    for (let index = 0; index < 200; index++) {
      const parser = new RequestParser({ maxBulkBytes: 512 * megabyte }, true);
      parser.push(bytesOf("*2147483647\r\n$536870912\r\nx"));
      expect(parser.next()).toBeNull();
      parsers.push(parser);
    }
    expect(parsers.length).toBe(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * megabyte);
  });
});
