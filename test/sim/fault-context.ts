// What all families of faults share: the world that they strike, chance, the operator, the budget, and the promise that
// whatever lasts comes to an end.

import type { SeededRandom } from "../../src/base/random.ts";
import type { FaultBudget } from "./fault-budget.ts";
import type { Operator } from "./operator.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Swarm } from "./swarm.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import type { VirtualWorld } from "./virtual-world.ts";

/** What faults ask of the seed. */
export type FaultSetting = Pick<Swarm, "electionTimeoutMs" | "network" | "diskSpeed" | "faults">;

export interface FaultParts {
  readonly world: VirtualWorld;
  readonly swarm: FaultSetting;
  readonly random: SeededRandom;
  readonly operator: Operator;
  readonly supervisor: Supervisor;
  readonly budget: FaultBudget;
}

export class FaultContext {
  readonly world: VirtualWorld;
  readonly swarm: FaultSetting;
  readonly random: SeededRandom;
  readonly operator: Operator;
  readonly supervisor: Supervisor;
  readonly budget: FaultBudget;
  readonly #ends = new Set<() => void>();

  constructor({ world, swarm, random, operator, supervisor, budget }: FaultParts) {
    this.world = world;
    this.swarm = swarm;
    this.random = random;
    this.operator = operator;
    this.supervisor = supervisor;
    this.budget = budget;
  }

  /** Calls `end` once: after a time that suits elections, or when all faults end. */
  lasting(end: () => void): void {
    this.lastingFor(this.someMs(), end);
  }

  lastingFor(forMs: number, end: () => void): void {
    const endOnce = (): void => {
      if (this.#ends.delete(endOnce)) end();
    };
    this.#ends.add(endOnce);
    this.world.time.after(forMs, endOnce);
  }

  /** Ends whatever lasts. */
  endAll(): void {
    for (const end of [...this.#ends]) end();
  }

  /** From nearly nothing to a few election timeouts. */
  someMs(): number {
    const { electionTimeoutMs } = this.swarm;
    return 10 + this.random.below(this.chance(20) ? 5 * electionTimeoutMs : 2 * electionTimeoutMs);
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.random.below(Math.max(1, items.length))];
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.random.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other] as Item, shuffled[at] as Item];
    }
    return shuffled;
  }

  /** A machine that runs: the leader half of the time, for that is where it hurts. */
  victim(): VirtualMachine | undefined {
    const { leader, running } = this.world;
    return leader !== undefined && this.chance(50) ? leader : this.pick(running);
  }

  get names(): ReadonlySet<string> {
    return new Set(this.world.machines.map(({ name }) => name));
  }
}
