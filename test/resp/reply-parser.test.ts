import { describe, expect, test } from "bun:test";
import { byteStringOf, bytesOf } from "../../src/base/byte-strings.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ReplyBuffer } from "../../src/resp/reply-buffer.ts";
import {
  defaultReplyLimits,
  ReplyParser,
  type ReplyLimits,
  type ReplyValue,
} from "../../src/resp/reply-parser.ts";
import { cutEvery, waysToCut } from "./cuts.ts";

const seed = Number(process.env.SEED ?? 13);

function parse(chunks: readonly Uint8Array[], limits: ReplyLimits = defaultReplyLimits) {
  const parser = new ReplyParser(limits);
  const values: ReplyValue[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let value = parser.next(); value !== null; value = parser.next()) values.push(value);
    // The contract lets the caller use the memory again.
    chunk.fill(0xee);
  }
  return { values, error: parser.error };
}

const bulk = (text: string): ReplyValue => ({ kind: "bulk", text });
const integer = (value: number | bigint): ReplyValue => ({ kind: "integer", value });
const nil: ReplyValue = { kind: "nil" };

const fixtures: readonly [string, ReplyValue[]][] = [
  ["+OK\r\n", [{ kind: "simple", text: "OK" }]],
  ["+\r\n", [{ kind: "simple", text: "" }]],
  ["-ERR no such key\r\n", [{ kind: "error", text: "ERR no such key" }]],
  ["!7\r\nERR a\r\n\r\n", [{ kind: "error", text: "ERR a\r\n" }]],
  [":0\r\n:-5\r\n:9007199254740991\r\n", [integer(0), integer(-5), integer(9007199254740991)]],
  [":9223372036854775807\r\n", [integer(9223372036854775807n)]],
  ["$0\r\n\r\n$3\r\na\r\n\r\n", [bulk(""), bulk("a\r\n")]],
  ["$-1\r\n*-1\r\n_\r\n", [nil, nil, nil]],
  ["*0\r\n", [{ kind: "array", items: [] }]],
  [
    "*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n*0\r\n+x\r\n",
    [
      {
        kind: "array",
        items: [integer(1), { kind: "array", items: [bulk("a"), nil] }, { kind: "array", items: [] }],
      },
      { kind: "simple", text: "x" },
    ],
  ],
  [
    "%1\r\n+k\r\n%0\r\n",
    [
      {
        kind: "map",
        entries: [
          [
            { kind: "simple", text: "k" },
            { kind: "map", entries: [] },
          ],
        ],
      },
    ],
  ],
  [
    "~1\r\n#t\r\n>1\r\n#f\r\n",
    [
      { kind: "set", items: [{ kind: "boolean", value: true }] },
      { kind: "push", items: [{ kind: "boolean", value: false }] },
    ],
  ],
  [
    ",1.5\r\n,-1e+20\r\n,inf\r\n,-inf\r\n,nan\r\n,3\r\n",
    [1.5, -1e20, Infinity, -Infinity, Number.NaN, 3].map((value): ReplyValue => ({ kind: "double", value })),
  ],
  ["(123456789012345678901234567890\r\n", [{ kind: "bigNumber", digits: "123456789012345678901234567890" }]],
  [
    "=6\r\ntxt:ab\r\n=4\r\nmkd:\r\n",
    [
      { kind: "verbatim", format: "txt", text: "ab" },
      { kind: "verbatim", format: "mkd", text: "" },
    ],
  ],
  ["|1\r\n+ttl\r\n:3\r\n*2\r\n|0\r\n:1\r\n:2\r\n", [{ kind: "array", items: [integer(1), integer(2)] }]],
  ["*2\r\n:1\r\n", []],
  ["$5\r\nabc", []],
];

const mistakes: readonly [string, string][] = [
  ["?\r\n", "unexpected line '?'"],
  ["\r\n", "unexpected line '.'"],
  ["+OK\n", "a line that does not end in CR LF"],
  [":1x\r\n", "unexpected line ':1x'"],
  [":9223372036854775808\r\n", "unexpected line ':9223372036854775808'"],
  [",1.5.5\r\n", "unexpected line ',1.5.5'"],
  ["(12a\r\n", "unexpected line '(12a'"],
  ["#x\r\n", "unexpected line '#x'"],
  ["$-2\r\n", "invalid length '-2'"],
  ["$?\r\n", "invalid length '?'"],
  ["*?\r\n", "invalid length '?'"],
  ["%-1\r\n", "invalid length '-1'"],
  ["*1\r\n!-1\r\n", "invalid length '-1'"],
  ["=3\r\ntxt\r\n", "a verbatim string without a format"],
  ["$99999999999\r\n", "a reply longer than allowed"],
  ["*99999999\r\n", "a reply longer than allowed"],
  ["*1\r\n".repeat(65), "a reply nested deeper than allowed"],
  [`+${"x".repeat(70_000)}`, "a line longer than 64 kB"],
];

describe("ReplyParser", () => {
  for (const [input, values] of fixtures) {
    test(`gives the same for ${JSON.stringify(input).slice(0, 60)}, however it is cut`, () => {
      for (const chunks of waysToCut(bytesOf(input), new SeededRandom(seed))) {
        expect(parse(chunks)).toEqual({ values, error: null });
      }
    });
  }

  for (const [input, error] of mistakes) {
    test(`refuses ${JSON.stringify(input).slice(0, 60)}, however it is cut, and what came before stays good`, () => {
      for (const chunks of waysToCut(bytesOf(`+OK\r\n${input}`), new SeededRandom(seed))) {
        expect(parse(chunks)).toEqual({
          values: [{ kind: "simple", text: "OK" }],
          error: `protocol error in a reply: ${error}`,
        });
      }
    });
  }

  test("holds a reply to its limit of bytes as a whole, and each reply anew", () => {
    const limits = { maxDepth: 2, maxReplyBytes: 100 };
    const fits = `*1\r\n$88\r\n${"x".repeat(88)}\r\n`;
    expect(parse([bytesOf(fits.repeat(3))], limits).values.length).toBe(3);
    const parts = `*3\r\n${`$30\r\n${"x".repeat(30)}\r\n`.repeat(3)}`;
    expect(parse([bytesOf(parts)], limits).error).toContain("longer than allowed");
    expect(parse([bytesOf(`*30\r\n${":12345\r\n".repeat(30)}`)], limits).error).toContain(
      "longer than allowed",
    );
    expect(parse([bytesOf("*1\r\n*1\r\n*0\r\n")], limits).error).toContain("nested deeper");
  });

  test("reads back what ReplyBuffer writes, in both protocols", () => {
    const random = new SeededRandom(seed);
    for (const protocol of [2, 3] as const) {
      const reply = new ReplyBuffer();
      reply.protocol = protocol;
      const values = Array.from({ length: 500 }, () => randomValue(random, 3));
      for (const value of values) write(reply, value);
      const bytes = reply.takeAll();
      const expected = protocol === 3 ? values : values.map(inResp2);
      for (const chunks of [[bytes.slice()], cutEvery(bytes, 1), cutEvery(bytes, 977)]) {
        expect(parse(chunks)).toEqual({ values: expected, error: null });
      }
    }
  });
});

function randomValue(random: SeededRandom, depth: number): ReplyValue {
  const text = "\0\r\n$*\xffabc".repeat(1 + random.below(4)).slice(0, random.below(40));
  const items = (): ReplyValue[] =>
    Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1));
  switch (random.below(depth > 0 ? 13 : 9)) {
    case 0:
      return { kind: "simple", text: "PONG" };
    case 1:
      return { kind: "error", text: "ERR wrong" };
    case 2:
      return integer(
        random.below(2) === 0 ? random.below(2 ** 53) - 2 ** 52 : 2n ** 62n + BigInt(random.below(99)),
      );
    case 3:
      return bulk(text);
    case 4:
      return nil;
    case 5:
      return { kind: "boolean", value: random.below(2) === 0 };
    case 6:
      return { kind: "double", value: (random.below(2_000_000) - 1_000_000) / 997 };
    case 7:
      return { kind: "bigNumber", digits: `-${"1234567890".repeat(3)}` };
    case 8:
      return { kind: "verbatim", format: "txt", text };
    case 9:
      return { kind: "array", items: items() };
    case 10:
      return { kind: "set", items: items() };
    case 11:
      return { kind: "push", items: items() };
    default:
      return { kind: "map", entries: items().map((value) => [bulk("key"), value] as const) };
  }
}

function write(reply: ReplyBuffer, value: ReplyValue): void {
  switch (value.kind) {
    case "simple":
      return reply.simple(value.text);
    case "error":
      return reply.error(value.text);
    case "integer":
      return reply.integer(value.value);
    case "bulk":
      return reply.bulk(value.text);
    case "nil":
      return reply.nil();
    case "boolean":
      return reply.boolean(value.value);
    case "double":
      return reply.double(value.value);
    case "bigNumber":
      return reply.bigNumber(value.digits);
    case "verbatim":
      return reply.verbatim(value.format, value.text);
    case "map":
      reply.map(value.entries.length);
      for (const [key, item] of value.entries) {
        write(reply, key);
        write(reply, item);
      }
      return;
    default:
      reply[value.kind](value.items.length);
      for (const item of value.items) write(reply, item);
  }
}

/** What is left of a value's type when it is sent to a RESP2 client. */
function inResp2(value: ReplyValue): ReplyValue {
  switch (value.kind) {
    case "boolean":
      return integer(value.value ? 1 : 0);
    case "double":
      return bulk(doubleText(value.value));
    case "bigNumber":
      return bulk(value.digits);
    case "verbatim":
      return bulk(value.text);
    case "array":
    case "set":
    case "push":
      return { kind: "array", items: value.items.map(inResp2) };
    case "map":
      return { kind: "array", items: value.entries.flatMap(([key, item]) => [inResp2(key), inResp2(item)]) };
    default:
      return value;
  }
}

function doubleText(value: number): string {
  const reply = new ReplyBuffer();
  reply.protocol = 3;
  reply.double(value);
  return byteStringOf(reply.takeAll()).slice(1, -2);
}
