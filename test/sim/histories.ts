// Runs one scenario under many seeds. `SEED=42 bun test test/sim` replays one, `SEEDS=2000` runs more of each, and
// `TRACE=1` shows what the nodes log.

import { expect, test } from "bun:test";
import { messageOf } from "../../src/base/message-of.ts";

const only = process.env["SEED"];
const seedCount = process.env["SEEDS"];

/** What happened in a history, by name; a scenario in which nothing happens proves nothing. */
export type Counts = Record<string, number>;

/**
 * Defines a test that runs `history` for each of `count` seeds. What it counts is added up, and every name must have
 * come up at least once for each two seeds.
 */
export function testHistories(name: string, count: number, history: (seed: number) => Counts): void {
  const seeds =
    only !== undefined
      ? [Number(only)]
      : Array.from({ length: seedCount === undefined ? count : Number(seedCount) }, (_, at) => at + 1);
  test(
    name,
    () => {
      const total: Counts = {};
      for (const seed of seeds) {
        for (const [what, times] of Object.entries(runOne(seed, history)))
          total[what] = (total[what] ?? 0) + times;
      }
      if (process.env["TRACE"] !== undefined) console.log(name, total);
      if (only !== undefined) return;
      for (const [what, times] of Object.entries(total))
        expect(times, what).toBeGreaterThanOrEqual(seeds.length / 2);
    },
    20_000 + seeds.length * 1000,
  );
}

function runOne(seed: number, history: (seed: number) => Counts): Counts {
  try {
    return history(seed);
  } catch (error) {
    throw new Error(`seed ${seed}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
