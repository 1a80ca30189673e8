// The simulator's command line:
//
//   bun run sim -- --seeds 1000            runs seeds 1 to 1000
//   bun run sim -- --seeds 1000 --from 5001
//   bun run sim -- --minutes 10            as many as fit
//   bun run sim -- --seed 123              one, with the last events of its history as text
//   bun run sim -- --mutants               plants known bugs, and tells which seed of up to --seeds finds each
//   bun run sim -- --mutants --only count-learners
//
// `--beyond` adds faults that are beyond what is promised (fault-kinds.ts). `--jobs` is the number of processes, by default one a core; `--lines` how much text of a failing history to print.
// Exit status 1 when a seed failed, or when there were faults that never struck.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { faultKinds, kindsBeyondThePromise } from "./fault-kinds.ts";
import { runSeed } from "./history.ts";
import { huntMutants } from "./mutants/mutant-hunt.ts";
import { runSeeds } from "./seed-pool.ts";
import { describeSeed, SeedReport } from "./seed-report.ts";

const usualSeeds = 1000;
const usualLines = 150;
const progressEveryMs = 10_000;
/** In so many seeds every kind of fault must have struck, or the run has not shown what it should. */
const seedsForAllKinds = 100;
/** Traces printed; further failures are only listed. */
const tracesMax = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    minutes: { type: "string" },
    jobs: { type: "string" },
    lines: { type: "string" },
    beyond: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
  },
});
const linesMax = numberOf("lines", values.lines) ?? usualLines;
const seed = numberOf("seed", values.seed);
const jobs = numberOf("jobs", values.jobs) ?? availableParallelism();
if (values.mutants) process.exit((await hunt()) === 0 ? 0 : 1);
process.exit(seed === undefined ? await simulateMany() : simulateOne(seed));

function hunt(): Promise<number> {
  const seeds = numberOf("seeds", values.seeds) ?? usualSeeds;
  return huntMutants({ seeds, jobs, names: values.only ?? [], print: (line) => console.log(line) });
}

function simulateOne(only: number): number {
  const started = performance.now();
  const kinds = values.beyond ? [...faultKinds, ...kindsBeyondThePromise] : faultKinds;
  const result = runSeed(only, { traceLinesMax: linesMax, kinds });
  const report = new SeedReport();
  report.add(result);
  if (result.failure === null) console.log(result.lines.join("\n"));
  else console.log(describeSeed(result));
  console.log(report.summary(performance.now() - started));
  console.log(`seed ${only}: trace ${result.hash}, ${result.failure === null ? "passed" : "failed"}`);
  return result.failure === null ? 0 : 1;
}

async function simulateMany(): Promise<number> {
  const started = performance.now();
  const report = new SeedReport();
  let told = started;
  const minutesMax = numberOf("minutes", values.minutes) ?? Infinity;
  await runSeeds({
    from: numberOf("from", values.from) ?? 1,
    count: numberOf("seeds", values.seeds) ?? (minutesMax === Infinity ? usualSeeds : Infinity),
    jobs,
    minutesMax,
    traceLinesMax: linesMax,
    beyond: values.beyond,
    done: (result) => {
      report.add(result);
      if (result.failure !== null) {
        const isShown = report.failures.length <= tracesMax;
        console.log(describeSeed(isShown ? result : { ...result, lines: [] }));
      }
      const now = performance.now();
      if (now - told < progressEveryMs) return;
      told = now;
      console.log(report.progress(now - started));
    },
  });
  console.log(report.summary(performance.now() - started));
  const { failures } = report;
  const missing = report.seeds < seedsForAllKinds ? [] : report.missing(faultKinds);
  if (missing.length > 0) console.log(`never struck: ${missing.join(", ")}`);
  if (failures.length > 0) console.log(`failed: ${failures.sort((one, other) => one - other).join(", ")}`);
  return failures.length === 0 && missing.length === 0 ? 0 : 1;
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name} takes a number, not '${text}'`);
  process.exit(2);
}
