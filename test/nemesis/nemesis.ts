// `npm run nemesis`: the built executable under faults, with every answer judged.
//
//     bun run nemesis -- [--minutes 10] [--nodes 3] [--seed 7] [--proxy] [--schedule kill,pause,partition,member]
//     bun run nemesis -- --failover 20        how long writes are held up by so many faults of the leader, of each kind
//
// Ends with status 1 when something was found wrong, or a figure misses its bound; then the folder of the run stays, with the
// nodes' logs and files and the histories that fit no order.

import { parseArgs } from "node:util";
import { Place } from "../support/scenario.ts";
import { FailoverTrial, failoverBounds, leaderFaults } from "./failover.ts";
import { type FaultRecord, type Schedule, schedules } from "./hands.ts";
import { NemesisRun } from "./nemesis-run.ts";
import type { Gap } from "./statistics.ts";

const progressMs = 10_000;
const chapterMs = 10_000;
const clients = 8;
const pace = { holdMs: [100, 3000], restMs: [200, 2500] } as const;

interface Arguments {
  readonly minutes: number;
  readonly nodes: number;
  readonly seed: number;
  readonly isProxied: boolean;
  readonly chosen: readonly Schedule[];
  /** 0: no measuring. */
  readonly failovers: number;
}

const place = new Place();
const isFine = await main(argumentsOf(Bun.argv.slice(2)));
await place.end();
if (isFine) place.remove();
else console.log(place.report());
process.exit(isFine ? 0 : 1);

function main(given: Arguments): Promise<boolean> {
  return given.failovers > 0 ? measureFailovers(given.failovers) : torment(given);
}

function argumentsOf(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: "string", default: "10" },
      nodes: { type: "string", default: "3" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
      proxy: { type: "boolean", default: false },
      schedule: { type: "string", default: schedules.join(",") },
      failover: { type: "string", default: "0" },
    },
  });
  const names = values.schedule.split(",");
  const chosen = schedules.filter((schedule) => names.includes(schedule));
  if (chosen.length !== names.length) throw new Error(`--schedule takes ${schedules.join(", ")}`);
  const [minutes, nodes, seed, failovers] = [values.minutes, values.nodes, values.seed, values.failover].map(
    Number,
  ) as [number, number, number, number];
  if (!(minutes > 0 && nodes > 1 && Number.isInteger(nodes) && Number.isInteger(seed) && failovers >= 0))
    throw new Error("--minutes, --nodes, --seed and --failover take numbers");
  return { minutes, nodes, seed, isProxied: values.proxy, chosen, failovers };
}

// ── Faults of all kinds ─────────────────────────────────────────────────────────────────────────────────────────────

async function torment({ minutes, nodes, seed, isProxied, chosen }: Arguments): Promise<boolean> {
  const proxy = isProxied ? " --proxy" : "";
  console.log(`--minutes ${minutes} --nodes ${nodes} --seed ${seed}${proxy} --schedule ${chosen.join(",")}`);
  const durationMs = minutes * 60_000;
  const run = new NemesisRun({
    ...{ place, nodes, seed, isProxied, schedules: chosen, clients, pace, durationMs },
    chapterMs: Math.min(chapterMs, durationMs),
  });
  const startMs = performance.now();
  const progress = setInterval(() => console.log(progressLine(run, startMs)), progressMs);
  await run.run();
  clearInterval(progress);
  report(run, performance.now() - startMs);
  return run.findings.isClean;
}

function progressLine({ chapters, statistics, faults }: NemesisRun, startMs: number): string {
  const seconds = (performance.now() - startMs) / 1000;
  const { operations, outcomes } = statistics;
  return (
    `${seconds.toFixed(0).padStart(4)} s  chapter ${chapters}, ${operations} operations ` +
    `(${(operations / seconds).toFixed(0)}/s, ${outcomes.get("unknown") ?? 0} unknown), ${faults.length} faults`
  );
}

function report(
  { chapters, statistics, faults, findings, undecided, evidence }: NemesisRun,
  tookMs: number,
): void {
  const { operations, outcomes, longestGap, longestHealthyGap } = statistics;
  const perSecond = Math.round((operations * 1000) / tookMs);
  console.log(`\n${operations} operations, ${perSecond}/s, in ${chapters} chapters`);
  for (const [outcome, count] of byCount(outcomes)) console.log(`  ${String(count).padStart(9)}  ${outcome}`);
  console.log(`${faults.length} faults`);
  for (const [name, count] of byCount(countsOf(faults)))
    console.log(`  ${String(count).padStart(9)}  ${name}`);
  console.log(`longest time without an acknowledged write: ${described(longestGap, faults)}`);
  console.log(`  with a majority up and connected: ${described(longestHealthyGap, faults)}`);
  if (undecided.length > 0) console.log(`too hard to judge: ${undecided.join(", ")}`);
  for (const finding of findings.list) console.log(`\nFOUND ${finding}`);
  if (evidence !== null) console.log(`\nhistories: ${evidence}`);
  console.log(findings.isClean ? "verdict: nothing wrong" : "verdict: WRONG");
}

function countsOf(faults: readonly FaultRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of faults) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function byCount(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort((one, other) => other[1] - one[1]);
}

function described({ fromMs, lengthMs }: Gap, faults: readonly FaultRecord[]): string {
  const atWork = faults.filter((fault) => fault.fromMs < fromMs + lengthMs && fault.toMs > fromMs);
  return `${Math.round(lengthMs)} ms (${atWork.map(({ name }) => name).join(", ") || "no fault"})`;
}

// ── Failover ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function measureFailovers(rounds: number): Promise<boolean> {
  const trial = await FailoverTrial.begin(place);
  let isWithin = true;
  console.log("first acknowledged write after the fault, in ms\n");
  console.log("leader     faults   median  (bound)      max  (bound)");
  for (const fault of leaderFaults) {
    const figures: number[] = [];
    while (figures.length < rounds) figures.push(await trial.measure(fault));
    figures.sort((one, other) => one - other);
    const median = ((figures[(rounds - 1) >> 1] ?? 0) + (figures[rounds >> 1] ?? 0)) / 2;
    const max = figures.at(-1) ?? 0;
    const bounds = failoverBounds[fault];
    isWithin &&= median < bounds.medianMs && max < bounds.maxMs;
    const cells = [
      String(rounds),
      ...[median, bounds.medianMs, max, bounds.maxMs].map((ms) => ms.toFixed(0)),
    ];
    const [count = "", medianText = "", medianBound = "", maxText = "", maxBound = ""] = cells;
    console.log(
      `${fault.padEnd(10)} ${count.padStart(6)} ${medianText.padStart(8)}  (${medianBound.padStart(4)})` +
        `  ${maxText.padStart(7)}  (${maxBound.padStart(4)})`,
    );
  }
  await trial.end();
  return isWithin;
}
