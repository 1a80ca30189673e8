// CONFIG GET and SET of the options that Redis has too, against redis-server: same values, same error texts.

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { Config } from "../../src/config/config.ts";
import { bulkOf, elementsOf } from "./reply-text.ts";
import { SocketTarget } from "./socket-target.ts";
import { withRedis } from "./with-redis.ts";

/** Options with the same bounds in both. */
const names = [
  "timeout",
  "tcp-keepalive",
  "protected-mode",
  "loglevel",
  "maxclients",
  "client-query-buffer-limit",
  "client-output-buffer-limit",
  "cluster-announce-hostname",
  "nope",
  "TIMEOUT",
  "LogLevel",
];
const values = [
  ...[
    "",
    " ",
    "0",
    "-0",
    "1",
    "-1",
    "+1",
    "01",
    " 1",
    "1 ",
    "1.5",
    "1e3",
    "0x10",
    "2147483647",
    "2147483648",
  ],
  ...["4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "10001"],
  ...["1k", "1kb", "1500KB", "2m", "2Mb", "3g", "1gb", "1gbb", "kb", "b", "5b", "1.5mb", "-1mb", "12 mb"],
  ...[
    "yes",
    "no",
    "YES",
    "No",
    "true",
    "y",
    "debug",
    "Verbose",
    "NOTICE",
    "warning",
    "nothing",
    "a.b-c",
    "a_b",
  ],
  ...[
    "normal 0 0 0",
    "normal 1mb 2k 3",
    "slave 1 2 3",
    "REPLICA 1 2 3",
    "pubsub 1gb 1 1 normal 9mb 1gb 1",
    "normal 0 0",
  ],
  ...[
    "normal 0  0 0",
    "master 0 0 0",
    "x 1 2 3",
    "normal x 0 0",
    "normal 0 y 0",
    "normal 0 0 z",
    "normal 0 0 -1",
  ],
  ...["normal 0 0 +7", "normal 5mB 5GB 5", "pubsub  1 1", "normal 1 1 1 pubsub 1 1 -1"],
];

const patterns = [
  ...["tcp-*", "*buffer*", "time?ut", "log[kl]evel", "PROTECTED-*", "databases", "DataBases", "x*", "*"],
];

const seed = Number(process.env["SEED"] ?? 7);

withRedis("Config", (redis) => {
  test("CONFIG SET answers the same and leaves the same values", async () => {
    const config = new Config();
    const sets = everySet();
    const server = await SocketTarget.connect("redis-server", { path: redis().socketPath });
    const theirs = await server.exchange(sets.map((args) => ["CONFIG", "SET", ...args]));
    const differing = sets.flatMap((args, index) => {
      const error = config.set(args);
      const ours = error === null ? "+OK\r\n" : `-${error}\r\n`;
      return theirs[index] === ours ? [] : [{ args, redis: theirs[index], vlot: ours, seed }];
    });
    expect(differing).toEqual([]);
    for (const name of names.filter((known) => known !== "nope")) {
      expect([name, await getOf(server, name)]).toEqual([name, config.getMatching([name]).flat()]);
    }
    await server.close();
  });

  test("CONFIG GET finds the same names", async () => {
    const config = new Config();
    const server = await SocketTarget.connect("redis-server", { path: redis().socketPath });
    const known = new Set(config.getMatching(["*"]).map(([name]) => name));
    for (const pattern of patterns) {
      const theirs = (await getOf(server, pattern)).filter((_, index) => index % 2 === 0);
      const shared = theirs.filter((name) => known.has(name.toLowerCase())).sort();
      const ours = config.getMatching([pattern]).map(([name]) => name);
      expect([pattern, ours.filter((name) => theirs.includes(name)).sort()]).toEqual([pattern, shared]);
    }
    await server.close();
  });
});

// Every value for every option, then random sets of two and three.
function everySet(): string[][] {
  const random = new SeededRandom(seed);
  const pick = (from: readonly string[]): string => from[random.below(from.length)] ?? "";
  const sets = names.flatMap((name) => values.map((value) => [name, value]));
  for (let round = 0; round < 500; round++) {
    sets.push(Array.from({ length: 2 + random.below(2) }, () => [pick(names), pick(values)]).flat());
  }
  // The system's limit on open files decides how many clients redis-server allows.
  const tooMany = (args: readonly string[]): boolean =>
    args.some((arg, at) => args[at - 1] === "maxclients" && Number(arg) > 10_000);
  return sets.filter((args) => !tooMany(args));
}

async function getOf(server: SocketTarget, pattern: string): Promise<string[]> {
  const [reply = ""] = await server.exchange([["CONFIG", "GET", pattern]]);
  return (elementsOf(reply) ?? []).map((element) => bulkOf(element) ?? "");
}
