// Runs seeds in as many processes as there are cores, until they are all done or time is up. A process that dies or
// hangs has failed with its seed, and another takes its place.

import { join } from "node:path";
import type { SeedResult } from "./history.ts";
import type { SeedOrder } from "./seed-worker.ts";

export interface PoolOptions {
  readonly from: number;
  /** How many seeds; Infinity for as many as time allows. */
  readonly count: number;
  readonly jobs: number;
  /** When to begin no further seed; Infinity for never. */
  readonly minutesMax: number;
  /** Ends the run at the first failure. */
  readonly stopsAtFailure?: boolean;
  readonly traceLinesMax: number;
  /** As in SeedOrder. */
  readonly beyond?: boolean;
  /** Further arguments of the runtime, before the script: `--preload` and a file. */
  readonly runtimeArguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly done: (result: SeedResult) => void;
}

/** Longer than any history takes; one that does goes round in circles. */
const seedLimitMs = 60_000;
const worker = join(import.meta.dir, "seed-worker.ts");

/** Resolves when all seeds are done. */
export async function runSeeds(options: PoolOptions): Promise<void> {
  const pool = new SeedPool(options);
  await Promise.all(Array.from({ length: options.jobs }, () => pool.work()));
}

class SeedPool {
  readonly #options: PoolOptions;
  readonly #deadline: number;
  #next: number;
  #isOver = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#deadline = performance.now() + options.minutesMax * 60_000;
  }

  /** One process after the other until there are no seeds left. */
  async work(): Promise<void> {
    while (this.#hasMore) await this.#runProcess();
  }

  get #hasMore(): boolean {
    const { from, count } = this.#options;
    return !this.#isOver && this.#next < from + count && performance.now() < this.#deadline;
  }

  /** Feeds one process until the seeds or the process are at their end. */
  #runProcess(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seed: number | null = null;
    let timer: Timer | undefined;
    const child = Bun.spawn([process.execPath, ...(this.#options.runtimeArguments ?? []), worker], {
      env: { ...process.env, ...this.#options.environment },
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "json",
      ipc: (message: "ready" | SeedResult) => {
        clearTimeout(timer);
        seed = null;
        if (message !== "ready") this.#done(message);
        if (!this.#hasMore) return child.disconnect();
        seed = this.#next++;
        const order: SeedOrder = {
          seed,
          linesMax: this.#options.traceLinesMax,
          beyond: this.#options.beyond ?? false,
        };
        child.send(order);
        timer = setTimeout(() => child.kill("SIGKILL"), seedLimitMs);
      },
      onExit: (_child, status, signal) => {
        clearTimeout(timer);
        if (seed !== null) this.#done(lost(seed, `the process ended with ${signal ?? `status ${status}`}`));
        resolve();
      },
    });
    return promise;
  }

  #done(result: SeedResult): void {
    if (result.failure !== null && this.#options.stopsAtFailure === true) this.#isOver = true;
    this.#options.done(result);
  }
}

/** The result of a seed whose process has not lived to tell. */
function lost(seed: number, failure: string): SeedResult {
  return {
    seed,
    hash: "",
    virtualMs: 0,
    events: 0,
    machines: 0,
    elections: 0,
    workload: { sent: 0, acknowledged: 0, unknown: 0, undecided: 0 },
    faults: {},
    exits: {},
    recovery: null,
    failure,
    lines: [],
  };
}
