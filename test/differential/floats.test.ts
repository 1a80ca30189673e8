// INCRBYFLOAT's extended precision against redis-server: random sums of random spellings, equal to the digit.

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { InProcessTarget } from "./in-process-target.ts";
import { SocketTarget } from "./socket-target.ts";
import type { Args } from "./target.ts";
import { chance, pick, randomFloat } from "./values.ts";
import { withRedis } from "./with-redis.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const count = Number(process.env["COUNT"] ?? 6000);

const batchMax = 2000;

/** Ends of ranges, ties and forms that only C reads. */
const edges = [
  "1.18973149535723176502e+4932",
  "-1.18973149535723176502e+4932",
  "1.18973149535723176506e+4932",
  "1.18973149535723176508575932662800702e+4932",
  "1.18973149535723176508575932662800703e+4932",
  "1e4933",
  "1e-4950",
  "3.6e-4951",
  "1.8e-4951",
  "1.9e-4951",
  "1e-4952",
  "18446744073709551615",
  "18446744073709551616",
  "18446744073709551617",
  "36893488147419103233",
  "36893488147419103235",
  "9223372036854775807",
  "-9223372036854775808",
  "0x1p-70",
  "0X.8",
  "0x1.fffffffffffffffep0",
  "0x1.ffffffffffffffffp0",
  "0x1.fffffffffffffffe8p0",
  "0x1p-16445",
  "0x1p-16446",
  "0x1.8p-16446",
  "0x1p16383",
  "0x1p16384",
  "0x",
  "0x.p1",
  "0x1p",
  "0x1p+",
  "1e",
  "1e+",
  ".",
  "-.5",
  "+.5e1",
  "1e99999999999999999999",
  "0e99999999999999999999",
  "1e-99999999999999999999",
  "infinity",
  "-INF",
  "infin",
  "NaN",
  "nan(1)",
  "1_0",
  "1,5",
  "\t1",
  "1\n",
  "1\0",
  "5e-18",
  "15e-18",
  "4.99999999999999999999e-18",
  `0.${"3".repeat(5117)}`,
  `0.${"3".repeat(5118)}`,
];

withRedis("INCRBYFLOAT", (redis) => {
  test(
    `adds and prints as redis-server does (SEED=${seed})`,
    async () => {
      const random = new SeededRandom(seed);
      const commands: Args[] = [];
      for (const edge of edges)
        for (const other of ["0", "-0", "1e-17", edge]) commands.push(...sumOf(edge, other));
      while (commands.length < count * 2) commands.push(...sumOf(number(random), number(random)));
      const ours = await new InProcessTarget().exchange(commands);
      const target = await SocketTarget.connect("redis", { path: redis().socketPath });
      const theirs: string[] = [];
      for (let at = 0; at < commands.length; at += batchMax) {
        theirs.push(...(await target.exchange(commands.slice(at, at + batchMax))));
      }
      await target.close();
      const different = commands.flatMap((args, at) => {
        if (ours[at] === theirs[at]) return [];
        return [{ before: commands[at - 1], args, ours: ours[at], theirs: theirs[at] }];
      });
      expect(different.slice(0, 5)).toEqual([]);
    },
    30_000 + count * 2,
  );
});

function sumOf(left: string, right: string): Args[] {
  return [
    ["SET", "f", left],
    ["INCRBYFLOAT", "f", right],
  ];
}

function number(random: SeededRandom): string {
  if (chance(random, 10)) return pick(random, edges);
  if (chance(random, 10))
    return `0x${random.uint32().toString(16)}.${random.uint32().toString(16)}p${random.below(140) - 70}`;
  if (chance(random, 10)) return `${randomFloat(random)}e${random.below(9900) - 4950}`;
  return randomFloat(random);
}
