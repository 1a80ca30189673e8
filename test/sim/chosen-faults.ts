// Faults of chosen kinds in a world that a test has made, and whoever has to be there with them: a supervisor that starts
// again what has ended, an operator, a budget. The simulator's histories (history.ts) draw all of that by themselves.

import { SeededRandom } from "../../src/base/random.ts";
import { FaultBudget } from "./fault-budget.ts";
import { FaultContext } from "./fault-context.ts";
import { FaultInjector } from "./fault-injector.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { Counts } from "./histories.ts";
import { Operator } from "./operator.ts";
import { Supervisor } from "./supervisor.ts";
import { usualDiskSpeed } from "./virtual-machine.ts";
import { usualNetwork } from "./virtual-network.ts";
import type { VirtualWorld } from "./virtual-world.ts";

/** That of `VirtualWorld` unless a test says otherwise; faults that last do so for a few of them. */
const electionTimeoutMs = 300;
const restartMsMax = 3 * electionTimeoutMs;
const lookEveryMs = 10;

export class ChosenFaults {
  readonly #world: VirtualWorld;
  readonly #kinds: readonly FaultKind[];
  readonly #random: SeededRandom;
  readonly #supervisor: Supervisor;
  readonly #injector: FaultInjector;

  /** Kinds that cost a node its data need a world whose `failed` takes note of it. */
  constructor(world: VirtualWorld, kinds: readonly FaultKind[]) {
    this.#world = world;
    this.#kinds = kinds;
    this.#random = new SeededRandom(world.random.uint32());
    const operator = new Operator(world);
    const budget = new FaultBudget(world, operator);
    const supervisor = new Supervisor({ world, operator, budget, restartMsMax });
    const swarm = {
      electionTimeoutMs,
      network: usualNetwork,
      diskSpeed: usualDiskSpeed,
      faults: new Map(kinds.map((kind) => [kind, 1])),
    };
    const random = new SeededRandom(world.random.uint32());
    this.#supervisor = supervisor;
    this.#injector = new FaultInjector(
      new FaultContext({ world, swarm, random, operator, supervisor, budget }),
    );
  }

  /** How often each kind has struck. */
  get counts(): Counts {
    return Object.fromEntries(this.#kinds.map((kind) => [kind, this.#injector.counts.get(kind) ?? 0]));
  }

  /** For `forMs`, a fault after each pause of up to `pauseMsMax`. */
  run(forMs: number, pauseMsMax: number): void {
    const { time } = this.#world;
    const untilMs = time.nowMs + forMs;
    let nextMs = time.nowMs + 1 + this.#random.below(pauseMsMax);
    while (time.nowMs < untilMs) {
      this.#supervisor.look();
      if (time.nowMs >= nextMs) {
        this.#injector.strike();
        nextMs = time.nowMs + 1 + this.#random.below(pauseMsMax);
      }
      this.#world.run(lookEveryMs);
    }
  }

  /** Whatever lasts comes to its end now. */
  end(): void {
    this.#injector.end();
  }
}
