// Many short random histories; each is named by its seed. `SEED=42 bun test random-cluster` replays one, and
// `SEEDS=5000` runs more.

import { expect, test } from "bun:test";
import { messageOf } from "../../src/base/message-of.ts";
import { RandomCluster, RunStatistics } from "./random-cluster.ts";

const only = process.env["SEED"];
const seedCount = Number(process.env["SEEDS"] ?? 500);
const stepsPerRun = 500;

function run(seed: number): RunStatistics {
  const cluster = new RandomCluster(seed);
  try {
    cluster.run(stepsPerRun);
    cluster.heal();
  } catch (error) {
    throw new Error(`seed ${seed}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return cluster.statistics;
}

test(
  "every invariant holds in random histories, and each ends with a working cluster",
  () => {
    const total = new RunStatistics();
    const names = Object.keys(total) as (keyof RunStatistics)[];
    const seeds = only === undefined ? Array.from({ length: seedCount }, (_, at) => at + 1) : [Number(only)];
    for (const seed of seeds) {
      const statistics = run(seed);
      for (const name of names) total[name] += statistics[name];
    }
    if (only !== undefined) return;
    // Runs in which nothing happens prove nothing.
    for (const name of names) expect(total[name], name).toBeGreaterThan(seedCount / 4);
  },
  10_000 + seedCount * 100,
);
