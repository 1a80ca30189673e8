// The hands of the nemesis: one for each schedule, all at work at the same time, each doing one fault after the other. What
// they choose follows from the seed; what comes of it depends on the machine as well.

import { type Random, SeededRandom } from "../../src/base/random.ts";
import { type FaultContext, type Faults, pickSome } from "./fault.ts";
import type { Fleet } from "./fleet.ts";
import { memberFaults } from "./member-faults.ts";
import { partitionFaults } from "./partition-faults.ts";
import { killFaults, pauseFaults } from "./process-faults.ts";

export const schedules = ["kill", "pause", "partition", "member"] as const;
export type Schedule = (typeof schedules)[number];

/** Shortest and longest time in milliseconds: how long a fault lasts, and how long its hand rests after it. */
export interface Pace {
  readonly holdMs: readonly [number, number];
  readonly restMs: readonly [number, number];
}

export interface HandsOptions {
  readonly fleet: Fleet;
  /** Of the fleet at the start. */
  readonly nodes: number;
  readonly schedules: readonly Schedule[];
  /** Each schedule draws from a generator of its own. */
  readonly seed: number;
  readonly pace: Pace;
  /** Where to write down what is done. */
  readonly record: FaultRecord[];
}

/** What was done, and when. */
export interface FaultRecord {
  readonly name: string;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
}

export class Hands {
  readonly #options: HandsOptions;
  /** What each has yet to do before it does anything again. */
  readonly #ahead = new Map<Schedule, string[]>();
  #over = Promise.withResolvers<void>();
  #isOver = true;
  #work: Promise<void>[] = [];

  readonly #randoms: ReadonlyMap<Schedule, Random>;

  constructor(options: HandsOptions) {
    this.#options = options;
    const { seed } = options;
    this.#randoms = new Map(
      schedules.map((schedule, at) => [schedule, new SeededRandom(seed * schedules.length + at)]),
    );
  }

  /** All begin, or go on where they were. */
  start(): void {
    this.#isOver = false;
    this.#over = Promise.withResolvers<void>();
    this.#work = this.#options.schedules.map((schedule) => this.#labour(schedule));
    // Whoever stops them hears of it; until then it is not lost.
    for (const work of this.#work) work.catch(() => undefined);
  }

  /** Ends all; resolves when the last has undone what it was at. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#over.resolve();
    await Promise.all(this.#work);
  }

  async #labour(schedule: Schedule): Promise<void> {
    const { fleet, nodes, pace, record } = this.#options;
    const context: FaultContext = { fleet, random: this.#randomOf(schedule) };
    const faults = faultsOf(schedule, nodes);
    for (;;) {
      await this.#rest(context.random, pace.restMs);
      if (this.#isOver) return;
      const name = this.#next(schedule, Object.keys(faults));
      const undo = await faults[name]?.(context);
      if (undo === null || undo === undefined) continue;
      const done: FaultRecord = { name, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
      record.push(done);
      await this.#rest(context.random, pace.holdMs);
      await undo();
      done.toMs = performance.now();
    }
  }

  /** All of them in a random order, then all again in another. */
  #next(schedule: Schedule, names: readonly string[]): string {
    let ahead = this.#ahead.get(schedule) ?? [];
    if (ahead.length === 0) ahead = pickSome(this.#randomOf(schedule), names, names.length);
    this.#ahead.set(schedule, ahead.slice(1));
    return ahead[0] ?? "";
  }

  #randomOf(schedule: Schedule): Random {
    return this.#randoms.get(schedule) as Random;
  }

  async #rest(random: Random, [shortestMs, longestMs]: readonly [number, number]): Promise<void> {
    const time = Bun.sleep(shortestMs + random.below(longestMs - shortestMs + 1));
    await Promise.race([time, this.#over.promise]);
  }
}

function faultsOf(schedule: Schedule, nodes: number): Faults {
  switch (schedule) {
    case "kill":
      return killFaults;
    case "pause":
      return pauseFaults;
    case "partition":
      return partitionFaults;
    case "member":
      return memberFaults(nodes);
  }
}
