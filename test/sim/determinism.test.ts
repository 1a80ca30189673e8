// Equal seeds give equal histories, to the byte: in one process, in another, and whether or not anybody reads the text.

import { expect, test } from "bun:test";
import { type HistoryOptions, runSeed, type SeedResult } from "./history.ts";
import { runSeeds } from "./seed-pool.ts";

const seeds = [1, 2, 3, 4];
const limitMs = 60_000;

function hashOf(seed: number, options: HistoryOptions = {}): string {
  return runSeed(seed, options).hash;
}

test(
  "equal seeds give equal histories, other seeds other ones",
  () => {
    const hashes = seeds.map((seed) => hashOf(seed));
    expect(seeds.map((seed) => hashOf(seed))).toEqual(hashes);
    expect(new Set(hashes).size).toBe(seeds.length);
  },
  limitMs,
);

test(
  "reading along changes nothing",
  () => {
    for (const seed of seeds.slice(0, 2)) {
      const result = runSeed(seed, { traceLinesMax: 50 });
      expect(result.lines.length).toBe(50);
      expect(result.hash).toBe(hashOf(seed));
    }
  },
  limitMs,
);

test(
  "another process runs the same history",
  async () => {
    const results: SeedResult[] = [];
    await runSeeds({
      from: 1,
      count: 3,
      jobs: 1,
      minutesMax: Infinity,
      traceLinesMax: 0,
      done: (result) => results.push(result),
    });
    expect(results.map(({ seed, hash }) => [seed, hash])).toEqual(
      [1, 2, 3].map((seed) => [seed, hashOf(seed)]),
    );
  },
  limitMs,
);
