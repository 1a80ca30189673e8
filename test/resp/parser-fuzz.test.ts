// Both parsers against bytes that nobody meant: random ones, and good ones with a few of them changed. They must neither
// throw nor hang, give the same result however the bytes are cut, and hold on to no more than they were given.
// SEED=<number> gives another run.

import { describe, expect, test } from "bun:test";
import { bytesOf } from "../../src/base/byte-strings.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ReplyParser } from "../../src/resp/reply-parser.ts";
import { encodeRequests } from "../../src/resp/request-encoder.ts";
import { RequestParser } from "../../src/resp/request-parser.ts";
import { cutAtRandom, cutEvery } from "./cuts.ts";

const seed = Number(process.env.SEED ?? 20240307);
const rounds = Number(process.env.ROUNDS ?? 1_500);

const requests: readonly Uint8Array[] = [
  encodeRequests([
    ["SET", "key", "value"],
    ["GET", "key"],
    ["PING"],
    ["MSET", "a", "1", "b", "", "c", "\r\n\0"],
  ]),
  bytesOf(
    '*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\nSET "a b" \'c\\\'d\' \\x41\r\n\r\n*0\r\n*-1\r\nECHO "\\x00\\n"\n',
  ),
  bytesOf(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000\r\n${"v".repeat(5000)}\r\nPING\r\n`),
];

const replies: readonly Uint8Array[] = [
  bytesOf("+OK\r\n-ERR no\r\n:12345\r\n$5\r\nhello\r\n*2\r\n$-1\r\n*1\r\n:1\r\n*-1\r\n"),
  bytesOf(
    "%2\r\n+a\r\n,1.5\r\n+b\r\n#t\r\n~2\r\n_\r\n(123456\r\n>1\r\n=7\r\ntxt:abc\r\n|1\r\n+k\r\n:1\r\n!5\r\nERR a\r\n",
  ),
];

/** Bytes that mean something to a parser come more often than others. */
const telling = bytesOf("*$\r\n\0\"'\\x0123456789-+:_#,(=!%~>| abc");

function randomBytes(random: SeededRandom): Uint8Array {
  const bytes = new Uint8Array(random.below(400));
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = random.below(4) === 0 ? random.below(256) : (telling[random.below(telling.length)] ?? 0);
  }
  return bytes;
}

function mutated(random: SeededRandom, samples: readonly Uint8Array[]): Uint8Array {
  const bytes = [...(samples[random.below(samples.length)] ?? [])];
  for (let change = 1 + random.below(4); change > 0; change--) {
    const at = random.below(bytes.length);
    const byte = random.below(3) === 0 ? random.below(256) : (telling[random.below(telling.length)] ?? 0);
    switch (random.below(4)) {
      case 0:
        bytes.splice(at, 1 + random.below(8));
        break;
      case 1:
        bytes.splice(at, 0, byte);
        break;
      case 2:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.below(60)));
        break;
      default:
        bytes[at] = byte;
    }
    if (bytes.length === 0) break;
  }
  return Uint8Array.from(bytes);
}

interface Parser {
  readonly error: string | null;
  push(chunk: Uint8Array): void;
  next(): unknown;
}

function run(parser: Parser, chunks: readonly Uint8Array[]): unknown {
  const values: unknown[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let value = parser.next(); value !== null; value = parser.next()) values.push(value);
    chunk.fill(0xee);
  }
  return { values, error: parser.error };
}

const parsers: readonly { name: string; samples: readonly Uint8Array[]; create: () => Parser }[] = [
  {
    name: "RequestParser",
    samples: requests,
    create: () => new RequestParser({ maxBulkBytes: 1 << 20 }, true),
  },
  {
    name: "RequestParser without authentication",
    samples: requests,
    create: () => new RequestParser({ maxBulkBytes: 1 << 20 }, false),
  },
  {
    name: "ReplyParser",
    samples: replies,
    create: () => new ReplyParser({ maxDepth: 8, maxReplyBytes: 1 << 20 }),
  },
];

describe("fuzzed bytes", () => {
  for (const { name, samples, create } of parsers) {
    test(`leave ${name} in order, the same however they are cut (SEED=${seed})`, () => {
      const random = new SeededRandom(seed);
      for (let round = 0; round < rounds; round++) {
        const bytes = round % 3 === 0 ? randomBytes(random) : mutated(random, samples);
        const whole = run(create(), [bytes.slice()]);
        for (const chunks of [cutEvery(bytes, 1), cutAtRandom(bytes, random), cutAtRandom(bytes, random)]) {
          expect({ round, ...(run(create(), chunks) as object) }).toEqual({ round, ...(whole as object) });
        }
      }
    });
  }

  test(`never make RequestParser count other than what it holds (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < rounds; round++) {
      const parser = new RequestParser({ maxBulkBytes: 1 << 20 }, true);
      let held = 0;
      for (const chunk of cutAtRandom(mutated(random, requests), random)) {
        held += chunk.length;
        parser.push(chunk);
        for (let args = parser.next(); args !== null; args = parser.next()) {
          expect(parser.bufferedBytes).toBeLessThan(held);
          held = parser.bufferedBytes;
        }
        expect(parser.bufferedBytes).toBeLessThanOrEqual(held);
      }
    }
  });
});
