// One history of the simulator: all that follows from one seed. A cluster is formed as the seed's swarm says, clients and
// faults are let loose on it (the safety phase: nothing wrong may ever happen), then the faults end and the cluster has
// to come back (the liveness phase: something right must happen), and what the clients were told has to fit together.

import { assert } from "../../src/base/assert.ts";
import { messageOf } from "../../src/base/message-of.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { FaultBudget } from "./fault-budget.ts";
import { FaultContext } from "./fault-context.ts";
import { FaultInjector } from "./fault-injector.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { Liveness, type Recovery } from "./liveness.ts";
import { Operator } from "./operator.ts";
import { Supervisor } from "./supervisor.ts";
import { drawSwarm, type Swarm } from "./swarm.ts";
import { VirtualWorld } from "./virtual-world.ts";
import type { WorkloadCounts, WorkloadMaker } from "./workload.ts";
import { CheckedLoad } from "./workload/checked-load.ts";

export interface HistoryOptions {
  /** Lines of the history to keep as text; 0 for none. */
  readonly traceLinesMax?: number;
  /** Kinds of faults to draw from; all by default. */
  readonly kinds?: readonly FaultKind[];
  /** Workloads to draw from. */
  readonly workloads?: readonly WorkloadMaker[];
}

export interface SeedResult {
  readonly seed: number;
  /** Of the trace: equal for equal seeds. */
  readonly hash: string;
  readonly virtualMs: number;
  /** Events of the world: timers, deliveries, syncs. */
  readonly events: number;
  readonly machines: number;
  readonly elections: number;
  readonly workload: WorkloadCounts;
  readonly faults: Readonly<Record<string, number>>;
  /** Processes that ended because of their disks, by code. */
  readonly exits: Readonly<Record<string, number>>;
  readonly recovery: Recovery | null;
  /** Null when all went as it must. */
  readonly failure: string | null;
  /** The last lines, if they were to be kept. */
  readonly lines: readonly string[];
}

const usualWorkloads: readonly WorkloadMaker[] = [(world, clients) => new CheckedLoad(world, clients)];
const strikeLookMs = 10;
/** Clients have the cluster to themselves at first, so that there is something to lose. */
const calmMs = 100;

export function runSeed(seed: number, options: HistoryOptions = {}): SeedResult {
  return new History(seed, options).run();
}

class History {
  readonly #seed: number;
  readonly #swarm: Swarm;
  readonly #options: HistoryOptions;
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;
  readonly #operator: Operator;
  readonly #supervisor: Supervisor;
  readonly #injector: FaultInjector;
  #workloadCounts: () => WorkloadCounts = () => ({ sent: 0, acknowledged: 0, unknown: 0, undecided: 0 });
  #recovery: Recovery | null = null;

  constructor(seed: number, options: HistoryOptions) {
    this.#seed = seed;
    this.#options = options;
    const swarm = drawSwarm(seed, options.kinds);
    this.#swarm = swarm;
    const world = this.#makeWorld();
    this.#world = world;
    this.#random = new SeededRandom(world.random.uint32());
    const operator = new Operator(world);
    const budget = new FaultBudget(world, operator);
    const restartMsMax = 3 * swarm.electionTimeoutMs;
    const supervisor = new Supervisor({ world, operator, budget, restartMsMax });
    const random = new SeededRandom(world.random.uint32());
    this.#operator = operator;
    this.#supervisor = supervisor;
    this.#injector = new FaultInjector(
      new FaultContext({ world, swarm, random, operator, supervisor, budget }),
    );
  }

  run(): SeedResult {
    let failure: string | null = null;
    try {
      this.#live();
    } catch (error) {
      failure = describeFailure(error);
    }
    return this.#result(failure);
  }

  #live(): void {
    const world = this.#world;
    const swarm = this.#swarm;
    world.formCluster();
    for (const machine of world.machines) machine.diskSpeed = swarm.diskSpeed;
    const { workloads = usualWorkloads } = this.#options;
    const make = workloads[this.#random.below(workloads.length)];
    assert(make !== undefined, "a workload to choose");
    const workload = make(world, swarm.clients);
    this.#workloadCounts = () => workload.counts;
    workload.start();
    world.run(calmMs);
    this.#letFaultsStrike();
    this.#injector.end();
    const parts = { world, swarm, supervisor: this.#supervisor, operator: this.#operator, workload };
    this.#recovery = new Liveness(parts).run();
    world.invariants.checkAtRest();
    workload.check();
  }

  #letFaultsStrike(): void {
    const world = this.#world;
    const untilMs = world.time.nowMs + this.#swarm.safetyMs;
    let nextMs = world.time.nowMs;
    while (world.time.nowMs < untilMs) {
      this.#supervisor.look();
      if (world.time.nowMs >= nextMs) {
        this.#injector.strike();
        nextMs = world.time.nowMs + 1 + this.#random.below(this.#swarm.faultPauseMsMax);
      }
      world.run(Math.min(strikeLookMs, Math.max(0.1, nextMs - world.time.nowMs)));
    }
  }

  #makeWorld(): VirtualWorld {
    const { machines, settings, proxies, network, tearsSectors } = this.#swarm;
    const world = new VirtualWorld({
      seed: this.#seed,
      machines,
      settings,
      settingsOf: (name) => ({ "follower-proxy": proxies.has(name) ? "yes" : "no" }),
      tearsSectors,
      traceLinesMax: this.#options.traceLinesMax ?? 0,
      failed: (machine, error) => this.#supervisor.failed(machine, error),
    });
    world.network.character = network;
    return world;
  }

  #result(failure: string | null): SeedResult {
    const world = this.#world;
    return {
      seed: this.#seed,
      hash: world.trace.hash,
      virtualMs: world.time.nowMs,
      events: world.time.eventCount,
      machines: this.#swarm.machines,
      elections: world.invariants.elections,
      workload: this.#workloadCounts(),
      faults: { ...Object.fromEntries(this.#injector.counts), duplicate: world.network.duplicates },
      exits: Object.fromEntries(this.#supervisor.exits),
      recovery: this.#recovery,
      failure,
      lines: world.trace.lines,
    };
  }
}

/** The message, and where it comes from in a few lines. */
function describeFailure(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "").split("\n") : [];
  const places = stack.filter((line) => /^\s+at /.test(line)).slice(0, 8);
  return [messageOf(error), ...places].join("\n");
}
