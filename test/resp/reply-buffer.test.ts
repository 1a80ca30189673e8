import { describe, expect, test } from "bun:test";
import { byteStringOf, bytesOf } from "../../src/base/byte-strings.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { noReply } from "../../src/resp/no-reply.ts";
import { ReplyBuffer } from "../../src/resp/reply-buffer.ts";
import type { Reply } from "../../src/resp/reply.ts";

const seed = Number(process.env.SEED ?? 11);

function encoded(write: (reply: ReplyBuffer) => void, protocol: 2 | 3 = 2): string {
  const reply = new ReplyBuffer();
  reply.protocol = protocol;
  write(reply);
  return byteStringOf(reply.takeAll());
}

interface Form {
  readonly name: string;
  readonly write: (reply: Reply) => void;
  readonly resp2: string;
  readonly resp3: string;
}

const long = "0123456789abcdef".repeat(5_000);
const binary = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");

const forms: readonly Form[] = [
  { name: "ok", write: (r) => r.ok(), resp2: "+OK\r\n", resp3: "+OK\r\n" },
  { name: "simple", write: (r) => r.simple("PONG"), resp2: "+PONG\r\n", resp3: "+PONG\r\n" },
  { name: "error", write: (r) => r.error("ERR a\r\nb\n"), resp2: "-ERR a  b\r\n", resp3: "-ERR a  b\r\n" },
  { name: "bulk", write: (r) => r.bulk("a\r\n"), resp2: "$3\r\na\r\n\r\n", resp3: "$3\r\na\r\n\r\n" },
  { name: "empty bulk", write: (r) => r.bulk(""), resp2: "$0\r\n\r\n", resp3: "$0\r\n\r\n" },
  {
    name: "bulk of all bytes",
    write: (r) => r.bulk(binary),
    resp2: `$256\r\n${binary}\r\n`,
    resp3: `$256\r\n${binary}\r\n`,
  },
  {
    name: "long bulk",
    write: (r) => r.bulk(long),
    resp2: `$80000\r\n${long}\r\n`,
    resp3: `$80000\r\n${long}\r\n`,
  },
  { name: "nil", write: (r) => r.nil(), resp2: "$-1\r\n", resp3: "_\r\n" },
  { name: "nilArray", write: (r) => r.nilArray(), resp2: "*-1\r\n", resp3: "_\r\n" },
  { name: "array", write: (r) => r.array(12), resp2: "*12\r\n", resp3: "*12\r\n" },
  { name: "map", write: (r) => r.map(3), resp2: "*6\r\n", resp3: "%3\r\n" },
  { name: "set", write: (r) => r.set(3), resp2: "*3\r\n", resp3: "~3\r\n" },
  { name: "push", write: (r) => r.push(3), resp2: "*3\r\n", resp3: ">3\r\n" },
  { name: "double", write: (r) => r.double(1e20), resp2: "$5\r\n1e+20\r\n", resp3: ",1e+20\r\n" },
  { name: "infinity", write: (r) => r.double(-Infinity), resp2: "$4\r\n-inf\r\n", resp3: ",-inf\r\n" },
  { name: "true", write: (r) => r.boolean(true), resp2: ":1\r\n", resp3: "#t\r\n" },
  { name: "false", write: (r) => r.boolean(false), resp2: ":0\r\n", resp3: "#f\r\n" },
  { name: "bigNumber", write: (r) => r.bigNumber("123"), resp2: "$3\r\n123\r\n", resp3: "(123\r\n" },
  { name: "verbatim", write: (r) => r.verbatim("txt", "a"), resp2: "$1\r\na\r\n", resp3: "=5\r\ntxt:a\r\n" },
  {
    name: "long verbatim",
    write: (r) => r.verbatim("txt", long),
    resp2: `$80000\r\n${long}\r\n`,
    resp3: `=80004\r\ntxt:${long}\r\n`,
  },
];

describe("ReplyBuffer", () => {
  for (const { name, write, resp2, resp3 } of forms) {
    test(`encodes ${name}`, () => {
      expect(encoded(write, 2)).toBe(resp2);
      expect(encoded(write, 3)).toBe(resp3);
    });
  }

  test("encodes integers of every length", () => {
    const values: (number | bigint)[] = [
      0,
      -0,
      9,
      10,
      -1,
      -10,
      99,
      100,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31),
      2 ** 32,
    ];
    values.push(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, -(2n ** 63n), 5n);
    for (let digits = 1; digits <= 15; digits++)
      values.push(10 ** digits - 1, 10 ** digits, -(10 ** digits) + 1);
    for (const value of values)
      expect(encoded((reply) => reply.integer(value))).toBe(`:${BigInt(value)}\r\n`);
    expect(() => encoded((reply) => reply.integer(Infinity))).toThrow("a safe integer");
    expect(() => encoded((reply) => reply.integer(0.5))).toThrow("a safe integer");
  });

  test("encodes strings of every length around its thresholds", () => {
    for (const length of [1, 15, 16, 17, 18, 100, 511, 512, 4_095, 65_534, 65_535, 65_536, 65_537]) {
      const value = binary.repeat(257).slice(0, length);
      expect(encoded((reply) => reply.bulk(value))).toBe(`$${length}\r\n${value}\r\n`);
      expect(encoded((reply) => reply.simple("x".repeat(length)))).toBe(`+${"x".repeat(length)}\r\n`);
    }
  });

  test("counts errors and keeps the latest", () => {
    const reply = new ReplyBuffer();
    expect([reply.errorCount, reply.lastError]).toEqual([0, ""]);
    reply.error("ERR one");
    reply.ok();
    reply.error("WRONGTYPE two\r\n");
    expect([reply.errorCount, reply.lastError]).toEqual([2, "WRONGTYPE two"]);
  });

  test("passes encoded replies through, short ones and long ones", () => {
    const raw = bytesOf(`$80000\r\n${long}\r\n`);
    const write = (reply: ReplyBuffer): void => {
      reply.ok();
      reply.appendRaw(bytesOf(":1\r\n"));
      reply.appendRaw(raw);
      reply.appendRaw(new Uint8Array(0));
      reply.ok();
    };
    expect(encoded(write)).toBe(`+OK\r\n:1\r\n${byteStringOf(raw)}+OK\r\n`);
  });

  test("keeps what a socket did not take, in order, however little it takes", () => {
    const random = new SeededRandom(seed);
    const reply = new ReplyBuffer();
    let expected = "";
    let received = "";
    for (let round = 0; round < 3_000; round++) {
      const length = random.below(20) === 0 ? random.below(150_000) : random.below(300);
      const value = binary.repeat(600).slice(0, length);
      reply.bulk(value);
      reply.integer(round);
      expected += `$${length}\r\n${value}\r\n:${round}\r\n`;
      if (random.below(3) > 0) continue;
      let budget = random.below(2) === 0 ? random.below(50) : random.below(200_000);
      const done = reply.flushTo((chunk) => {
        const taken = Math.min(budget, chunk.length);
        budget -= taken;
        received += byteStringOf(chunk.subarray(0, taken));
        return taken === 0 ? -1 : taken;
      });
      expect(reply.sizeBytes).toBe(expected.length - received.length);
      expect(done).toBe(reply.sizeBytes === 0);
    }
    received += byteStringOf(reply.takeAll());
    expect(received === expected).toBe(true);
    expect(reply.sizeBytes).toBe(0);
  });

  test("offers a chunk again from where it was cut", () => {
    const reply = new ReplyBuffer();
    reply.simple("abcdef");
    const offered: string[] = [];
    const takeTwo = (chunk: Uint8Array): number => {
      offered.push(byteStringOf(chunk));
      return 2;
    };
    expect(reply.flushTo(takeTwo)).toBe(false);
    expect(reply.flushTo(takeTwo)).toBe(false);
    expect(offered).toEqual(["+abcdef\r\n", "bcdef\r\n"]);
    expect(reply.flushTo((chunk) => chunk.length)).toBe(true);
    expect(reply.flushTo(() => 1 / 0)).toBe(true);
  });

  test("sends a long bulk as one chunk with its header", () => {
    const reply = new ReplyBuffer();
    reply.ok();
    reply.bulk(long);
    reply.ok();
    const sizes: number[] = [];
    reply.flushTo((chunk) => {
      sizes.push(chunk.length);
      return chunk.length;
    });
    expect(sizes).toEqual([5, 80_010, 5]);
  });

  test("agrees with a plain string at every step, whatever is taken of it", () => {
    const random = new SeededRandom(seed);
    const reply = new ReplyBuffer();
    let pending = "";
    for (let round = 0; round < 4_000; round++) {
      if (random.below(6) < 5) {
        const length = random.below(15) === 0 ? random.below(100_000) : random.below(200);
        reply.bulk("z".repeat(length));
        pending += `$${length}\r\n${"z".repeat(length)}\r\n`;
      } else {
        let budget = random.below(30_000);
        reply.flushTo((chunk) => {
          const taken = Math.min(budget, chunk.length);
          expect(byteStringOf(chunk.subarray(0, taken)) === pending.slice(0, taken)).toBe(true);
          budget -= taken;
          pending = pending.slice(taken);
          return taken;
        });
      }
      expect(reply.sizeBytes).toBe(pending.length);
    }
    expect(byteStringOf(reply.takeAll()) === pending).toBe(true);
  });

  test("gives its memory back after a burst", () => {
    const replies = Array.from({ length: 300 }, () => new ReplyBuffer());
    const chunk = "x".repeat(60_000);
    Bun.gc(true);
    const before = process.memoryUsage().arrayBuffers;
    for (const reply of replies) {
      for (let round = 0; round < 20; round++) reply.bulk(chunk);
      reply.flushTo((part) => part.length);
    }
    Bun.gc(true);
    const keptBytes = process.memoryUsage().arrayBuffers - before;
    expect(replies.length).toBe(300);
    expect(keptBytes).toBeLessThan(300 * 16_384 + 2 * 1024 * 1024);
  });
});

describe("noReply", () => {
  test("drops everything", () => {
    for (const { write } of forms) write(noReply);
    noReply.integer(1);
    expect(noReply.protocol).toBe(2);
  });
});
