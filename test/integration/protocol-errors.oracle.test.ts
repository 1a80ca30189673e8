// The request parser against the real redis-server: the same bytes go to both, and the replies must be the same to the
// byte, and so must whether the connection is closed. Commands are unknown ones, whose error repeats the arguments, so
// this compares what was parsed as well as what was refused. SEED=<number> gives other random inputs.

import { expect, test } from "bun:test";
import { byteStringOf, bytesOf } from "../../src/base/byte-strings.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { errorFor } from "../../src/resp/errors.ts";
import { ReplyBuffer } from "../../src/resp/reply-buffer.ts";
import { ReplyParser, type ReplyValue } from "../../src/resp/reply-parser.ts";
import { encodeRequest } from "../../src/resp/request-encoder.ts";
import { RequestParser } from "../../src/resp/request-parser.ts";
import type { RedisServer } from "../differential/redis-server.ts";
import { withRedis } from "../differential/with-redis.ts";

const seed = Number(process.env.SEED ?? 20240311);
const randomInputs = 600;
/** Redis reads 16 kB of each connection a turn, so this many turns see every byte of every input. */
const turnsToSettle = 8;

interface Outcome {
  readonly received: string;
  readonly closed: boolean;
}

const lineEnd = "\r\n";
const inputs: readonly string[] = [
  "zz\r\n",
  "*1\r\n$2\r\nzz\r\n",
  "zz a\n*2\r\n$2\r\nzz\r\n$1\r\nb\r\nzz c\r\n",
  "*0\r\n*-1\r\n*-9223372036854775808\r\n\r\n\n  \t\r\nzz\r\n",
  // Headers.
  ...["", "01", "+1", "-0", " 1", "1 ", "1x", "x", "0x1", "1.0", "-", "--1"].flatMap((text) => [
    `*${text}\r\n`,
    `*1\r\n$${text}\r\n`,
  ]),
  ...["2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "9".repeat(30)].map(
    (count) => `*${count}\r\n`,
  ),
  ...["-1", "536870912", "536870913", "4294967296", "9".repeat(30)].map((length) => `*1\r\n$${length}\r\nzz`),
  "*1\rX$2\rXzz??*1\r\n$2\r\nzz\r\n",
  "*1\r",
  "*x\r",
  "*1\r\n$x\r",
  "*1\r\n\r\n",
  "*1\r\n\na\r\n",
  "*1\r\nzz\r\n",
  "*1\r\n*1\r\n",
  "*1\r\n\x80\r\n",
  "*1\r\nzz",
  "*1\0\r\n",
  "*1\r\n$2\0\r\nzz\r\n",
  "*1\r\n\0$2\r\nzz\r\n",
  "*2\r\n$2\r\nzz\r\n$0\r\n\r\n",
  "*1\r\n$0\r\n\r\n",
  "*3\r\n$2\r\nzz\r\n$3\r\na\r\n\r\n$2\r\n\r\n\r\n",
  // Lines.
  ...['"', "'", '"a', "'a", 'a"', '"a"b', "'a'b", '"a\\"', "'a\\'", '"a\\', "'it''s'", "'\\\\'"].map(
    (text) => `zz ${text}\r\n`,
  ),
  ...['""', "''", '"a b"', 'a"b"', '"\\x41\\xfF\\q\\n\\r\\t\\b\\a\\"\\\\"', '"\\xg1\\x4"', "'\\'\\n'"].map(
    (text) => `zz ${text}\r\n`,
  ),
  'zz "\\x00b" c\r\n',
  "zz a\vb \f c\r\n",
  '\vzz "a"\vb\r\n',
  "zz a\rb\r\n",
  "zz a\r\r\n",
  "z\0z\r\nzz\r\n",
  '"" a\r\n',
  "z\xffz \xe9\xa0\r\n",
  // What an error repeats.
  `zz ${"a".repeat(127)} b c\r\n`,
  `zz ${"a".repeat(200)} b\r\n`,
  `zz ${"a ".repeat(80)}\r\n`,
  `${"z".repeat(200)} a\r\n`,
  "*3\r\n$5\r\nz\r\n\0z\r\n$3\r\na\0b\r\n$2\r\n\r\n\r\n",
  // Lines of 64 kB, to the byte.
  "*".padEnd(65_536, "1"),
  "*".padEnd(65_537, "1"),
  `${"*".padEnd(65_536, "1")}\r`,
  `${"*".padEnd(65_536, "1")}\r\n`,
  `*1\r\n${"$".padEnd(65_536, "1")}`,
  `*1\r\n${"$".padEnd(65_537, "1")}`,
  `*1\r\n${"X".padEnd(65_537, "1")}`,
  `*1\r\n${"$".padEnd(65_536, "1")}${lineEnd}`,
  "z".repeat(65_536),
  "z".repeat(65_537),
  `${"z".repeat(65_536)}\n`,
  `z\0${"z".repeat(65_535)}`,
];

const unauthenticatedInputs: readonly string[] = [
  "zz a b\r\n",
  "*10\r\n",
  "*11\r\n",
  "*2147483648\r\n",
  "*1\r\n$16384\r\n",
  "*1\r\n$16385\r\n",
  "*1\r\n$536870913\r\n",
  `*1\r\n$16384\r\n${"z".repeat(16_384)}\r\n`,
  `zz ${"a ".repeat(40)}\r\n`,
];

const samples: readonly string[] = [
  "zz a b\r\n*2\r\n$2\r\nzz\r\n$1\r\nx\r\nzz 'c d' \"e\\x41\"\r\n*0\r\n\r\nzz\n",
  "*3\r\n$2\r\nzz\r\n$10\r\n0123456789\r\n$0\r\n\r\n*1\r\n$2\r\nzz\r\n",
  "zz \"a\\n\\t\\\\b\" 'it\\'s' \"\" ''\r\nzz a\"b\"'c'\r\n",
];

const telling = "*$\r\n\0\"'\\x0129-+ a\t\v\xff";

function mutated(random: SeededRandom): string {
  let text = samples[random.below(samples.length)] ?? "";
  for (let change = 1 + random.below(3); change > 0; change--) {
    const at = random.below(text.length);
    const kept = random.below(3) === 0 ? at + 1 + random.below(4) : at + random.below(2);
    const added = random.below(4) === 0 ? "" : (telling[random.below(telling.length)] ?? "");
    text = text.slice(0, at) + added + text.slice(kept);
  }
  return text;
}

/** What our parser and catalogue make of the bytes. */
function ours(input: string, authenticated: boolean): Outcome {
  const parser = new RequestParser({ maxBulkBytes: 512 * 1024 * 1024 }, authenticated);
  const reply = new ReplyBuffer();
  parser.push(bytesOf(input));
  for (let args = parser.next(); args !== null; args = parser.next())
    reply.error(errorFor.unknownCommand(args));
  if (parser.error !== null) reply.error(parser.error);
  return { received: byteStringOf(reply.takeAll()), closed: parser.error !== null };
}

class Connection {
  received = "";
  closed = false;
  #wake: () => void = () => undefined;
  #unsent: Uint8Array = new Uint8Array(0);
  #socket: Bun.Socket | null = null;

  static async open(unix: string): Promise<Connection> {
    const connection = new Connection();
    const ended = (): void => {
      connection.closed = true;
      connection.#wake();
    };
    connection.#socket = await Bun.connect({
      unix,
      socket: {
        data: (_socket, chunk) => {
          connection.received += byteStringOf(chunk);
          connection.#wake();
        },
        drain: () => connection.#send(),
        end: ended,
        close: ended,
        error: ended,
      },
    });
    return connection;
  }

  /** Resolves when the kernel has every byte, or the other side has hung up. */
  async write(text: string): Promise<void> {
    this.#unsent = bytesOf(text);
    this.#send();
    while (this.#unsent.length > 0 && !this.closed) await this.#woken();
  }

  async call(...args: string[]): Promise<ReplyValue> {
    this.received = "";
    await this.write(byteStringOf(encodeRequest(args)));
    for (;;) {
      const parser = new ReplyParser();
      parser.push(bytesOf(this.received));
      const value = parser.next();
      if (value !== null) return value;
      if (this.closed) throw new Error("redis-server hung up");
      await this.#woken();
    }
  }

  end(): void {
    this.#socket?.terminate();
  }

  #send(): void {
    const taken = Math.max(0, this.#socket?.write(this.#unsent) ?? 0);
    this.#unsent = this.#unsent.subarray(taken);
    if (this.#unsent.length === 0) this.#wake();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

/** What redis-server answers to each input, on a connection of its own; `control` tells when it has seen them all. */
async function theirs(path: string, control: Connection, texts: readonly string[]): Promise<Outcome[]> {
  const connections = await Promise.all(texts.map(() => Connection.open(path)));
  await Promise.all(connections.map((connection, index) => connection.write(texts[index] ?? "")));
  for (let turn = 0; turn < turnsToSettle; turn++) await control.call("PING");
  const outcomes = connections.map(({ received, closed }) => ({ received, closed }));
  for (const connection of connections) connection.end();
  return outcomes;
}

async function compare(redis: RedisServer, texts: readonly string[], authenticated = true): Promise<void> {
  const control = await Connection.open(redis.socketPath);
  if (!authenticated) await control.call("CONFIG", "SET", "requirepass", "secret");
  try {
    for (let from = 0; from < texts.length; from += 50) {
      const batch = texts.slice(from, from + 50);
      const outcomes = await theirs(redis.socketPath, control, batch);
      for (const [index, input] of batch.entries()) {
        const shown = { input: input.slice(0, 100), bytes: input.length };
        expect({ ...shown, ...ours(input, authenticated) }).toEqual({
          ...shown,
          ...(outcomes[index] as Outcome),
        });
      }
    }
  } finally {
    if (!authenticated) await control.call("CONFIG", "SET", "requirepass", "");
    control.end();
  }
}

withRedis("RequestParser and the catalogue answer as redis-server does", (redis) => {
  test("to everything that Redis checks", () => compare(redis(), inputs));
  test("to clients that have not authenticated", () => compare(redis(), unauthenticatedInputs, false));
  test(`to requests with a few bytes changed (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    return compare(
      redis(),
      Array.from({ length: randomInputs }, () => mutated(random)),
    );
  });
});

withRedis("The catalogue has Redis' texts", (redis) => {
  const calls: readonly [string[], string][] = [
    [["get"], errorFor.wrongArity("get")],
    [["CLIENT", "KILL"], errorFor.wrongArity("client|kill")],
    [["client", "Foo"], errorFor.unknownSubcommand("client", "Foo")],
    [["CONFIG", "x".repeat(200), "y"], errorFor.unknownSubcommand("config", "x".repeat(200))],
    [["HELLO", "3", "FOO"], errorFor.helloSyntax("FOO")],
    [["SET", "k", "v", "EX", "0"], errorFor.invalidExpireTime("set")],
    [["EXPIRE", "k", "1", "FOO"], errorFor.unsupportedOption("FOO")],
    [["CLIENT", "LIST", "TYPE", "foo"], errorFor.unknownClientType("foo")],
    [["CONFIG", "SET", "foo", "1"], errorFor.configUnknownOption("foo")],
  ];
  for (const [args, text] of calls) {
    test(`for ${args.join(" ").slice(0, 40)}`, async () => {
      const connection = await Connection.open(redis().socketPath);
      expect(await connection.call(...args)).toEqual({ kind: "error", text });
      connection.end();
    });
  }
});
