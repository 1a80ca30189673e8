// Whether the simulator finds the planted bugs: runs seeds with one bug after the other until one fails that does not
// fail without it, and tells of each which seed that was and what was noticed.

import { join } from "node:path";
import type { SeedResult } from "../history.ts";
import { runSeeds } from "../seed-pool.ts";
import { mutants } from "./catalogue.ts";
import type { Mutant } from "./mutant.ts";

export interface HuntOptions {
  /** Seeds to try for each. */
  readonly seeds: number;
  readonly jobs: number;
  /** Names of those to hunt; all by default. */
  readonly names: readonly string[];
  readonly print: (line: string) => void;
}

interface Catch {
  /** Null when no seed found it. */
  readonly found: SeedResult | null;
  readonly seedsRun: number;
  readonly seconds: number;
}

const plant = join(import.meta.dir, "plant.ts");
const noticeLengthMax = 110;

/** Prints the table; resolves with the number of bugs that were not found. */
export async function huntMutants({ seeds, jobs, names, print }: HuntOptions): Promise<number> {
  const hunted = mutants.filter(({ name }) => names.length === 0 || names.includes(name));
  const width = Math.max(...hunted.map(({ name }) => name.length));
  let missed = 0;
  print(`${"mutant".padEnd(width)}  seed  run  seconds  noticed`);
  for (const mutant of hunted) {
    const { found, seedsRun, seconds } = await hunt(mutant, seeds, jobs);
    if (found === null) missed++;
    const seed = String(found?.seed ?? "-").padStart(4);
    const notice = found === null ? "NOT FOUND" : noticeOf(found);
    print(
      `${mutant.name.padEnd(width)}  ${seed}  ${String(seedsRun).padStart(3)}  ${seconds.toFixed(1).padStart(7)}  ${notice}`,
    );
  }
  print(`${hunted.length - missed} of ${hunted.length} found within ${seeds} seeds each`);
  return missed;
}

/** Seeds that fail without the bug as well prove nothing. */
async function hunt({ name }: Mutant, seeds: number, jobs: number): Promise<Catch> {
  const started = performance.now();
  let from = 1;
  let seedsRun = 0;
  for (;;) {
    const failures: SeedResult[] = [];
    let next = from;
    await runSeeds({
      from,
      count: seeds + 1 - from,
      jobs,
      minutesMax: Infinity,
      stopsAtFailure: true,
      traceLinesMax: 0,
      runtimeArguments: ["--preload", plant],
      environment: { MUTANT: name },
      done: (result) => {
        seedsRun++;
        next = Math.max(next, result.seed + 1);
        if (result.failure !== null) failures.push(result);
      },
    });
    const seconds = (performance.now() - started) / 1000;
    if (failures.length === 0) return { found: null, seedsRun, seconds };
    failures.sort((one, other) => one.seed - other.seed);
    for (const found of failures) {
      if (!(await failsAnyway(found.seed))) return { found, seedsRun, seconds };
    }
    from = next;
  }
}

async function failsAnyway(seed: number): Promise<boolean> {
  let fails = false;
  await runSeeds({
    from: seed,
    count: 1,
    jobs: 1,
    minutesMax: Infinity,
    traceLinesMax: 0,
    done: ({ failure }) => (fails = failure !== null),
  });
  return fails;
}

function noticeOf({ failure }: SeedResult): string {
  const line = (failure ?? "").split("\n", 1)[0] as string;
  return line.length <= noticeLengthMax ? line : `${line.slice(0, noticeLengthMax)}…`;
}
